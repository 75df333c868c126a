"""The driver's side: one job per stage, the streaming writer, and the `spatiallake` command."""
