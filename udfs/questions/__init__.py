"""Questions decided by measured geometry: gates, relations, measures, the sampler and the rows."""
