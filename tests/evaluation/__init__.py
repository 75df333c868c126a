"""Tests of reading, scoring and writing evaluations."""
