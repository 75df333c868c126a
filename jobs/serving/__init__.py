"""The command `serve`: an OpenAI-compatible endpoint and a page over measured images."""
