"""Checks that documents, messages and code agree with each other."""
