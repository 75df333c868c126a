"""The published schemas that the files for platforms are checked against, and how they are made."""
