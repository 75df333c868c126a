"""VQAv2 and OK-VQA accuracy, by the official code and by the EvalAI answer processor.

Source: Antol et al., VQA (2015), the evaluation section of visualqa.org, and the processor published with MMF.
"""

import re
from collections.abc import Iterator, Sequence

from vlm.evaluation.items import Prediction
from vlm.evaluation.scores.interval import Score, mean

_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_NUMBER_WORDS = "none zero one two three four five six seven eight nine ten"
_DIGITS = {word: str(max(0, place - 1)) for place, word in enumerate(_NUMBER_WORDS.split())}
_ARTICLES = ("a", "an", "the")
_COMMA_IN_NUMBER = re.compile(r"\d,\d")
# The published pattern keeps decimal points only by looking ahead, and stops after 32 points.
_POINT = re.compile(r"\.(?!\d)")
_MAX_POINTS = 32
_REQUIRED_MATCHES = 3
# A word that lacks one apostrophe of these forms is read as that form.
_FORMS = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've
he's how'd how'll how's isn't it'd it'd've it'll ma'am might've mightn't mightn't've must've mustn't needn't not've
o'clock oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's
someone'd someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've
there're there's they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's
what've when's where'd where's where've who'd who'd've who'll who's who've why'll why're why's won't would've
wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've
"""

CONTRACTIONS: dict[str, str] = {
    form[:place] + form[place + 1 :]: form
    for form in _FORMS.split()
    for place, letter in enumerate(form)
    if letter == "'"
}
# The published table has this entry reversed.
CONTRACTIONS["somebody'd"] = "somebodyd"


def official(answer: str, humans: Sequence[str]) -> float:
    """Return the official accuracy in [0, 1], which normalizes answers only if the humans disagree."""
    said = _one_line(answer)
    people = [_one_line(human) for human in humans]
    if len(set(people)) > 1:
        said, people = _plain(said), [_plain(human) for human in people]
    return _leave_one_out(said, people)


def evalai(answer: str, humans: Sequence[str]) -> float:
    """Return the accuracy in [0, 1] of normalized answers."""
    return _leave_one_out(evalai_normalized(answer), [evalai_normalized(human) for human in humans])


def evalai_normalized(answer: str) -> str:
    """Return an answer as the EvalAI processor normalizes it: case, punctuation, articles, digits, contractions."""
    text = answer.lower().replace(",", "").replace("?", "").replace("'s", " 's").strip()
    return _plain(_one_line(text))


def vqa_scores(predictions: Sequence[Prediction]) -> Iterator[Score]:
    """Yield both accuracies for items with several human answers, and exact matches for items with one."""
    asked = [one for one in predictions if len(one.item.truth.texts) > 1]
    for name, accuracy in (("vqa_official", official), ("vqa_evalai", evalai)):
        if asked:
            yield mean(name, [accuracy(one.reading.value or "", one.item.truth.texts) for one in asked])
    single = [one for one in predictions if len(one.item.truth.texts) == 1]
    if single:
        right = [
            evalai_normalized(one.reading.value or "") == evalai_normalized(one.item.truth.texts[0]) for one in single
        ]
        yield mean("exact_match", [float(one) for one in right])


def _leave_one_out(said: str, people: list[str]) -> float:
    """Return the mean over the humans of min(1, matches among the others / 3)."""
    matches = people.count(said)
    each = [min(1.0, (matches - (human == said)) / _REQUIRED_MATCHES) for human in people]
    return sum(each) / len(each)


def _one_line(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ").strip()


def _plain(text: str) -> str:
    words = [_DIGITS.get(word, word) for word in _unmarked(text).lower().split()]
    return " ".join(CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES)


def _unmarked(text: str) -> str:
    """Drop punctuation beside a space, or all of it if a number has a comma; replace the rest by spaces."""
    dropped = _COMMA_IN_NUMBER.search(text) is not None
    plain = text
    for mark in _PUNCTUATION:
        beside_space = f"{mark} " in text or f" {mark}" in text
        plain = plain.replace(mark, "" if dropped or beside_space else " ")
    return _POINT.sub("", plain, count=_MAX_POINTS)
