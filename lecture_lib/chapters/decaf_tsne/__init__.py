"""What notebook decaf_tsne needs alone."""
