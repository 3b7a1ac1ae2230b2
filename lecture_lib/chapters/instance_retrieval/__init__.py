"""What notebook instance_retrieval needs alone."""
