"""One module per stage: what happens to a row."""
