"""Writers of items and predictions for other tools: one file per layout; `registry` knows them by name."""
