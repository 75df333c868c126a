"""Models that answer items during an evaluation: endpoints and local checkpoints."""
