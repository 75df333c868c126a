"""What the engine says: seeded draws, quantities, wordings and referring expressions; pure str, no Spark."""
