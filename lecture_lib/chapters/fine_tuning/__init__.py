"""What notebook fine_tuning needs alone."""
