"""Networks as an ordered walk of named stages (taps), with their weights and their preprocessing."""
