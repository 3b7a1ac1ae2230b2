"""What notebook linear_probes needs alone."""
