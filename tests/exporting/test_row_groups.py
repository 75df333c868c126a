"""Row groups hold all rows in order, and no more images than fit, unless one alone is larger."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

import jobs.exporting.parquet
from jobs.exporting.parquet import row_groups

LIMIT = jobs.exporting.parquet._GROUP_BYTES


@given(st.lists(st.integers(0, 2 * LIMIT), max_size=40))
def test_row_groups_divide_the_rows(sizes: list[int]) -> None:
    groups = [sizes[one] for one in row_groups(sizes)]
    assert [size for group in groups for size in group] == sizes
    assert all(len(group) == 1 or sum(group) <= LIMIT for group in groups)
    # None could have been joined to the one before.
    assert all(sum(before) + after[0] > LIMIT for before, after in pairwise(groups))
