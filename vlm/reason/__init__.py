"""Chain of thought over measured scenes: typed tools, planners that call them, and transcripts of what they did."""
