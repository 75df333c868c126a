"""Each format, read back by the library that it is for, or by that library's documented rules."""

import base64
import csv
import importlib.util
import json
import struct
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from datasets import DatasetDict, load_dataset
from huggingface_hub import DatasetCard
from PIL import Image
from webdataset.compat import WebDataset

from tests.command import invoke
from tests.exporting.truth import SPLITS, answers, looks_like, pixels, table

FORMATS = (*("hf", "hf_messages", "llava", "sharegpt", "webdataset", "vlmevalkit", "lmms_eval", "scene_graphs", "mds"),)


@pytest.fixture(scope="module")
def exported(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an export in each format, of several shards."""
    folder = tmp_path_factory.mktemp("formats")
    for name in FORMATS:
        invoke("export", "--lake", lake, "--format", name, "--out", folder / name, "--rows-per-shard", 100)
    return folder


def loaded(folder: Path, cache: Path) -> Any:
    made = load_dataset(str(folder), cache_dir=str(cache))
    assert isinstance(made, DatasetDict)
    return made


def test_the_hub_folder_holds_every_column_and_image_of_its_split(exported: Path, lake: Path, tmp_path: Path) -> None:
    read, shown = loaded(exported / "hf", tmp_path), pixels(lake)
    assert set(read) == set(SPLITS)
    for split in SPLITS:
        true = answers(lake, split)
        assert len(read[split]) == len(true) > 0
        for row in read[split]:
            image = row.pop("image")
            assert row == {name: true[row["qa_id"]][name] for name in row}
            assert looks_like(image, shown[row["image_id"]])


def test_an_image_is_stored_once_per_row_group(exported: Path, lake: Path) -> None:
    sizes = [path.stat().st_size for path in (exported / "hf").rglob("*.parquet")]
    jpegs = [len(row["jpeg"]) for row in table(lake, "training_examples") if row["part"] == 0]
    repeated = sum(jpegs) * len(answers(lake)) / len(jpegs)
    assert sum(sizes) < repeated / 5


def test_the_card_counts_what_is_there(exported: Path, lake: Path) -> None:
    card = DatasetCard.load(exported / "hf" / "README.md")
    about = card.data.to_dict()
    assert about["license"] == "cc0-1.0"
    assert [one["split"] for one in about["configs"][0]["data_files"]] == list(SPLITS)
    rows = list(answers(lake).values())
    assert f"| CC0-1.0 | {len(rows)} |" in card.text
    for split in SPLITS:
        own = [row for row in rows if row["split"] == split]
        assert f"| {split} | {len(own)} | {len({row['image_id'] for row in own})} |" in card.text
    for type_id, count in Counter(row["type_id"] for row in rows).items():
        assert any(line.startswith(f"| {type_id} | ") and line.endswith(f"| {count} |") for line in lines(card.text))
    recipes = {row["stage"]: row["recipe"] for row in table(lake, "recipes")}
    assert f"| synthesize | {recipes['synthesize']} |" in card.text
    assert f"| depth | {recipes['depth']} | sensor |" in card.text


def lines(text: str) -> list[str]:
    return text.splitlines()


def test_messages_are_read_by_datasets(exported: Path, lake: Path, tmp_path: Path) -> None:
    read, shown = loaded(exported / "hf_messages", tmp_path), pixels(lake)
    for split in SPLITS:
        true = answers(lake, split)
        assert {row["id"] for row in read[split]} == set(true)
        for row in read[split]:
            asked, answered = row["messages"]
            assert [part["type"] for part in asked["content"]] == ["image", "text"]
            assert asked["content"][1]["text"] == true[row["id"]]["question"]
            assert answered["content"] == [{"type": "text", "text": true[row["id"]]["answer"]}]
            assert looks_like(row["images"][0], shown[row["image_id"]])


def conversations(folder: Path, split: str) -> Iterator[dict[str, Any]]:
    for path in sorted((folder / split).glob("*.json")):
        yield from json.loads(path.read_text())


def test_llava_json_names_images_that_are_there(exported: Path, lake: Path) -> None:
    """LLaVA reads a JSON list, opens `image` in its image folder, and replaces `<image>` in the first question."""
    folder, shown = exported / "llava", pixels(lake)
    for split in SPLITS:
        true = answers(lake, split)
        rows = list(conversations(folder, split))
        assert {row["id"] for row in rows} == set(true) and len(rows) == len(true)
        for row in rows:
            human, model = row["conversations"]
            assert (human["from"], model["from"]) == ("human", "gpt")
            assert human["value"] == f"<image>\n{true[row['id']]['question']}"
            assert model["value"] == true[row["id"]]["answer"]
            assert looks_like(Image.open(folder / row["image"]), shown[row["image_id"]])
        named = yaml.safe_load((folder / f"{split}.yaml").read_text())["datasets"]
        assert [Path(one["json_path"]) for one in named] == sorted((folder / split).glob("*.json"))
    files = list((folder / "images").rglob("*.jpg"))
    assert len(files) == len({row["image_id"] for row in answers(lake).values()})


def test_sharegpt_follows_the_rules_of_llama_factory(exported: Path, lake: Path) -> None:
    """LLaMA-Factory's rules: tags from `dataset_info.json`, turns that alternate, as many `<image>` as images."""
    folder = exported / "sharegpt"
    info = json.loads((folder / "dataset_info.json").read_text())
    assert set(info) == {f"spatiallake_{split}" for split in SPLITS}
    for split in SPLITS:
        about, true = info[f"spatiallake_{split}"], answers(lake, split)
        assert about["formatting"] == "sharegpt" and about["file_name"] == split
        tags, columns, seen = about["tags"], about["columns"], set()
        for row in conversations(folder, about["file_name"]):
            said = [(one[tags["role_tag"]], one[tags["content_tag"]]) for one in row[columns["messages"]]]
            assert [role for role, _ in said] == [tags["user_tag"], tags["assistant_tag"]]
            images = row[columns["images"]]
            assert sum(text.count("<image>") for _, text in said) == len(images) == 1
            assert (folder / images[0]).is_file()
            assert said[0][1] == f"<image>{true[row['id']]['question']}" and said[1][1] == true[row["id"]]["answer"]
            seen.add(row["id"])
        assert seen == set(true)


def test_webdataset_reads_its_tars(exported: Path, lake: Path) -> None:
    shown = pixels(lake)
    for split in SPLITS:
        true = answers(lake, split)
        tars = [str(path) for path in sorted((exported / "webdataset" / split).glob("*.tar"))]
        samples = list(WebDataset(tars, shardshuffle=False).decode("pil"))
        assert {sample["__key__"] for sample in samples} == set(true)
        for sample in samples:
            row, about = true[sample["__key__"]], sample["json"]
            assert about["turns"] == [{"question": row["question"], "answer": row["answer"]}]
            assert about["image_id"] == row["image_id"] and about["type_ids"] == [row["type_id"]]
            assert looks_like(sample["jpg"], shown[row["image_id"]])


def test_vlmevalkit_finds_the_image_of_each_row(exported: Path, lake: Path) -> None:
    """VLMEvalKit's rule: an image of at most 64 characters is the index of a row that holds it."""
    true, shown, seen = answers(lake), pixels(lake), set()
    csv.field_size_limit(sys.maxsize)
    for path in (exported / "vlmevalkit").glob("*.tsv"):
        with path.open(newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
        images = {row["index"]: row["image"] for row in rows}
        assert len(images) == len(rows) > 0
        for row in rows:
            image = row["image"] if len(row["image"]) > 64 else images[row["image"]]
            asked = true[row["qa_id"]]
            assert looks_like(base64.b64decode(image), shown[asked["image_id"]])
            assert (row["question"], row["category"]) == (asked["question"], asked["type_id"])
            if "-mcq-" in path.name:
                names = dict(zip(asked["object_ids"], asked["references"], strict=True))
                assert row[row["answer"]] == names[asked["answer_object_id"]]
            else:
                assert row["answer"] == asked["answer"]
            seen.add(row["qa_id"])
    assert len(seen) > 0.8 * len(true)


def test_an_lmms_eval_task_scores_true_answers(exported: Path, lake: Path, tmp_path: Path) -> None:
    """The harness loads `dataset_path` by `datasets` and calls the functions that the YAML names."""
    folder = exported / "lmms_eval"
    spec = importlib.util.spec_from_file_location("task_utils", folder / "utils.py")
    assert spec and spec.loader
    utils = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(utils)
    shown = pixels(lake)
    for split in SPLITS:
        task = yaml.load((folder / f"spatiallake_{split}.yaml").read_text(), _Tagged)
        assert task["task"] == f"spatiallake_{split}"
        read: Any = load_dataset(task["dataset_path"], **task["dataset_kwargs"], cache_dir=str(tmp_path))
        documents = read[task["test_split"]]
        true = answers(lake, split)
        assert 0 < len(documents) <= len(true)
        for document in documents.select(range(0, len(documents), 5)):
            given = {**document, "images": [{"bytes": one["bytes"]} for one in document["images"]]}
            image_id = true[document["item_id"]]["image_id"]
            assert looks_like(getattr(utils, task["doc_to_visual"])(given)[0], shown[image_id])
            assert true[document["item_id"]]["question"] in getattr(utils, task["doc_to_text"])(given)
            assert getattr(utils, task["process_results"])(given, [document["answer"]])["success"] == 1.0
            assert getattr(utils, task["process_results"])(given, ["I cannot tell."])["success"] == 0.0


class _Tagged(yaml.SafeLoader):
    """Reads `!function utils.name` as the harness does: the name of a function in utils.py."""


def _name(loader: yaml.SafeLoader, node: Any) -> str:
    return str(loader.construct_scalar(node)).split(".")[1]


_Tagged.add_constructor("!function", _name)


def test_scene_graphs_hold_the_objects_of_the_scene_and_what_was_decided(exported: Path, lake: Path) -> None:
    scenes = {row["image_id"]: row for row in table(lake, "scenes")}
    names = {row["image_id"]: row["references"] for row in table(lake, "references")}
    true, seen = answers(lake), set()
    for path in (exported / "scene_graphs").rglob("*.jsonl"):
        for graph in map(json.loads, path.read_text().splitlines()):
            scene = scenes[graph["image_id"]]
            centers = {one["object_id"]: one["center_m"] for one in scene["objects"]}
            assert {one["object_id"]: one["center_m"] for one in graph["objects"]} == centers
            called = {one["object_id"]: one["expression"] for one in names[graph["image_id"]]}
            assert {one["object_id"]: one["name"] for one in graph["objects"] if one["name"]} == called
            assert len(graph["distances"]) == len(scene["pairs"])
            for relation in graph["relations"]:
                row = true[relation["qa_id"]]
                assert path.parent.name == row["split"]
                assert relation["object_ids"] == row["object_ids"]
                assert relation.get("holds") == row["answer_bool"] and relation.get("value_si") == row["value_si"]
                assert set(relation["object_ids"]) <= set(centers)
                seen.add(relation["qa_id"])
    assert seen == set(true)


def mds_samples(folder: Path) -> Iterator[dict[str, bytes]]:
    """Read an MDS folder by the rules of the format: number, offsets, header; of each sample sizes and fields."""
    for shard in json.loads((folder / "index.json").read_text())["shards"]:
        assert (shard["format"], shard["compression"], shard["zip_data"]) == ("mds", None, None)
        data = (folder / shard["raw_data"]["basename"]).read_bytes()
        assert len(data) == shard["raw_data"]["bytes"]
        (count,) = struct.unpack_from("<I", data)
        offsets = struct.unpack_from(f"<{count + 1}I", data, 4)
        header = json.loads(data[4 * (count + 2) : offsets[0]])
        names = header["column_names"]
        assert names == shard["column_names"] == sorted(names) and count == shard["samples"]
        for start, end in pairwise(offsets):
            sizes = struct.unpack_from(f"<{len(names)}I", data, start)
            place, fields = start + 4 * len(names), {}
            for name, size in zip(names, sizes, strict=True):
                fields[name], place = data[place : place + size], place + size
            assert place == end
            yield fields


def test_mds_is_read_by_the_rules_of_its_format(exported: Path, lake: Path) -> None:
    shown = pixels(lake)
    for split in SPLITS:
        rows = answers(lake, split).values()
        expected = Counter((row["image_id"], row["question"], row["answer"]) for row in rows)
        found: Counter[tuple[str, str, str]] = Counter()
        for sample in mds_samples(exported / "mds" / split):
            (turn,) = json.loads(sample["conversation"])
            image_id = sample["image_id"].decode()
            assert looks_like(sample["image"], shown[image_id])
            found[image_id, turn["question"], turn["answer"]] += 1
        assert found == expected


def test_no_image_near_duplicate_or_sequence_lies_in_two_splits(exported: Path, lake: Path, tmp_path: Path) -> None:
    groups = {row["image_id"]: (row["cluster_id"], row["group_id"]) for row in table(lake, "near_duplicates")}
    read = loaded(exported / "hf", tmp_path)
    held = {split: {key for row in read[split].remove_columns("image") for key in groups[row["image_id"]]}
            for split in SPLITS}  # fmt: skip
    assert all(held.values())
    assert not any(held[a] & held[b] for a in SPLITS for b in SPLITS if a < b)
