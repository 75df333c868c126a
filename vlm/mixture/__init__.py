"""The mixture: any number of streams of examples in exact shares of tokens."""
