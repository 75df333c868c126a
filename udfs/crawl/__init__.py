"""Reading crawls: detect the layout, list the entries, fetch the files and validate them."""
