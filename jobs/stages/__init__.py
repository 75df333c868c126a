"""One module per stage: what it reads, and its pure transform."""
