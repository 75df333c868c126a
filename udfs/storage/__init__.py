"""The one storage layer: locations, the clients that reach them, and files."""
