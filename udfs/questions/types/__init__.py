"""The question types: one module per relation or measure, with one file of wordings per type."""
