"""Widths, heights, lengths and volumes, and how much or how many times larger one is."""

from scenes.truth.measure import ExactObject, ExactScene
from scenes.truth.verdict import Row, Verdict, choice, difference, number, number_verdict, yes_no


def _wide(o: ExactObject) -> float:
    return float(o.size[1])


def _tall(o: ExactObject) -> float:
    return float(o.size[2])


def _deep(o: ExactObject) -> float:
    return float(o.size[4])


def _big(o: ExactObject) -> float:
    return o.volume


def _ratio(row: Row, scene: ExactScene) -> Verdict:
    word = row["side"] or row["question_template"].split(".")[1]
    measure = _tall if word in ("taller", "shorter") else _wide
    a, b = (measure(scene.objects[number]) for number in row["object_ids"])
    return number_verdict(row, max(a / b, b / a), (a > b) == (word in ("taller", "wider")))


ORACLES = {
    "Q10": yes_no(_wide, True),
    "Q11": yes_no(_wide, False),
    "Q12": choice(_wide, "wider", "narrower"),
    "N08": number(_wide),
    "N11": difference(_wide, "wider", "narrower"),
    "Q13": yes_no(_tall, True),
    "Q14": yes_no(_tall, False),
    "Q15": choice(_tall, "taller", "shorter"),
    "N09": number(_tall),
    "N12": difference(_tall, "taller", "shorter"),
    "N10": number(_deep),
    "Q16": yes_no(_big, True),
    "Q17": yes_no(_big, False),
    "Q18": choice(_big, "bigger", "smaller"),
    "N18": _ratio,
}
