"""What the lecture's tables say, what we measured, and what follows from the two."""
