"""Examples: a resized image with the turns of one training row."""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pyarrow as pa
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from udfs.experts.images import upright_image
from udfs.language.tokens import token_counter
from udfs.stages.rows import Row, keys_of, rejected_by

STREAM = "spatial"


class ExamplesSettings(BaseModel):
    """How images and answers become training rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_side_px: int = Field(default=512, ge=16, description="longest side of the stored image, px; none is enlarged")
    jpeg_quality: int = Field(default=90, ge=50, le=100, description="of the stored image")
    turns: int = Field(default=8, ge=1, description="maximum turns per row")
    parts: int = Field(
        default=8, ge=1, description="rows per image that may be used to keep turns about the same objects apart"
    )
    reasoning: int = Field(
        default=0,
        ge=0,
        le=64,
        description="composed questions with their chain of thought per image, each a row of its own; needs `scenes`",
    )
    reasoning_seed: int = Field(default=0, description="what is composed is drawn from it, the image and its scene")
    tokenizer: str | None = Field(
        default=None, description="folder or Hugging Face id of the tokenizer; none: words, digits and punctuation"
    )
    tokenizer_revision: str | None = Field(default=None, description="commit of a Hugging Face id")

    def changes(self) -> dict[str, Any]:
        """Return what the recipe hashes: without what composes nothing, so that older recipes stay the same."""
        return self.model_dump(exclude=set() if self.reasoning else {"reasoning", "reasoning_seed"})


class Thought(NamedTuple):
    """A composed question whose answer is a chain of thought; `kind` says what it composes."""

    kind: str
    question: str
    answer: str


# Called with a row of the input; returns what is composed of its scene.
Think = Callable[[Row], list[Thought]]


def example_batches(
    batches: Iterator[pa.RecordBatch],
    schema: pa.Schema,
    settings: ExamplesSettings,
    recipe: str,
    think: Think | None = None,
) -> Iterator[pa.RecordBatch]:
    """Make the training rows of every image of every batch.

    Input has `image_id`, `ingest_shard`, `bytes`, `split`, `licence` and `answers`, a list of structs with columns of
    `qa_pairs`; `think` composes further questions of a row. Output has `schema`: the columns of `training_examples`
    plus `rejects`; an image that cannot be decoded gives one row with its keys, nulls and the reason.
    """
    for batch in batches:
        for row in batch.to_pylist():
            keys = keys_of(row, recipe)
            try:
                made = [{**example, **keys} for example in examples_of(row, settings, recipe, think)]
            except Exception as error:  # a poisoned image is quarantined alone, whatever it raises
                made = [{**keys, "rejects": [rejected_by(error).as_row()]}]
            yield pa.RecordBatch.from_pylist(made, schema=schema)


def examples_of(row: Row, settings: ExamplesSettings, recipe: str, think: Think | None = None) -> list[Row]:
    """Return the training rows of one image, without lineage.

    Raises:
        RowRejected: the image cannot be decoded.
    """
    jpeg, (width, height) = resized_jpeg(row, settings)
    count = token_counter(settings.tokenizer, settings.tokenizer_revision)
    examples = []
    shared = shared_out(row["answers"], settings.turns, settings.parts)
    thoughts = think(row) if think is not None else []
    shared += [[_as_answer(thought, f"{row['image_id']}\x1f{recipe}")] for thought in thoughts]
    for part, answers in enumerate(shared):
        pairs = [(answer["question"], answer["answer"]) for answer in answers]
        answer_tokens = sum(count(answer) for _, answer in pairs)
        identity = f"{row['image_id']}\x1f{part}\x1f{recipe}"
        examples.append(
            {
                "example_id": hashlib.blake2b(identity.encode(), digest_size=16).hexdigest(),
                "part": part,
                "jpeg": jpeg,
                "width": width,
                "height": height,
                "conversations": _as_json([turn for pair in pairs for turn in _turns(*pair)]),
                "turns": len(answers),
                "text_tokens": answer_tokens + sum(count(question) for question, _ in pairs),
                "answer_tokens": answer_tokens,
                "qa_ids": _as_json([answer["qa_id"] for answer in answers]),
                "type_ids": _as_json([answer["type_id"] for answer in answers]),
                "stream": STREAM,
                "split": row["split"],
                "licence": row["licence"],
                "rejects": [],
            }
        )
    return examples


def _as_answer(thought: Thought, identity: str) -> Row:
    qa_id = hashlib.blake2b(f"{identity}\x1f{thought.question}".encode(), digest_size=16).hexdigest()
    return {"qa_id": qa_id, "type_id": f"reasoning.{thought.kind}", **thought._asdict()}


def resized_jpeg(source: Row, settings: ExamplesSettings) -> tuple[bytes, tuple[int, int]]:
    """Return an image upright, its longest side at most `max_side_px`, as RGB JPEG, and its width and height, px.

    Raises:
        RowRejected: the bytes cannot be decoded.
    """
    image = upright_image(source).image
    scale = settings.max_side_px / max(image.size)
    if scale < 1:
        width, height = (max(1, round(side * scale)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
    held = io.BytesIO()
    image.save(held, "JPEG", quality=settings.jpeg_quality)
    return held.getvalue(), image.size


def shared_out(answers: list[Row], turns: int, parts: int) -> list[list[Row]]:
    """Distribute answers over rows of at most `turns`, in an order fixed by their ids.

    Two turns about the same objects come into one row only where more than `parts` rows would be needed to keep them
    apart: a model would learn to read the second answer from the first instead of from the image.
    """
    about = [(answer, frozenset(answer["object_ids"])) for answer in sorted(answers, key=lambda row: row["qa_id"])]
    repeats = max(Counter(objects for _, objects in about).values())
    rows: list[list[Row]] = [[] for _ in range(max(-(-len(about) // turns), min(repeats, parts)))]
    held = [Counter() for _ in rows]
    for answer, objects in about:
        open_rows = [number for number in range(len(rows)) if len(rows[number]) < turns]
        best = min(open_rows, key=lambda number: (held[number][objects], len(rows[number]), number))
        rows[best].append(answer)
        held[best][objects] += 1
    return rows


def _turns(question: str, answer: str) -> tuple[dict[str, str], dict[str, str]]:
    return {"from": "human", "value": question}, {"from": "gpt", "value": answer}


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
