"""The results as Markdown tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jobs.engine.errors import UsageError
from studies.claims.outcomes import BLANKED, SCORES

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"

_HEAD = "| | claim | score | condition | compared with | difference | spread of seeds | published | |"
_RULE = "|---|---|---|---|---|---|---:|---|---|"
_RUNS = "| run | steps | median s per step | waiting for data | spatial tokens | loss | spatial loss |"
_RUNS_RULE = "|---|---:|---:|---:|---:|---:|---:|"


def markdown(found: dict[str, Any], made_by: str) -> str:
    """Return the tables in percent; `made_by` is the command, date and machine."""
    claims = [_claim(one) for one in found["claims"]]
    scores = [score for score in SCORES if any(score in own for own in found["conditions"].values())]
    conditions = [_arm(condition, own, scores) for condition, own in found["conditions"].items()]
    head = [f"| condition | seeds | {' | '.join(scores)} |", f"|---|---:|{'---|' * len(scores)}"]
    runs = ["", _RUNS, _RUNS_RULE, *map(_run, found["training"])] if found["training"] else []
    return "\n".join([f"{made_by}.", "", _HEAD, _RULE, *claims, "", *head, *conditions, *runs])


def write_table(page: Path, text: str) -> None:
    """Replace the text between the markers of a page.

    Raises:
        UsageError: the page does not exist or lacks the markers.
    """
    held = page.read_text() if page.is_file() else ""
    if BEGIN not in held or END not in held:
        raise UsageError(f"{page} lacks the lines {BEGIN} and {END}; add them, or name another page.")
    before, _, rest = held.partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}")


def _claim(one: dict[str, Any]) -> str:
    apart = one["difference"]
    cells = (
        one["part"],
        f"{one['says']}{_margin(one['above'])}",
        one["score"],
        f"{one['condition'].replace(BLANKED, ' blanked')} {_share(one['value'])}",
        f"{one['over'].replace(BLANKED, ' blanked')} {_share(one['over_value'])}" if one["over"] else "as published",
        f"{apart['value'] * 100:+.1f} [{apart['low'] * 100:+.1f}, {apart['high'] * 100:+.1f}]",
        f"{apart['spread'] * 100:.1f}" if apart["seeds"] > 1 else "",
        " over ".join(f"{told * 100:.1f}" for told in (one["published"], one["published_over"]) if told is not None),
        one["verdict"],
    )
    return f"| {' | '.join(cells)} |"


def _arm(name: str, own: dict[str, Any], scores: Sequence[str]) -> str:
    seeds = max(figure["seeds"] for figure in own.values())
    shares = (_share(own[score]) if score in own else "" for score in scores)
    return f"| {name} | {seeds} | {' | '.join(shares)} |"


def _run(one: dict[str, Any]) -> str:
    cells = (
        one["run"],
        f"{one['steps']:,}",
        f"{one['step_s']:.2f}",
        f"{one['wait_share'] * 100:.1f} %",
        "" if one["spatial_share"] is None else f"{one['spatial_share'] * 100:.3f} %",
        f"{one['loss']:.3f}",
        "" if one["spatial_loss"] is None else f"{one['spatial_loss']:.3f}",
    )
    return f"| {' | '.join(cells)} |"


def _margin(above: float) -> str:
    return f" (within {-above * 100:.0f} points)" if above < 0 else ""


def _share(one: dict[str, float]) -> str:
    return f"{one['value'] * 100:.1f} [{one['low'] * 100:.1f}, {one['high'] * 100:.1f}]"
