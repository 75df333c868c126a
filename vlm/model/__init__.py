"""The model: a vision tower, a projector and a decoder, what is said to it, and which tokens it learns."""
