"""One module per expert family; its `SLOTS` maps the slots that it fills to classes."""
