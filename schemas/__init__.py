"""The contract: one module per Delta table, the enums, and the crawl manifest."""
