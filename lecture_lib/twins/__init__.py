"""A small procedural world: the pictures of the demo profile."""
