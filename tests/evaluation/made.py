"""Items and predictions made for the tests."""

from typing import Any

from vlm.evaluation.items import Answer, AnswerSet, Item, Kind, Prediction, Truth
from vlm.evaluation.reading.answer import predictions_of


def item(name: str, kind: Kind, truth: Truth, **more: Any) -> Item:
    """An item of which only what the test says matters."""
    known = {"number": 0, "source": "test", "type_id": "T", "question": "What?", "answer": "that", **more}
    return Item(item_id=name, kind=kind, truth=truth, **known)


def length(name: str, value_m: float, **more: Any) -> Item:
    """An item that asks for a length."""
    return item(name, Kind.NUMBER, Truth(value_si=value_m, unit_si="m"), **more)


def said(pairs: list[tuple[Item, str]], model: str = "model") -> list[Prediction]:
    """The predictions of a model that says these."""
    answers = AnswerSet(model, [Answer(text, one.item_id) for one, text in pairs])
    return predictions_of([one for one, _ in pairs], answers)
