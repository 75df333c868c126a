"""The model: vision encoder, projector and decoder, its prompts, and the tokens that it is trained on."""
