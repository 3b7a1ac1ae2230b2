"""Notebook 99: every table and every claim beside ours, read from the files, and the exercises done."""
