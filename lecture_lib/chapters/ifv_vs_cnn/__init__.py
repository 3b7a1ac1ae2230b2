"""What notebook ifv_vs_cnn needs alone."""
