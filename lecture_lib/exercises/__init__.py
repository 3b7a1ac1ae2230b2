"""Exercises at the end of each notebook: the machinery. What is asked, and what goes wrong, is in the chapters."""
