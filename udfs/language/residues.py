"""Removes what crawls, file systems and data sets leave in captions and labels."""

import html
import re
from urllib.parse import unquote

import ftfy

from udfs.language.controls import without_controls
from udfs.language.vocabulary import vocabulary

_TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>|<\|\w+\|>|\[[A-Z]{2,}\]")
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_FILE = re.compile(r"\.(?:jpe?g|png|webp|gif|bmp|tiff?|heic|avif|svg|glb|gltf|obj|stl|ply|fbx|usdz?)$", re.IGNORECASE)
# What file names add to the name of the thing: sizes, versions and steps of editing.
_FILE_WORD = re.compile(
    r"[\s_.-]+(?:\d+|\d+x\d+|v\d+|final|copy|edit(?:ed)?|thumb(?:nail)?|scaled|cropped|resized|hires|lowres|export)$",
    re.IGNORECASE,
)
_SYNSET = re.compile(r"\.[nvasr]\.\d+$")
_NUMBERING = re.compile(
    r"^(?:[-*•·–—]\s+|#\d+\s+|\(?\d{1,3}[.):]\s+"
    r"|(?:no|nr|num|number|fig|figure|item|obj|object|id)\b\.?\s*#?\d+\b[:.)]?\s+)+",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"(?:[\s_.]+#?|-|(?<=[a-z]))\d+$")
_INCHES = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s?(?:\"|”|″|''|’’|-?\s?inch(?:es)?\b|-?\s?in\.)(?=\s+[A-Za-z])")
_FEET = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s?(?:['’′]|-?\s?f(?:oo|ee)t\b|-?\s?ft\b\.?)(?=\s+[A-Za-z])")
_CAMEL = re.compile(r"(?<=[a-z]{2})(?=[A-Z][a-z])")


def without_residues(text: str) -> str:
    """Return a caption without markup, list numbers, escapes, and the marks of a file name.

    A measure before a noun takes its written form: '21" monitor' becomes "21-inch monitor".
    """
    if "%" in text and _ESCAPED.search(text):
        text = unquote(text)
    for _ in range(2):  # crawls escape twice
        text = html.unescape(text)
    text = without_controls(text)
    text = _TAG.sub(" ", text)
    if not text.isascii():
        text = ftfy.fix_text(text)
    text = _NUMBERING.sub("", text.strip())
    if _FILE.search(text):
        text = _without_file_words(_FILE.sub("", text))
    elif "_" in text and " " not in text:
        text = _NUMBERED.sub("", text).replace("_", " ")
    return _FEET.sub(r"\1-foot", _INCHES.sub(r"\1-inch", text))


def category_text(label: str) -> str:
    """Return the words of a category name: "chair_02", "chair.n.01" and "chair, office" all give "chair"."""
    name = _SYNSET.sub("", without_residues(label).strip())
    name = _NUMBERED.sub("", re.split(r"[,/(|;]", name)[0].strip())
    kept = vocabulary().names_in_camel_case
    words = (word if word.lower() in kept else _CAMEL.sub(" ", word) for word in name.replace("_", " ").split())
    return " ".join(words)


def _without_file_words(stem: str) -> str:
    stem = re.split(r"[/\\]", stem)[-1]
    while (shorter := _FILE_WORD.sub("", stem)) != stem:
        stem = shorter
    return re.sub(r"[_+-]+", " ", _NUMBERED.sub("", stem))
