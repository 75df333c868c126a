"""Why a question about a scene has no answer: a code, and a sentence that says what to do about it."""

from enum import StrEnum


class WhyNot(StrEnum):
    """The code of a question that is not answered."""

    NOT_UNDERSTOOD = "not_understood"
    UNKNOWN_TYPE = "unknown_type"
    NOT_FOUND = "not_found"
    AMBIGUOUS = "ambiguous"
    SAME_OBJECT = "same_object"
    NOT_MEASURED = "not_measured"
    OTHER_UNIT = "other_unit"
    NO_GRAVITY = "no_gravity"
    NO_SCALE = "no_scale"
    NO_SUPPORT = "no_support"
    NO_SIZE = "no_size"
    NO_LENGTH = "no_length"
    UNDECIDED = "undecided"
    WITHIN_ERROR = "within_error"


class NotAnswered(Exception):
    """A question without an answer; the message is one sentence, `reason` its code."""

    def __init__(self, reason: WhyNot, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class NotUnderstood(NotAnswered):
    """A question that the grammar does not read, which a planner may take apart."""

    def __init__(self, sentence: str) -> None:
        super().__init__(WhyNot.NOT_UNDERSTOOD, sentence)
