"""Parsers of answers: one file per kind of answer, and `answer.read` that knows which an item needs."""
