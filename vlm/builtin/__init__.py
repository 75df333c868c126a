"""Training of the small networks that are built in: examples, losses, loop and measures."""
