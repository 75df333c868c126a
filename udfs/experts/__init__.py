"""Experts: models and rules that read images; one module per family, and none knows Spark."""
