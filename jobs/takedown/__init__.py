"""Takedown: removes images from every table of a lake for good, and says what it did."""
