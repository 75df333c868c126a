"""WebDataset tars as tools write them: members in any order, links, repeated names, damage and compression."""

import gzip
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.conftest import Ingested, ingest
from tests.ingest.crawls import add, img2dataset_tars, write
from tests.ingest.pictures import photo
from tests.object_store import upload

Members = list[tuple[str, bytes | dict[str, Any] | list[Any] | str]]


def tar_bytes(members: Members) -> bytes:
    """A tar of (name, content), in this order; content that is not bytes is written as JSON."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in members:
            add(tar, name, content if isinstance(content, bytes) else json.dumps(content).encode())
    return buffer.getvalue()


def ingested(
    folder: Path, members: Members, name: str = "00000.tar", pack: Callable[[bytes], bytes] = bytes
) -> Ingested:
    write(folder / name, pack(tar_bytes(members)))
    return ingest(folder)


def found(result: Ingested) -> set[str]:
    """The members that became images."""
    return {row["uri"].partition("#")[2] for row in result.provenance}


def left_out(result: Ingested) -> dict[str, set[str]]:
    """Reasons by member, or by the name of the tar."""
    reasons: dict[str, set[str]] = {}
    for row in result.quarantine:
        tar, _, member = row["uri"].partition("#")
        reasons.setdefault(member or Path(tar).name, set()).add(row["reason"])
    return reasons


def test_members_that_are_no_image_cost_none(tmp_path: Path) -> None:
    members: Members = []
    for number in range(2):
        key = f"{number:03}"
        members += [(f"{key}.bbox.json", {"boxes": [[1, 2, 3, 4]]}), (f"{key}.cls", b"3"), (f"{key}.npy", b"\x93NUMPY")]
        members += [(f"{key}.JPG", photo(number)), (f"{key}.json", ["first caption", "second"]), (f"{key}.mp3", b"ID3")]
    result = ingested(tmp_path, members)
    assert (found(result), result.quarantine) == ({"000.JPG", "001.JPG"}, [])
    assert {row["alt_text"] for row in result.images} == {"first caption"}


def test_an_image_without_a_known_extension_is_told_by_its_content(tmp_path: Path) -> None:
    result = ingested(tmp_path, [("0.img", photo(1)), ("0.cls", b"1"), ("1", photo(2)), ("2.weights", b"no image")])
    assert found(result) == {"0.img", "1"}
    assert left_out(result) == {"2.weights": {"unsupported_format"}}


@pytest.mark.parametrize("where", ["local", "s3"])
def test_texts_are_joined_wherever_they_stand(tmp_path: Path, where: str, request: pytest.FixtureRequest) -> None:
    members: Members = [(f"{number:03}.jpg", photo(number)) for number in range(4)]
    members += [("000.json", {"robots": "noai"}), ("001.json", {"robots": ["all", "NoIndex"]})]
    members += [("002.json", {"license": "CC0", "caption": "a mug"}), ("./003.txt", b"a bowl")]
    write(tmp_path / "00000.tar", tar_bytes(members))
    uri = str(tmp_path)
    if where == "s3":
        uri = f"{request.getfixturevalue('s3')}/late"
        upload(tmp_path, "late")
    result = ingest(uri)
    assert left_out(result) == {"000.jpg": {"opt_out"}, "001.jpg": {"opt_out"}}
    assert found(result) == {"002.jpg", "003.jpg"}
    assert (result.image("002.jpg")["licence"], result.image("002.jpg")["alt_text"]) == ("CC0", "a mug")
    assert result.image("003.jpg")["alt_text"] == "a bowl"


@pytest.mark.parametrize(
    "opt_out",
    [
        ("other/000.json", {"robots": "noai"}),  # of an image that the tar lacks
        ("000.meta.json", {"robots": {"noai": True}}),  # a further member of the sample
        ("999.json", b'{"robots": "noai", "caption": "cut he'),  # no JSON, and of no image
        ("000.json", [{"caption": "a"}, {"robots": "noai"}]),
        ("000.json", b'{"robots": "noai", "caption": "cut he'),
        ("000.json", b""),
        ("000.jpg.json", {"robots": "noai"}),
    ],
)
def test_an_image_that_may_be_opted_out_is_not_read(tmp_path: Path, opt_out: Any) -> None:
    members: Members = [("000.jpg", photo(1)), ("001.jpg", photo(2)), ("001.json", {"caption": "mine"}), opt_out]
    result = ingested(tmp_path, members)
    assert found(result) == {"001.jpg"}
    assert left_out(result)["000.jpg"] <= {"opt_out", "bad_manifest_row"}
    if opt_out[0] in ("other/000.json", "999.json"):
        assert left_out(result)[opt_out[0]] == {"not_an_image"}
        assert {row["outcome"] for row in result.quarantine if row["reason"] == "not_an_image"} == {"refused"}


def test_two_images_of_one_key_and_names_with_dots(tmp_path: Path) -> None:
    members: Members = [
        ("room.22.05.png", photo(1, "PNG")),
        ("room.22.06.png", photo(2, "PNG")),
        ("room.22.06.json", {"caption": "the second"}),
        ("pair.left.jpg", photo(3)),
        ("pair.right.jpg", photo(4)),
        ("pair.json", {"caption": "both"}),
        ("000.jpg", photo(5)),
        ("000.jpg", photo(6)),
        ("000.json", {"caption": "each"}),
    ]
    result = ingested(tmp_path, members)
    names = {"room.22.05.png", "room.22.06.png", "pair.left.jpg", "pair.right.jpg", "000.jpg", "000.jpg#2"}
    assert (found(result), result.quarantine) == (names, [])
    captions = {name: result.image(f"#{name}")["alt_text"] for name in names}
    assert captions == {
        "room.22.05.png": None,
        "room.22.06.png": "the second",
        **dict.fromkeys(("pair.left.jpg", "pair.right.jpg"), "both"),
        **dict.fromkeys(("000.jpg", "000.jpg#2"), "each"),
    }


def test_repeated_names_take_their_own_texts(tmp_path: Path) -> None:
    one: Members = [("0.jpg", photo(1)), ("0.json", {"caption": "one"})]
    two: Members = [("0.jpg", photo(2)), ("0.json", {"caption": "two"})]
    joined = tar_bytes(one) + tar_bytes(two)  # as `cat` joins shards
    for name, data in {"a.tar": tar_bytes(one + two), "b.tar": joined}.items():
        write(tmp_path / name, data)
        result = ingest(tmp_path / name)
        assert [row["alt_text"] for row in result.provenance] == ["one", "two"]
        assert [row["bytes"] for row in result.images] == [photo(1), photo(2)]
        assert result.quarantine == []
    three: Members = [("0.jpg", photo(1)), ("0.json", {"robots": "noai"}), ("0.json", {"robots": "all"})]
    write(tmp_path / "c.tar", tar_bytes(three))
    assert left_out(ingest(tmp_path / "c.tar")) == {"0.jpg": {"opt_out"}}


def test_maps_beside_an_image_are_told_and_not_read_as_images(tmp_path: Path) -> None:
    members: Members = [("0.seg.png", photo(1, "PNG")), ("0.jpg", photo(2)), ("0.Depth.png", photo(3, "PNG"))]
    result = ingested(tmp_path, [*members, ("1.crop.jpg", photo(4)), ("1.jpg", photo(5))])
    assert found(result) == {"0.jpg", "1.jpg", "1.crop.jpg"}
    assert left_out(result) == {"0.seg.png": {"not_an_image"}, "0.Depth.png": {"not_an_image"}}


def link(tar: tarfile.TarFile, name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    tar.addfile(info)


def test_links_inside_a_tar(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "0.tar", "w") as tar:
        link(tar, "x/early.jpg", "../y/real.jpg")
        add(tar, "y/real.jpg", photo(1))
        add(tar, "y/real.json", json.dumps({"license": "CC0"}).encode())
        link(tar, "z/hard.jpg", "y/real.jpg", tarfile.LNKTYPE)
        link(tar, "z/hard.json", "y/real.json", tarfile.LNKTYPE)
        link(tar, "z/chain.jpg", "hard.jpg")
        link(tar, "z/chain.json", "nowhere.json")
        link(tar, "out.jpg", "../../etc/passwd")
        link(tar, "circle.jpg", "circle.jpg")
        link(tar, "more", "y")
        fifo = tarfile.TarInfo("pipe.jpg")
        fifo.type = tarfile.FIFOTYPE
        tar.addfile(fifo)
    result = ingest(tmp_path)
    assert found(result) == {"x/early.jpg", "y/real.jpg", "z/hard.jpg"}
    assert {row["image_id"] for row in result.images} == {result.images[0]["image_id"]}
    assert {row["uri"].partition("#")[2]: row["licence"] for row in result.provenance} == {
        "x/early.jpg": None,
        "y/real.jpg": "CC0",
        "z/hard.jpg": "CC0",
    }
    assert {row["uri"].partition("#")[2]: row["reason"] for row in result.quarantine} == {
        "z/chain.jpg": "bad_manifest_row",  # its metadata leads nowhere
        "out.jpg": "missing_file",
        "circle.jpg": "missing_file",
        "more": "link_not_followed",
        "pipe.jpg": "not_an_image",
    }


@pytest.mark.parametrize("name", ["00000.tar.gz", "00000.tgz", "00000.TAR", "00000.tar"])
def test_compressed_tars_and_names_in_capitals(tmp_path: Path, name: str) -> None:
    pack = bytes if name.endswith("TAR") else gzip.compress
    members: Members = [(f"{n}.jpg", photo(n)) for n in range(12)]
    members += [(f"{n}.json", {"license": str(n)}) for n in range(12)]
    result = ingested(tmp_path, members, name, pack)
    assert (len(result.images), result.quarantine) == (12, [])
    assert {(row["bytes"], row["licence"]) for row in result.images} == {(photo(n), str(n)) for n in range(12)}


def test_a_tar_that_says_nothing_is_named(tmp_path: Path) -> None:
    packed = gzip.compress(tar_bytes([("0.jpg", photo(1)), ("0.json", {}), ("1.jpg", photo(2))]))
    write(tmp_path / "0.tgz", packed[:-60])
    write(tmp_path / "1.tar", tar_bytes([("0.mp4", b"film"), ("0.json", {"robots": "noai"})]))
    write(tmp_path / "2.tar", b"")
    write(tmp_path / "3.tar", tar_bytes([("0.jpg", photo(3))]) + b"no tar" * 500)
    write(tmp_path / "4.tar", tar_bytes([]))
    result = ingest(tmp_path)
    reasons = left_out(result)
    assert all(reasons[name] == {"unreadable_image"} for name in ("0.tgz", "2.tar", "3.tar", "4.tar"))
    assert reasons["0.mp4"] == {"opt_out"}
    # What a damaged tar may have said of an image without metadata is lost with it.
    assert found(result) <= {"0.jpg"}
    assert ("3.tar#0.jpg", {"unreadable_image"}) in result.reasons().items()


def test_a_compressed_bomb_is_not_unpacked(tmp_path: Path) -> None:
    info = tarfile.TarInfo("0.jpg")
    info.size = 2**40
    write(tmp_path / "0.tar.gz", gzip.compress(info.tobuf() + bytes(2**20)))
    result = ingest(tmp_path)
    assert (result.images, result.reasons()["0.tar.gz"]) == ([], {"unreadable_image"})


def test_attributes_that_macos_adds_are_no_images(tmp_path: Path) -> None:
    result = ingested(tmp_path, [("._0.jpg", b"\0\5\x16\7" + bytes(60)), ("0.jpg", photo(1)), (".1.jpg", photo(2))])
    assert (found(result), result.quarantine) == ({"0.jpg", ".1.jpg"}, [])


def test_a_second_run_lists_only_what_is_new(tmp_path: Path) -> None:
    img2dataset_tars(tmp_path)
    first = {row["entry_id"] for row in ingest(tmp_path).entries}
    write(tmp_path / "00002.tar", tar_bytes([("a.jpg", photo(9)), ("a.json", {})]))
    second = [row for row in ingest(tmp_path).entries if row["entry_id"] not in first]
    assert [row["member"] for row in second] == ["a.jpg"]


def test_no_image_is_read_to_list_a_tar(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "0.tar", "w") as tar:
        for number in range(4):
            info = tarfile.TarInfo(f"{number}.jpg")
            info.size = 2**36
            file: Any = tar.fileobj
            file.write(info.tobuf())
            file.seek(info.size, os.SEEK_CUR)
        add(tar, "0.json", b"{}")
    entries = [row for row in ingest(tmp_path).entries if row["member"]]
    assert [row["member"] for row in entries] == [f"{number}.jpg" for number in range(4)]
