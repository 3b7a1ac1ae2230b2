"""One folder a notebook: what that part of the lecture needs alone. Chapters never import each other."""
