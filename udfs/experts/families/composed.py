"""The `composed` family: regions by a detector, a segmenter and optionally a captioner, a tagger and an embedder."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from schemas.reasons import Outcome, Reason
from udfs.experts.batching import decoded, predicted
from udfs.experts.expert import ExpertSpec, ImageExpert, ImageRow, Options, Prediction
from udfs.experts.families.sensor import instance_boxes, region_of
from udfs.experts.images import UprightImage
from udfs.experts.regions import (
    Captioner,
    Detections,
    Detector,
    Embedder,
    RegionView,
    Rle,
    Segmenter,
    Tagger,
    areas_of,
    clipped,
    distinct,
    instance_map,
    suppressed,
)
from udfs.experts.vocabularies import ALT_TEXT, HOUSEHOLD, TAGGER, alt_text_names, names_or_source
from udfs.language.caption import read_label, read_phrase
from udfs.language.noun_phrases import listed_names, short_caption
from udfs.language.similarity import named_object, similar
from udfs.stages.rows import RowRejected

Item = tuple[ImageRow, UprightImage]
Names = tuple[str, ...]


class ComposedOptions(Options):
    """What is looked for, and which of the detections are kept.

    `vocabulary` is a packaged list's name, a list of names, `alt_text` or `tagger`; `fallback` replaces the latter two
    where they name nothing. Shares are of the image's pixels. `batch_size` counts images.
    """

    vocabulary: Annotated[Names | Literal["alt_text", "tagger"], BeforeValidator(names_or_source)] = Field(
        default=HOUSEHOLD, validate_default=True
    )
    fallback: Annotated[Names, BeforeValidator(names_or_source)] = ()
    max_iou: float = Field(default=0.7, gt=0, le=1)
    max_regions: int = Field(default=40, ge=1, le=1000)
    min_area_share: float = Field(default=0.0005, ge=0, le=1)
    batch_size: int = Field(default=4, ge=1)


class ComposedRegions(ImageExpert):
    """Regions of a bare image: boxes, masks that share no pixel, names, captions, and how similar they are."""

    columns: ClassVar[tuple[str, ...]] = ("bytes", "alt_text")
    options_type: ClassVar[type[Options]] = ComposedOptions
    needs_model: ClassVar[bool] = False
    needed_parts: ClassVar[Mapping[str, str]] = {"detector": "detector", "segmenter": "segmenter"}
    optional_parts: ClassVar[Mapping[str, str]] = {"captioner": "captioner", "tagger": "tagger", "embedder": "embedder"}

    def __init__(self, spec: ExpertSpec) -> None:
        super().__init__(spec)
        self.detector: Detector = self.parts["detector"]
        self.segmenter: Segmenter = self.parts["segmenter"]
        self.captioner: Captioner | None = self.parts.get("captioner")
        self.tagger: Tagger | None = self.parts.get("tagger")
        self.embedder: Embedder | None = self.parts.get("embedder")

    @classmethod
    def checked(cls, spec: ExpertSpec) -> ComposedOptions:
        """Return the validated options.

        Raises:
            ValueError: as every family, an empty vocabulary, or a vocabulary that needs a missing tagger.
        """
        options = super().checked(spec)
        if not options.vocabulary:
            raise ValueError("The vocabulary is empty; list at least one name.")
        if options.vocabulary == TAGGER and TAGGER not in spec.parts:
            raise ValueError("The vocabulary `tagger` needs a part `tagger`; name one.")
        return options

    def load(self, device: str) -> None:
        """Load all parts onto `device`."""
        for part in self.parts.values():
            part.load(device)

    def predict(self, batch: Sequence[ImageRow]) -> list[Prediction | Exception]:
        """Return the regions of each image, or its exception, in order."""
        results: list[Prediction | Exception] = []
        for images in decoded(batch, self.options.batch_size):
            rows = batch[len(results) : len(results) + len(images)]
            items = [
                image if isinstance(image, Exception) else (row, image) for row, image in zip(rows, images, strict=True)
            ]
            results += predicted(items, self._predict)
        return results

    def _predict(self, items: list[Item]) -> list[Any]:
        vocabularies = self._vocabularies(items)
        results: list[Any] = [_nothing_to_look_for(row, self.options.vocabulary) for row, _ in items]
        sought = [index for index, vocabulary in enumerate(vocabularies) if vocabulary]
        images = [items[index][1] for index in sought]
        detected = self._detected(images, [vocabularies[index] for index in sought])
        masks = self._segmented(images, detected)
        for index, image, detections, rles in zip(sought, images, detected, masks, strict=True):
            results[index] = {"regions": self._regions(image, detections, rles)}
        return results

    def _vocabularies(self, items: list[Item]) -> list[Names]:
        source = self.options.vocabulary
        if source == ALT_TEXT:
            names = [alt_text_names(row.get("alt_text")) for row, _ in items]
        elif self.tagger is not None and source == TAGGER:
            names = [listed_names(text) for text in self.tagger.tag([image.image for _, image in items])]
        else:
            names = [tuple(source)] * len(items)
        return [found or self.options.fallback for found in names]

    def _detected(self, images: list[UprightImage], vocabularies: list[Names]) -> list[Detections]:
        found = self.detector.detect([image.image for image in images], vocabularies) if images else []
        return [
            suppressed(clipped(detections, image.size), self.options.max_iou, self.options.max_regions)
            for detections, image in zip(found, images, strict=True)
        ]

    def _segmented(self, images: list[UprightImage], found: list[Detections]) -> list[list[Rle]]:
        masks: list[list[Rle]] = [[] for _ in images]
        filled = [index for index, detections in enumerate(found) if detections.labels]
        if filled:
            boxes = [found[index].boxes_px for index in filled]
            for index, rles in zip(filled, self.segmenter.segment([images[i] for i in filled], boxes), strict=True):
                masks[index] = rles
        return masks

    def _regions(self, image: UprightImage, found: Detections, masks: list[Rle]) -> list[dict[str, Any]]:
        kept = distinct(masks, self.options.max_iou)
        if not kept:
            return []
        owner = instance_map([masks[index] for index in kept])
        areas, boxes = areas_of(owner), instance_boxes(owner)
        min_area_px = max(1.0, self.options.min_area_share * owner.size)
        order = sorted((i for i in areas if areas[i] >= min_area_px), key=lambda i: (-areas[i], i))
        if not order:
            return []
        found = found.only([kept[i - 1] for i in order])
        views = [RegionView(image.image, tuple(box)) for box in found.boxes_px.tolist()]
        captions = self._captions(found.labels, views)
        similar = self._similar(found.labels, captions, views)
        return [
            {
                **region_of(owner, boxes[i], {"id": i, "label": label, "captions": texts}),
                "region_id": number,
                "score": float(score),
                "similar": ranked,
            }
            for number, (i, label, texts, score, ranked) in enumerate(
                zip(order, found.labels, captions, found.scores, similar, strict=True), start=1
            )
        ]

    def _captions(self, labels: Sequence[str], views: list[RegionView]) -> list[list[str]]:
        if self.captioner is None:
            return [[] for _ in views]
        return [_agreeing(label, *texts) for label, texts in zip(labels, self.captioner.caption(views), strict=True)]

    def _similar(self, labels: Sequence[str], captions: list[list[str]], views: list[RegionView]) -> list[Any]:
        if self.embedder is None:
            return [None] * len(labels)
        texts = [own[0] if own else label for label, own in zip(labels, captions, strict=True)]
        return [_ranked(row, number) for number, row in enumerate(self.embedder.similarities(texts, views))]


def _ranked(row: NDArray[np.float64], own: int) -> list[dict[str, Any]]:
    """Return the similarity to every other region, numbered from 1, most similar first."""
    others = [(float(value), index) for index, value in enumerate(row) if index != own]
    return [
        {"region_id": index + 1, "similarity": value} for value, index in sorted(others, key=lambda o: (-o[0], o[1]))
    ]


def _agreeing(label: str, short: str, long: str) -> list[str]:
    """Return the short caption as a noun phrase and the long one, each only where it names the label's object.

    A crop shows neighbors too, and a captioner may describe them.
    """
    thing = named_object(0, read_label(label), ())
    captions: list[str] = []
    for text in (short_caption(short) or "", long):
        phrase = read_phrase(text, lower_first=True)
        if phrase is not None and (thing.label is None or similar(thing, named_object(1, None, (phrase,)))):
            captions.append(text)
    return list(dict.fromkeys(captions))


def _nothing_to_look_for(row: ImageRow, source: Any) -> RowRejected:
    text = "The tagger" if source == TAGGER else f"The alt text {(row.get('alt_text') or '')[:100]!r}"
    error = f"{text} names nothing to look for; give the profile a `fallback` vocabulary to keep such images."
    return RowRejected(Outcome.FILTERED, Reason.NO_REGIONS, error)


SLOTS = {"context": ComposedRegions}
