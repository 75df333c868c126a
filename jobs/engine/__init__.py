"""What runs any stage: streaming, exactly-once writing, recipes, settings and the Spark session."""
