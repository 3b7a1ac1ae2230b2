"""What notebook start_here needs alone."""
