"""File layouts of items and predictions: one module per layout, which defines `FORMAT`."""
