"""Everything that touches a row on an executor."""
