"""A small benchmark of drawn images with two models' answers, one that looks and one that guesses."""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from vlm.evaluation.images import ItemImage
from vlm.evaluation.items import Item, Kind, Truth
from vlm.evaluation.layouts import write_items

KINDS = ("mug", "chair", "desk", "lamp", "wardrobe")
COUNT = 120


def write_benchmark(folder: Path) -> tuple[Path, list[Path]]:
    """Write items and two files of predictions; return their paths."""
    random = np.random.default_rng(5)
    items = [_item(number, random) for number in range(COUNT)]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "items.parquet"
    write_items("spatiallake", items, path)
    answers = {
        "looks-7b": [_looking(item, random) for item in items],
        "guesses <1b>": [_guess(item, random) for item in items],
    }
    files = []
    for model, said in answers.items():
        file = folder / f"{model.split()[0]}.jsonl"
        lines = [
            json.dumps({"item_id": i.item_id, "text": text, "model_id": model})
            for i, text in zip(items, said, strict=True)
        ]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        files.append(file)
    return path, files


def _item(number: int, random: np.random.Generator) -> Item:
    a, b = random.choice(KINDS, 2, replace=False)
    known = {
        "item_id": f"item-{number:03d}",
        "number": number,
        "source": "spatiallake",
        "images": (_image(random),),
        "kinds": (str(a), str(b)),
        "distance_m": float(random.uniform(0.5, 12.0)),
    }
    if number % 4 == 0:
        yes = bool(random.integers(2))
        known["question"] = f"From the viewer's perspective, is the {a} to the left of the {b}?"
        truth = Truth(yes=yes)
        return Item(kind=Kind.BOOL, type_id="Q01 left of", answer="yes" if yes else "no", truth=truth, **known)
    if number % 4 == 1:
        right = int(random.integers(2))
        known |= {
            "question": f"Which is closer to the camera, the {a} or the {b}?",
            "options": (f"the {a}", f"the {b}"),
        }
        return Item(kind=Kind.CHOICE, type_id="Q09 closer", answer="AB"[right], truth=Truth(choice=right), **known)
    value = float(np.exp(random.normal(0.2, 0.8)))
    type_id = "N01 distance between closest points" if number % 4 == 2 else "N09 height"
    question = f"How far is the {a} from the {b}?" if number % 4 == 2 else f"How tall is the {a}?"
    truth = Truth(value_si=value, unit_si="m")
    return Item(kind=Kind.NUMBER, type_id=type_id, question=question, answer=f"{value:.2f} m", truth=truth, **known)


def _image(random: np.random.Generator) -> ItemImage:
    image = Image.new("RGB", (160, 120), tuple(int(one) for one in random.integers(60, 200, 3)))
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y = random.integers(0, 120), random.integers(0, 90)
        colour = tuple(int(one) for one in random.integers(0, 255, 3))
        draw.rectangle((x, y, x + int(random.integers(10, 60)), y + int(random.integers(10, 50))), fill=colour)
    held = io.BytesIO()
    image.save(held, "JPEG")
    return ItemImage(data=held.getvalue())


def _looking(item: Item, random: np.random.Generator) -> str:
    right = random.random() < 0.85
    if item.kind == Kind.BOOL:
        return ("Yes, it is." if item.truth.yes else "No, it is not.") if right else "I cannot tell."
    if item.kind == Kind.CHOICE:
        return f"It is {item.options[item.truth.choice or 0]}." if right else "B"
    value = (item.truth.value_si or 1.0) * float(np.exp(random.normal(0, 0.25)))
    return f"<think>A door is 2 m tall.</think>About {value:.1f} meters ({value / 0.3048:.1f} feet)."


def _guess(item: Item, random: np.random.Generator) -> str:
    said = {
        Kind.BOOL: ("yes", "no"),
        Kind.CHOICE: ("A", "B"),
        Kind.NUMBER: ("1 meter", "half a meter", "3 feet", "hard to say"),
    }
    return str(random.choice(said[item.kind]))
