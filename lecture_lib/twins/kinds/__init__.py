"""The kinds of objects: each module draws one, and lists its classes with their genes."""
