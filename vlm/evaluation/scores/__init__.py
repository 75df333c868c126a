"""Scores with confidence intervals, one file per kind of answer; `table.scored` computes all of them."""
