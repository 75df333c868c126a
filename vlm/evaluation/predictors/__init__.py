"""Models that answer items while they are evaluated: endpoints and local checkpoints."""
