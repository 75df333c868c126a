"""Readers of benchmarks and of predictions: one file per layout; `registry` knows them by name."""
