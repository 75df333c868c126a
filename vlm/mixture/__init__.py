"""The mixture: any number of example streams in exact token shares."""
