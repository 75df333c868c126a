"""Text generation and parsing: seeded draws, quantities, wordings, captions and referring expressions. No Spark."""
