"""The published claims in miniature: conditions trained from one base on rendered rooms, and their results."""
