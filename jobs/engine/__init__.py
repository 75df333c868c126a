"""The machinery that runs every stage: streaming, exactly-once writing, recipes, settings and the Spark session."""
