"""Captions and labels as found in crawls, and their parsed noun phrases."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.language.caption import read_label, read_phrase

CAPTIONS = [
    ("blue bunny book standing on the left", "blue bunny book"),
    ("purple cup at the back", "purple cup"),
    ("dark wooden chair at the front left", "dark wooden chair"),
    ("truck far ahead on the road", "truck"),
    ("dark car far away on the left", "dark car"),
    ("dark car in the distance", "dark car"),
    ("the chair closest to the camera", "chair"),
    ("left chair", "chair"),
    ("the rear left wheel", "wheel"),
    ("mug next to the laptop", "mug"),
    ("black and white marker lying down", "black and white marker lying down"),
    ("standing blue marker", "standing blue marker"),
    ("hanging lamp", "hanging lamp"),
    ("dog lying on the floor", "dog"),
    ("framed picture hanging on wall", "framed picture"),
    ("chair covered by a black jacket", "chair covered by a black jacket"),
    ("wooden box full of bottles", "wooden box full of bottles"),
    ("can of cashews with brown lid", "can of cashews with brown lid"),
    ("white, yellow and blue plastic bag", "white, yellow and blue plastic bag"),
    ("red Cheez-It cracker box", "red Cheez-It cracker box"),
    ("A red chair, next to a table.", "red chair"),
    ("There is a wooden chair that sits next to a window. It has four legs.", "wooden chair"),
    ("a close-up photo of a dog", "dog"),
    ("RED CHAIR", "red chair"),
    ("Red Office Chair", "red office chair"),
    ("cafÃ© table", "café table"),
    ("“green” mug", "green mug"),
    ("pink scissors", "pair of pink scissors"),
    ("pair of shoes", "pair of shoes"),
    ("man in a red shirt", "man in a red shirt"),
    ("man in the corner", "man"),
    ("small and red box", "small and red box"),
    ("a man riding a wave on top of a surfboard", "man riding a wave"),
    ("an orange and white cat laying on a couch", "orange and white cat"),
    ("a lamp attached to the wall", "lamp"),
    ("a black rocking chair", "black rocking chair"),
    ("a bottle of wine and two glasses", "bottle of wine"),
    ("a chair that is red", "chair"),
    ("sofa/couch", "sofa"),
    ("ceiling light", "ceiling light"),
    ("a large flat screen tv", "large flat screen TV"),
    ("TV", "TV"),
    ("R2-D2 figurine", "R2-D2 figurine"),
    ("A white ceramic mug sits on a wooden desk.", "white ceramic mug"),
    ("The image shows a red mug on a desk.", "red mug"),
]
UNREADABLE = [
    "",
    "a",
    "the chair is red",
    "one of the chairs",
    "salt and pepper shaker",
    "http://example.com/a.png",
    "{A} mug",
    "椅子",
    "on the left",
    "wooden",
    "the side of a white refrigerator",
    "1234567",
    "desk holds a red mug",
]


# What crawls, file systems, word processors and tokenizers leave in a text, and the name that remains.
RESIDUES = [
    ("chair!!!", "chair"),
    ("chair ???", "chair"),
    ("Wooden chair...", "wooden chair"),
    ("red chair :)", "red chair"),
    ('21" monitor', "21-inch monitor"),
    ("55 inch tv", "55-inch TV"),
    ("6' ladder", "6-foot ladder"),
    ("6 ft. ladder", "6-foot ladder"),
    ("No. 2 pencil", "pencil"),
    ("#4 chair", "chair"),
    ("1. chair", "chair"),
    ("(2) lamp", "lamp"),
    ("• mug", "mug"),
    ("Figure 3. a red chair", "red chair"),
    ("St. Bernard dog", "St Bernard dog"),
    ("sofa / couch", "sofa"),
    ("TV/monitor", "TV"),
    ("mug &amp; saucer", "mug"),
    ("mug &amp;amp; saucer", "mug"),
    ("red chair&nbsp;with wheels", "red chair with wheels"),
    ("&quot;red&quot; chair", "red chair"),
    ("<b>red chair</b>", "red chair"),
    ("a red chair </s>", "red chair"),
    ("[MASK] chair", "chair"),
    ("**red chair**", "red chair"),
    ("office%20chair", "office chair"),
    ("lamp.jpg", "lamp"),
    ("red-mug-on-table.png", "red mug"),
    ("red_mug_final_v2.webp", "red mug"),
    ("photos/desk lamp (1).JPG", "desk lamp"),
    ("chair_01", "chair"),
    ("red_office_chair", "red office chair"),
    ("CUP", "cup"),
    ("USB", "USB"),
    ("nan chair", "chair"),
    ("red None mug", "red mug"),
]
NAMELESS = [
    *("end of the table", "bottom half of a chair", "half", "the corner of the room", "reflection of a chair"),
    *("a kind of chair", "shadow of a man", "IMG_1234.JPG", "IMG_20200101_123456", "DSC00012", "[UNK]", "</s>"),
    *("red", "striped", "the used", '10" x 12" frame', "None", "nan", "NULL", "undefined", "N/A", "No", "Untitled"),
    *("salt & pepper shaker", "Screenshot 2024-05-01.png", "&nbsp;", "...", "?!"),
]


@pytest.mark.parametrize(("caption", "phrase"), [*CAPTIONS, *RESIDUES])
def test_captions(caption: str, phrase: str) -> None:
    read = read_phrase(caption)
    assert read is not None
    assert read.bare == phrase


@pytest.mark.parametrize("caption", [*UNREADABLE, *NAMELESS])
def test_captions_without_a_usable_noun(caption: str) -> None:
    assert read_phrase(caption) is None


def test_long_captions_are_cut_to_a_phrase() -> None:
    caption = "a wooden chair with a carved pattern of flowers and leaves and birds and a cushion of silk " * 3
    read = read_phrase(caption)
    assert read is not None
    assert read.bare.startswith("wooden chair")
    assert len(read.bare.split()) <= 11


@pytest.mark.parametrize(
    ("label", "phrase"),
    [
        ("chair_02", "chair"),
        ("chair, office", "chair"),
        ("Storage Bin 3", "storage bin"),
        ("CHAIR", "chair"),
        ("tv", "TV"),
        ("MRI SCANNER", "MRI scanner"),
        ("3D PRINTER", "3D printer"),
        ("OfficeChair", "office chair"),
        ("coffeeTable", "coffee table"),
        ("MacBook", "MacBook"),
        ("chair.n.01", "chair"),
        ("chair01", "chair"),
        ("chair|table", "chair"),
        ("DiningTable|1|2", "dining table"),
        ("mug_none", "mug"),
        ("undefined chair", "chair"),
        ("face mask", "face mask"),
    ],
)
def test_labels(label: str, phrase: str) -> None:
    read = read_label(label)
    assert read is not None
    assert read.bare == phrase


@pytest.mark.parametrize(
    "label",
    [
        *("misc", "object", "unknown", "otherprop", "", "things", "None", "none", "nan", "NaN", "null", "NULL"),
        *("undefined", "N/A", "n/a", "NA", "#N/A", "<null>", "nil", "-", "?", "true", "62", "/m/01mzpv", "n03001627"),
        *(
            "class_12",
            "object 3",
            "instance 5",
            "Label",
            "mask",
            "segment_7",
            "IMG_1234",
            "red",
            "unlabeled",
            "unnamed",
        ),
    ],
)
def test_labels_that_name_nothing(label: str) -> None:
    assert read_label(label) is None


@pytest.mark.parametrize(
    ("noun", "plural"),
    [("storage bins", True), ("bus", False), ("glass", False), ("men", True), ("scissors", False), ("dice", False)],
)
def test_plural_nouns(noun: str, plural: bool) -> None:
    read = read_phrase(noun)
    assert read is not None
    assert read.plural == plural


def test_a_capital_at_the_start_is_a_name_where_captions_start_small() -> None:
    assert read_phrase("Clorox canister", lower_first=False).bare == "Clorox canister"  # type: ignore[union-attr]
    assert read_phrase("Wide canister", lower_first=True).bare == "wide canister"  # type: ignore[union-attr]
    assert read_phrase("A Lego set", lower_first=True).bare == "Lego set"  # type: ignore[union-attr]


@given(st.text(max_size=80))
def test_any_text_can_be_parsed(text: str) -> None:
    read = read_phrase(text)
    if read is not None:
        assert read.text.startswith("the ")
        assert not any(mark in read.text for mark in "{}<>\n")


@given(
    noun=st.sampled_from(["chair", "red chair", "wooden coffee table", "TV stand", "mug with blue lid"]),
    before=st.sampled_from(
        ["", "1. ", "(3) ", "#12 ", "- ", "• ", "No. 4 ", "Fig. 2: ", "<p>", "**", "&ldquo;", "[PAD] "]
    ),
    after=st.sampled_from(
        ["", "!!", "...", " :", "</p>", "**", "&rdquo;", " </s>", " - brown", " [2]", " (broken)", " ?"]
    ),
    escaped=st.booleans(),
)
def test_residues_around_a_name_leave_the_name(noun: str, before: str, after: str, escaped: bool) -> None:
    text = f"{before}{noun}{after}"
    read = read_phrase(html.escape(text) if escaped else text)
    assert read is not None
    assert read.bare == noun
