"""The model: a vision encoder, a projector and a decoder, what is said to it, and which tokens it learns."""
