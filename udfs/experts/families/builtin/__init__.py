"""The `builtin` family: one small network, trained by this project on rendered rooms, for all three slots."""

from udfs.experts.families.builtin.experts import SLOTS

__all__ = ["SLOTS"]
