"""What `spatiallake demo` shows: two lakes of rendered rooms, a chain of thought, and a few training steps."""
