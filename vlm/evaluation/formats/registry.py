"""Every format by its name, and reading a file in it; a row that is none is left out alone, with the reason."""

from pathlib import Path
from typing import TypeVar

from vlm.evaluation.formats import (
    blink,
    cv_bench,
    embspatial,
    hf_messages,
    llava,
    lmms_eval,
    mmsi_bench,
    native,
    plain_predictions,
    q_spatial,
    robospatial,
    spar_bench,
    spatialrgpt,
    three_dsr_bench,
    vlmevalkit,
    vqa,
    vsi_bench,
)
from vlm.evaluation.formats.layout import ItemFormat, PredictionFormat
from vlm.evaluation.formats.rows import BadRow, Row, Unreadable
from vlm.evaluation.items import Answer, AnswerSet, Item, ItemSet, Rejected

Format = TypeVar("Format")

ITEM_FORMATS: dict[str, ItemFormat] = {
    "q_spatial": q_spatial.FORMAT,
    "spatialrgpt": spatialrgpt.FORMAT,
    "blink": blink.FORMAT,
    "cv_bench": cv_bench.FORMAT,
    "three_dsr_bench": three_dsr_bench.FORMAT,
    "embspatial": embspatial.FORMAT,
    "vsi_bench": vsi_bench.FORMAT,
    "spar_bench": spar_bench.FORMAT,
    "mmsi_bench": mmsi_bench.FORMAT,
    "robospatial": robospatial.FORMAT,
    "vqav2": vqa.VQAV2,
    "ok_vqa": vqa.OK_VQA,
    "llava": llava.FORMAT,
    "hf_messages": hf_messages.FORMAT,
    "vlmevalkit": vlmevalkit.ITEMS,
    "spatiallake": native.FORMAT,
}
PREDICTION_FORMATS: dict[str, PredictionFormat] = {
    "lmms_eval": lmms_eval.PREDICTIONS,
    "vlmevalkit": vlmevalkit.PREDICTIONS,
    "vqa_results": plain_predictions.VQA_RESULTS,
    "jsonl": plain_predictions.JSONL,
    "spatiallake": plain_predictions.TABLE,
}
# What a value that is not as its layout says can raise; anything else is a fault of ours and stops the run.
_ROW_FAULTS = (BadRow, ValueError, TypeError, KeyError, AttributeError, IndexError)


def read_items(name: str, path: Path) -> ItemSet:
    """Return the items of a file or folder in the format called `name`.

    Raises:
        Unreadable: no such format, or a file that cannot be read at all.
    """
    known = _known(ITEM_FORMATS, name, "items")
    items: list[Item] = []
    rejected: list[Rejected] = []
    for row in known.rows(path):
        try:
            items.extend(known.items(row))
        except _ROW_FAULTS as error:
            rejected.append(_rejected(row, error))
    return ItemSet(items, rejected)


def read_predictions(name: str, path: Path) -> list[AnswerSet]:
    """Return the answers of every model in a file or folder in the format called `name`.

    Raises:
        Unreadable: no such format, or a file that cannot be read at all.
    """
    known = _known(PREDICTION_FORMATS, name, "predictions")
    answers: dict[str, list[Answer]] = {}
    rejected: list[Rejected] = []
    for row in known.rows(path):
        try:
            answers.setdefault(known.model(row, path), []).append(known.answer(row))
        except _ROW_FAULTS as error:
            rejected.append(_rejected(row, error))
    if not answers:
        raise Unreadable(f"{path} holds no predictions in the format {name}.")
    return [AnswerSet(model, found, [] if place else rejected) for place, (model, found) in enumerate(answers.items())]


def _known(formats: dict[str, Format], name: str, what: str) -> Format:
    if name not in formats:
        raise Unreadable(f"There is no format {name!r} of {what}; the formats are {', '.join(formats)}.")
    return formats[name]


def _rejected(row: Row, error: Exception) -> Rejected:
    said = str(error) if isinstance(error, BadRow) else f"does not fit the layout: {type(error).__name__}: {error}"
    return Rejected(row.number, f"Row {row.number} {said}.")
