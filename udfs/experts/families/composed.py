"""The `composed` family: regions by a detector, a segmenter and, if named, a captioner, a tagger and an embedder."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from schemas.reasons import Outcome, Reason
from udfs.experts.batching import decoded, predicted
from udfs.experts.expert import ExpertSpec, Photograph, Prediction, expert_class
from udfs.experts.families.sensor import instance_boxes, region_of
from udfs.experts.pictures import Picture
from udfs.experts.region_masks import areas_of, clipped, distinct, instance_map, suppressed
from udfs.experts.region_parts import Captioner, Detections, Detector, Embedder, Part, Rle, Segmenter, View
from udfs.experts.vocabularies import ALT_TEXT, HOUSEHOLD, TAGGER, alt_text_names, names_or_source
from udfs.language.caption import read_label, read_phrase
from udfs.language.noun_phrases import listed_names, short_caption
from udfs.language.similarity import named_object, similar
from udfs.stages.rows import RowRejected

Item = tuple[Photograph, Picture]
_NEEDED = ("detector", "segmenter")
_OPTIONAL = ("captioner", "tagger", "embedder")
Names = tuple[str, ...]


class ComposedOptions(BaseModel):
    """What is looked for, and which of what is found is kept.

    `vocabulary` is a packaged list's name, a list of names, `alt_text` or `tagger`; `fallback` stands in for the latter
    two where they name nothing. Shares are of the picture's pixels. `batch_size` counts photographs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    vocabulary: Annotated[Names | Literal["alt_text", "tagger"], BeforeValidator(names_or_source)] = Field(
        default=HOUSEHOLD, validate_default=True
    )
    fallback: Annotated[Names, BeforeValidator(names_or_source)] = ()
    most_iou: float = Field(default=0.7, gt=0, le=1)
    max_regions: int = Field(default=40, ge=1, le=1000)
    min_area_share: float = Field(default=0.0005, ge=0, le=1)
    batch_size: int = Field(default=4, ge=1)


class ComposedRegions:
    """Regions of a bare photograph: boxes, masks that share no pixel, names, captions, and how alike they are."""

    columns: ClassVar[tuple[str, ...]] = ("bytes", "exif_orientation", "alt_text")

    def __init__(self, spec: ExpertSpec) -> None:
        self.options = ComposedOptions.model_validate(spec.options)
        _check_parts(spec, self.options)
        parts: dict[str, Any] = {slot: expert_class(slot, part)(part) for slot, part in spec.parts.items()}
        self.parts: list[Part] = list(parts.values())
        self.detector: Detector = parts["detector"]
        self.segmenter: Segmenter = parts["segmenter"]
        self.captioner: Captioner | None = parts.get("captioner")
        self.tagger: Any = parts.get("tagger")  # named wherever the vocabulary needs it
        self.embedder: Embedder | None = parts.get("embedder")

    @classmethod
    def resolved(cls, spec: ExpertSpec) -> ExpertSpec:
        """Return the spec with the options of all parts written out, vocabularies included.

        Raises:
            ValueError: a part is missing or unknown, or an option is bad.
        """
        options = ComposedOptions.model_validate(spec.options)
        _check_parts(spec, options)
        parts = {slot: expert_class(slot, part).resolved(part) for slot, part in spec.parts.items()}
        return spec.model_copy(update={"options": options.model_dump(mode="json"), "parts": parts})

    def load(self, device: str) -> None:
        """Load all parts onto `device`."""
        for part in self.parts:
            part.load(device)

    def predict(self, batch: Sequence[Photograph]) -> list[Prediction | Exception]:
        """Return the regions of each photograph, or what went wrong with it, in order."""
        results: list[Prediction | Exception] = []
        for pictures in decoded(batch, self.options.batch_size):
            photographs = batch[len(results) : len(results) + len(pictures)]
            items = [
                picture if isinstance(picture, Exception) else (photograph, picture)
                for photograph, picture in zip(photographs, pictures, strict=True)
            ]
            results += predicted(items, self._predict)
        return results

    def _predict(self, items: list[Item]) -> list[Any]:
        vocabularies = self._vocabularies(items)
        results: list[Any] = [_nothing_to_look_for(row, self.options.vocabulary) for row, _ in items]
        sought = [index for index, vocabulary in enumerate(vocabularies) if vocabulary]
        pictures = [items[index][1] for index in sought]
        found = self._detected(pictures, [vocabularies[index] for index in sought])
        masks = self._segmented(pictures, found)
        for index, picture, detections, rles in zip(sought, pictures, found, masks, strict=True):
            results[index] = {"regions": self._regions(picture, detections, rles)}
        return results

    def _vocabularies(self, items: list[Item]) -> list[Names]:
        source = self.options.vocabulary
        if source == ALT_TEXT:
            names = [alt_text_names(photograph.get("alt_text")) for photograph, _ in items]
        elif source == TAGGER:
            names = [listed_names(text) for text in self.tagger.tag([picture.image for _, picture in items])]
        else:
            names = [tuple(source)] * len(items)
        return [one or self.options.fallback for one in names]

    def _detected(self, pictures: list[Picture], vocabularies: list[Names]) -> list[Detections]:
        images = [picture.image for picture in pictures]
        found = self.detector.detect(images, vocabularies) if images else []
        return [
            suppressed(clipped(one, image.size), self.options.most_iou, self.options.max_regions)
            for one, image in zip(found, images, strict=True)
        ]

    def _segmented(self, pictures: list[Picture], found: list[Detections]) -> list[list[Rle]]:
        masks: list[list[Rle]] = [[] for _ in pictures]
        filled = [index for index, one in enumerate(found) if one.labels]
        if filled:
            boxes = [found[index].boxes_px for index in filled]
            for index, rles in zip(filled, self.segmenter.segment([pictures[i] for i in filled], boxes), strict=True):
                masks[index] = rles
        return masks

    def _regions(self, picture: Picture, found: Detections, masks: list[Rle]) -> list[dict[str, Any]]:
        kept = distinct(masks, self.options.most_iou)
        if not kept:
            return []
        owner = instance_map([masks[index] for index in kept])
        areas, boxes = areas_of(owner), instance_boxes(owner)
        least = max(1.0, self.options.min_area_share * owner.size)
        order = sorted((one for one in areas if areas[one] >= least), key=lambda one: (-areas[one], one))
        if not order:
            return []
        found = found.only([kept[one - 1] for one in order])
        views = [View(picture.image, tuple(box)) for box in found.boxes_px.tolist()]
        captions = self._captions(found.labels, views)
        similar = self._similar(found.labels, captions, views)
        return [
            {
                **region_of(owner, boxes[one], {"id": one, "label": label, "captions": said}),
                "region_id": number,
                "score": float(score),
                "similar": alikes,
            }
            for number, (one, label, said, score, alikes) in enumerate(
                zip(order, found.labels, captions, found.scores, similar, strict=True), start=1
            )
        ]

    def _captions(self, labels: Sequence[str], views: list[View]) -> list[list[str]]:
        if self.captioner is None:
            return [[] for _ in views]
        return [_agreeing(label, *said) for label, said in zip(labels, self.captioner.caption(views), strict=True)]

    def _similar(self, labels: Sequence[str], captions: list[list[str]], views: list[View]) -> list[Any]:
        if self.embedder is None:
            return [None] * len(labels)
        texts = [said[0] if said else label for label, said in zip(labels, captions, strict=True)]
        return [_ranked(row, number) for number, row in enumerate(self.embedder.similarities(texts, views))]


def _ranked(row: NDArray[np.float64], own: int) -> list[dict[str, Any]]:
    """Return what the other regions, numbered from 1, are like, most alike first."""
    others = [(float(value), index) for index, value in enumerate(row) if index != own]
    return [
        {"region_id": index + 1, "similarity": value} for value, index in sorted(others, key=lambda o: (-o[0], o[1]))
    ]


def _agreeing(label: str, short: str, long: str) -> list[str]:
    """Return the short caption as a noun phrase and the long one, each only where it names what the label names.

    A crop shows neighbours too, and a captioner may speak of them.
    """
    thing = named_object(0, read_label(label), ())
    captions: list[str] = []
    for text in (short_caption(short) or "", long):
        phrase = read_phrase(text, lower_first=True)
        if phrase is not None and (thing.label is None or similar(thing, named_object(1, None, (phrase,)))):
            captions.append(text)
    return list(dict.fromkeys(captions))


def _check_parts(spec: ExpertSpec, options: ComposedOptions) -> None:
    missing = [slot for slot in _NEEDED if slot not in spec.parts]
    unknown = sorted(set(spec.parts) - {*_NEEDED, *_OPTIONAL})
    if missing or unknown:
        fault = f"lacks {missing[0]!r}" if missing else f"has {unknown[0]!r}"
        raise ValueError(
            f"Family composed {fault} among its parts; name {' and '.join(_NEEDED)}, and any of {', '.join(_OPTIONAL)}."
        )
    if not options.vocabulary:
        raise ValueError("The vocabulary is empty; list at least one name.")
    if options.vocabulary == TAGGER and TAGGER not in spec.parts:
        raise ValueError("The vocabulary is to come from a tagger, and there is none among the parts; name one.")


def _nothing_to_look_for(photograph: Photograph, source: Any) -> RowRejected:
    said = "The tagger" if source == TAGGER else f"The alt text {(photograph.get('alt_text') or '')[:100]!r}"
    error = f"{said} names nothing to look for; give the profile a `fallback` vocabulary to keep such photographs."
    return RowRejected(Outcome.FILTERED, Reason.NO_REGIONS, error)


SLOTS = {"context": ComposedRegions}
