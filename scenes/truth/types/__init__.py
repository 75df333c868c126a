"""Oracles: what the true answer to each question type is, by exact geometry; one module per measure."""
