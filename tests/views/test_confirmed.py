"""Points of a view that others confirm: surfaces do, what floats before them does not, on sparse depth as well."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tests.views.posed import views
from udfs.geometry.confirmed import confirmed
from udfs.geometry.depth_map import DepthMap
from udfs.geometry.posed_view import PosedView


def scan_lines(view: PosedView) -> PosedView:
    depth_mm = np.rint(view.depth.z_m * 1000.0)
    depth_mm[np.arange(len(depth_mm)) % 6 != 0] = 0
    return replace(view, depth=DepthMap.of(depth_mm, view.depth.camera))


def seen_most() -> tuple[int, dict[int, int]]:
    """Return a view and the thing that most views show, with its id in every view that shows it."""
    ids = Counter(int(thing["object_id"]) for view in views() for thing in view.scene["objects"])
    object_id = ids.most_common(1)[0][0]
    own = {k: object_id for k, view in enumerate(views()) if object_id in view.points_c}
    return min(own), own


@pytest.mark.parametrize("kind", ["dense", "scan lines"])
def test_surfaces_are_confirmed_and_what_floats_before_them_is_not(kind: str) -> None:
    posed = views() if kind == "dense" else tuple(map(scan_lines, views()))
    number, own = seen_most()
    surface = posed[number].to_world(posed[number].points_c[own[number]])
    floating = posed[number].position + 0.75 * (surface - posed[number].position)
    assert confirmed(surface, number, own, posed).mean() > 0.95
    assert confirmed(floating, number, own, posed).mean() < 0.05


def test_points_in_the_mask_of_another_thing_are_not_confirmed() -> None:
    number, own = seen_most()
    surface = views()[number].to_world(views()[number].points_c[own[number]])
    others = {k: own[k] + 1000 for k in own if k != number}
    assert confirmed(surface, number, {number: own[number], **others}, views()).mean() < 0.05


def test_what_no_other_view_sees_is_kept() -> None:
    number, own = seen_most()
    surface = views()[number].to_world(views()[number].points_c[own[number]])
    assert confirmed(surface, 0, {0: own[number]}, [views()[number]]).all()
