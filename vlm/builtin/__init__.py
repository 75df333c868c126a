"""Training of the built-in experts' networks: examples, losses, loop and metrics."""
