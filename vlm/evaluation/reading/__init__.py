"""Answer parsers, one file per kind of answer; `answer.read` chooses the parser of an item."""
