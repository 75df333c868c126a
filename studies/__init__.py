"""Experiments with spatiallake; no part of the installed package."""
