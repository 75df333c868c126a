"""The loop: one process or many train a model on a source of examples, and go on where they were killed."""
