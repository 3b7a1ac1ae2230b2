"""What notebook parts_and_attributes needs alone."""
