"""Scores with their intervals: one file per kind of answer, `table.scores_of` for a list of predictions."""
