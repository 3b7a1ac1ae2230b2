"""What notebook domain_adaptation needs alone."""
