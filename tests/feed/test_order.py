"""The order as a pure function: every row once an epoch, whatever the groups, and shares that put it together again."""

from itertools import islice

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vlm.feed.order import Order, shuffled
from vlm.feed.share import Share

GROUPS = st.lists(st.integers(1, 40), min_size=1, max_size=30)


@given(GROUPS, st.integers(0, 99), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_an_epoch_has_every_row_once_and_any_part_is_found_alone(groups: list[int], seed: int, lanes: int) -> None:
    order = Order(groups, seed, lanes)
    rows = sum(groups)
    every = {(group, row) for group, count in enumerate(groups) for row in range(count)}
    for epoch in range(2):
        places = order.places(range(epoch * rows, (epoch + 1) * rows))
        assert {(place.group, place.row) for place in places} == every
        assert {place.epoch for place in places} == {epoch}
    part = range(rows // 3, rows + rows // 2, 2)
    alone = [Order(groups, seed, lanes).places([position])[0] for position in part]
    assert order.places(part) == alone


@given(GROUPS, st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_a_lane_reads_one_group_after_the_other(groups: list[int], lanes: int) -> None:
    order = Order(groups, 5, lanes)
    read: dict[int, list[int]] = {}
    for place in order.places(range(order.rows)):
        visited = read.setdefault(place.lane, [])
        if not visited or visited[-1] != place.group:
            assert place.group not in visited
            visited.append(place.group)
    assert len(read) == min(lanes, len(groups))


def test_the_order_is_the_same_on_every_machine_and_differs_by_seed_and_epoch() -> None:
    assert shuffled(10, 7, "rows", 0, 3).tolist() == [4, 9, 6, 1, 7, 0, 3, 5, 8, 2]
    order = Order([50] * 6, 1, 3)
    first, second = order.places(range(300)), order.places(range(300, 600))
    assert [p[2:] for p in first] != [p[2:] for p in second]
    assert first != Order([50] * 6, 2, 3).places(range(300))


def test_neighbours_come_from_different_groups() -> None:
    groups = np.array([place.group for place in Order([512] * 24, 0, 8).places(range(4000))])
    assert all(len(set(groups[start : start + 8])) == 8 for start in range(0, 4000, 8))


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_shares_are_the_same_global_batches_for_any_ranks_and_workers(world: int, workers: int, batch: int) -> None:
    taken: dict[int, list[int]] = {}
    for rank in range(world):
        for worker in range(workers):
            share = Share(batch, rank, world, worker, workers)
            for step in islice(share.steps(), 3):
                taken.setdefault(step, []).extend(share.offsets(step))
    size = world * batch
    assert {step: sorted(held) for step, held in taken.items()} == {
        step: list(range(step * size, (step + 1) * size)) for step in range(3 * workers)
    }


def test_a_rank_reads_its_own_lanes_only_where_the_world_divides_them() -> None:
    order = Order([64] * 32, 0, 8)
    groups = [{place.group for place in order.places(range(rank, order.rows, 4))} for rank in range(4)]
    assert sum(map(len, groups)) == 32
