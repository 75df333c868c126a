"""What a crawl's manifest says to general questions about its rooms, read from their words alone."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

import itertools
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import nnls


def turns_of(written: Path, split: str) -> list[tuple[str, str, str, str]]:
    """Every (image, kind, question, answer), from whichever entry it is in."""
    found = []
    for entry in json.loads((written / f"{split}.json").read_text()):
        said = [turn["value"].removeprefix("<image>\n") for turn in entry["conversations"]]
        kinds = entry["types"] if split == "train" else [entry["type"]]
        pairs = zip(kinds, said[::2], said[1::2], strict=True)
        found += [(entry["image"], kind, question, answer) for kind, question, answer in pairs]
    return found


def seen_at(row: dict[str, Any], center: Any, size: tuple[int, int] = (96, 72)) -> Any:
    lens = row["camera"]
    matrix = np.array([[lens["fx"], 0, lens["cx"]], [0, lens["fy"], lens["cy"]], [0, 0, 1]])
    seen = matrix @ np.array(center)
    return seen[:2] / seen[2] / size


def cell_seen(row: dict[str, Any], center: list[float]) -> str | None:
    column, line = np.floor(seen_at(row, center) * (9, 9)).astype(int)
    return f"column {column + 1}, row {line + 1}" if center[2] > 0 and 0 <= column < 9 and 0 <= line < 9 else None


def listed(row: dict[str, Any], question: str) -> str:
    """The first six things whose middle is in the picture, in the order that the question names."""
    frame = pd.DataFrame([one["box_3d"]["center"] for one in row["objects"]], columns=["right", "down", "ahead"])
    frame["caption"] = [one["captions"][0] for one in row["objects"]]
    frame["seen"] = [cell_seen(row, one["box_3d"]["center"]) is not None for one in row["objects"]]
    keys = {"left": frame.right / frame.ahead, "top": frame.down / frame.ahead}
    keys["near"] = (frame.right**2 + frame.down**2 + frame.ahead**2) ** 0.5
    start = re.search(r"from (\w+) to", question)[1]
    ends = {"right": "left", "bottom": "top", "far": "near"}
    order = keys[ends.get(start, start)][frame.seen].sort_values(ascending=start in keys).index
    return ", ".join(frame.caption[order[:6]])


def corners(one: dict[str, Any]) -> Any:
    """The corners of a thing's box in camera coordinates, (8, 3)."""
    box = one["box_3d"]
    signs = np.array(list(itertools.product((-0.5, 0.5), repeat=3)))
    return np.array(box["center"]) + (signs * box["size"]) @ np.array(box["rotation"]).T


def names_of(one: dict[str, Any]) -> set[str]:
    """What a thing may be called: its label, captions without a size, and the label behind what these begin with."""
    plain = [said for said in one["captions"] if not said.startswith(("large ", "small "))]
    behind = [f"{said.split()[0]} {one['label']}" for said in plain[1:] if said.endswith(one["label"])]
    return {one["label"], one["captions"][0], *plain, *behind}


def called(row: dict[str, Any], name: str) -> dict[str, Any]:
    """The one thing of that name."""
    (own,) = [one for one in row["objects"] if name in names_of(one)]
    return own


def measured(row: dict[str, Any], name: str) -> dict[str, Any]:
    """Of the thing of that name: where it is in the picture, how far up, how far away, how wide and how high."""
    own = called(row, name)
    center, ends = np.array(own["box_3d"]["center"]), corners(own)
    width, height = np.ptp(ends[:, 0]), np.ptp(ends @ row["gravity"])
    across, _ = seen_at(row, center)
    away = np.linalg.norm(center)
    up = -center @ row["gravity"]
    volume = np.prod(own["box_3d"]["size"])
    return {
        "center": center, "across": across, "up": up, "away": away, "width": width, "height": height, "volume": volume
    }  # fmt: skip


WORDS = {
    "across": ("right", "left"),
    "up": ("higher", "lower"),
    "away": ("farther", "nearer"),
    "width": ("wider", "narrower"),
    "height": ("taller", "shorter"),
    "volume": ("bigger", "smaller"),
}


def differs(way: str, here: float, there: float) -> str:
    more, less = WORDS[way]
    difference = here - there if way in ("across", "up") else np.log(here / there)
    least = {"across": 0.03, "up": 0.05, "away": np.log(1.05), "volume": np.log(1.3)}.get(way, np.log(1.1))
    return "same" if abs(difference) < least else (less, more)[int(difference > 0)]


def digits(length_m: float) -> str:
    """A length in m to two significant digits."""
    return f"{Decimal(f'{length_m:.1e}').normalize():f}"


def in_order(kind: str, row: dict[str, Any], question: str) -> str:
    """What the question names, in its order: with place and sizes, or next to the thing before."""
    said, before = [], None
    for name in re.findall(r"the ([a-z ]+?)(?:, (?:how)?| and (?=the )|\.$|\?$| one by one)", question):
        if name in ("one before it:", "one before it"):
            continue
        own = called(row, name)
        center, here = np.array(own["box_3d"]["center"]), measured(row, name)
        if kind == "facts":
            column, line = re.findall(r"\d+", cell_seen(row, center.tolist()))
            said.append(" ".join([name, column, line, *(digits(here[way]) for way in ("away", "width", "height"))]))
        elif before is None:
            said.append(name)
        else:
            words = [differs(way, here[way], before[1][way]) for way in WORDS]
            said.append(" ".join([name, *words, digits(np.linalg.norm(center - before[0]))]))
        before = center, here
    return ", ".join(said)


def of_two(row: dict[str, Any], question: str) -> str:
    """What the manifest says to a question about two things."""
    if " next to " in question:
        names = re.search(r"the ([a-z ]+) next to the ([a-z ]+?)(?: is\.|\?)", question).groups()
        one, other = (measured(row, name) for name in names)
        words = [differs(way, one[way], other[way]) for way in WORDS]
        apart = np.linalg.norm(one["center"] - other["center"])
        return " ".join([*words, digits(apart)])
    options = dict(re.findall(r"\b([AB])[:.)] the ([a-z ]+?)(?=[.]| or B| \(B\)| B\.)", question))
    assert len(options) in (0, 2)
    if "letter of the" in question or "letter is the" in question:
        right = re.search(r"letter (?:of|is) the ([a-z ]+)[?.]", question)[1]
        return next(letter for letter, name in options.items() if name == right)
    way, word, names = asked_of_two(row, question)
    first = differs(way, *(measured(row, name)[way] for name in names)) == word
    if not re.search(r"\bwhich\b| or |^Tell", question, re.IGNORECASE):
        return "Yes" if first else "No"
    right = names[int(not first)]
    assert not options or {*options.values()} == {*names}
    return next((letter for letter, name in options.items() if name == right), f"The {right}.")


# What a question says of two things, and how the one that it asks for differs then.
SAID = {
    "across": {"right": r"right", "left": r"left"},
    "up": {"higher": r"higher|above", "lower": r"lower|below"},
    "away": {
        "farther": r"farther away|farther from the (?:camera|viewer)|behind",
        "nearer": r"nearer to the viewer|closer to the camera|nearer|closer|in front",
    },
    "width": {"wider": r"wider|larger in width", "narrower": r"narrower|less wide"},
    "height": {"taller": r"taller|(?:larger|greater) in height", "shorter": r"shorter|less tall|smaller in height"},
    "volume": {"bigger": r"bigger|larger(?! in)", "smaller": r"smaller(?! in height)"},
}


def names_in(row: dict[str, Any]) -> re.Pattern[str]:
    """What finds the things of a room that are named."""
    known = sorted({name for one in row["objects"] for name in names_of(one)}, key=len, reverse=True)
    return re.compile(rf"\bthe ({'|'.join(known)})\b")


def asked_of_two(row: dict[str, Any], question: str) -> tuple[str, str, list[str]]:
    """In which way two things are compared, how the one asked for differs, and their names."""
    names = names_in(row)
    (asked,) = re.findall(r".+?[?.](?: (?=\(?A|Choose)|$)", re.sub(r"Which letter is right\?$", "", question))[:1]
    said = names.sub("", asked).replace("from left to right", "")
    ((way, word),) = [
        (way, word)
        for way, words in SAID.items()
        for word, form in words.items()
        if re.search(rf"\b(?:{form})\b", said)
    ]
    return way, word, names.findall(asked)


def between(one: Any, other: Any) -> float:
    """The least distance of the convex hulls of two sets of corners: of all weighted means of their differences."""
    apart = (one[:, None] - other[None]).reshape(-1, 3)
    # A heavy last row holds the weights to a sum of one.
    weights, _ = nnls(np.vstack([apart.T, np.full(len(apart), 1e4)]), np.array([0.0, 0, 0, 1e4]))
    return float(np.linalg.norm(weights @ apart / weights.sum()))


def length_between(row: dict[str, Any], kind: str, question: str, names: list[str]) -> float:
    """How far two things are from each other, their middles or their boxes, horizontally where the question says so."""
    if kind == "apart":
        ends = [np.array([measured(row, name)["center"]]) for name in names]
    else:
        ends = [corners(called(row, name)) for name in names]
    if re.search(r"floor|horizontal|Leaving out height|from above", names_in(row).sub("", question)):
        down = np.array(row["gravity"])
        ends = [points - np.outer(points @ down, down) for points in ends]
    return between(*ends)


def times(row: dict[str, Any], question: str, names: list[str]) -> str:
    """How many times as much the one thing measures as the other: in halves, or in tenths where halves are 15 % off."""
    named = names if question.startswith("By what factor") else names[::-1]
    if question.startswith("By what factor"):
        way, _, _ = asked_of_two(row, question)
    else:
        (said,) = re.findall(r"times as (far away|wide|tall) as", question)
        way = {"far away": "away", "wide": "width", "tall": "height"}[said]
    one, other = (measured(row, name)[way] for name in named)
    ratio = one / other
    halves, tenths = round(2 * ratio) / 2, round(10 * ratio) / 10
    return f"{Decimal(str(halves if abs(halves / ratio - 1) <= 0.15 else tenths)).normalize():f} times"


def length_of(row: dict[str, Any], kind: str, question: str) -> str:
    """What the manifest says to a question about a length."""
    names = names_in(row).findall(question)
    assert len(names) == (1 if kind in ("distance", "size") else 2)
    if kind == "times":
        return times(row, question, names)
    if kind == "difference":
        way, word, _ = asked_of_two(row, question)
        one, other = (measured(row, name) for name in names)
        assert differs(way, one[way], other[way]) == word
        length_m = (one["center"] - other["center"])[0] if way == "across" else one[way] - other[way]
        more, _ = WORDS[way]
        assert (length_m > 0) == (word == more)
        length_m = abs(length_m)
    elif kind in ("apart", "gap"):
        length_m = length_between(row, kind, question, names)
    else:
        wide = re.search(r"wide|width|left", question) is not None
        length_m = measured(row, names[0])["away" if kind == "distance" else "width" if wide else "height"]
    said = digits(length_m)
    return f"{said} meter" if said == "1" else f"{said} meters"
