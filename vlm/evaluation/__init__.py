"""What a model said, read and held against the truth: items, predictions, parsers, scores and baselines."""
