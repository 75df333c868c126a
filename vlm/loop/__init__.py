"""The training loop: one or many processes train a model, and a killed run resumes where it stopped."""
