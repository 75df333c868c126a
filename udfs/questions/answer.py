"""An answer to one question about a scene: the sentence, the number with its error, or why there is none."""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

# 95 % of a normal distribution lies within this many standard errors.
_SIGMAS_95 = 1.96


class AskedObject(NamedTuple):
    """An object asked about: its id, and how it is called."""

    object_id: int
    name: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a scene answers.

    `text` is the answer in a sentence or, where `reason` holds a code, why there is none. `value`, `sigma` (one
    standard error) and `interval` (95 %) are in `unit`, and `value_text` says the value; `value_si` and `sigma_si` are
    in m, m2, rad or a ratio, as a lake stores them. `variant` is "yes", "no", or the side that the answer states;
    `chosen` is the object that a choice names. `point` is a point of the image, (u, v) in [0, 1); `asked_m` is the
    length that was compared, and `has_m` what it was compared with. `near` holds questions to ask in place of one that
    was not understood.
    """

    question: str
    text: str
    type_id: str | None = None
    objects: tuple[AskedObject, ...] = ()
    variant: str | None = None
    chosen: AskedObject | None = None
    value: float | None = None
    sigma: float | None = None
    unit: str | None = None
    value_text: str | None = None
    value_si: float | None = None
    sigma_si: float | None = None
    point: tuple[float, float] | None = None
    asked_m: float | None = None
    has_m: float | None = None
    reason: str | None = None
    near: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text

    @property
    def answered(self) -> bool:
        """Whether there is an answer."""
        return self.reason is None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the value, in `unit`; None without a number."""
        if self.value is None or self.sigma is None:
            return None
        reach = _SIGMAS_95 * self.sigma
        return max(0.0, self.value - reach), self.value + reach

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, for JSON."""
        fields = asdict(self)
        fields["objects"] = [one._asdict() for one in self.objects]
        fields["chosen"] = self.chosen._asdict() if self.chosen else None
        return {**fields, "answered": self.answered, "interval": self.interval}
