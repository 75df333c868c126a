"""From a question in words to its type and its objects."""
