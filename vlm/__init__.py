"""What learns from the tables: the feed, token mixing, the model, the loop and its evaluation."""
