"""Evaluation: items, predictions, parsers, scores and baselines."""
