"""Experts: what is seen in a photograph. One file per family; they know nothing of Spark."""
