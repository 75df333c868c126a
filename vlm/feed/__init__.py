"""The feed: training rows of one pinned table version, in one order per seed."""
