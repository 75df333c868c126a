"""One image in memory: measured, asked and drawn, without Spark and without a lake."""
