"""What notebook how_transferable needs alone."""
