"""Questions about rendered rooms, and their answers from the crawl's own labels and geometry."""
