"""What reads a lake: pages, report, SQL, benchmarks and evaluations."""
