"""A crawl: which kind it is, what it lists, and whether what it brings is sound."""
