"""Small runs: stages of a small crawl, done by the command and its own processes, without Spark."""
