"""The published claims in miniature: arms trained from one base on rendered rooms, and what comes of each."""
