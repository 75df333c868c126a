"""Parsing yes or no."""

import re

from vlm.evaluation.reading.precedence import Rank, Statement, first_read, sentences
from vlm.evaluation.reading.refusal import without_refusals
from vlm.evaluation.reading.relations import Asked

_BOTH = re.compile(r"\byes\W{0,3}(?:/|\bor\b|\band\b|\|)\W{0,3}no\b\W{0,3}(?:question\b)?", re.IGNORECASE)
_BESIDE = re.compile(
    r"\b(?:no longer|no matter|no problem|no worries|not only|whether or not|no more than|no less than)\b"
)
_ADVERB = (
    r"(?:absolutely|definitely|certainly|surely|clearly|obviously|probably|likely|most likely|very likely"
    r"|possibly|perhaps"
    r"|maybe|apparently|presumably|evidently|actually|in fact|really|truly|well|hmm|so|okay|ok|also|again|thus|hence"
    r"|therefore|of course|quite|almost certainly|most certainly|most definitely|honestly|simply|yet|oh|ah|um+"
    r"|uh|still)"
)
_OPENING = re.compile(
    rf"(?:(?:{_ADVERB}|and|but|then|ultimately|overall|finally)\b[\s,:—–-]*)+(?=\w)"
    r"|(?:(?:in|from|looking at|based on|judging (?:by|from)|according to|considering|given|after (?:looking|examining)"
    r"|upon|as for|regarding|to be|relative to|with respect to)\b[^,.:;\n]{0,90}[,:]\s*)"
    r"|(?:i|we)(?:'d| would| do|'m| can)? (?:think|believe|confirm|say|guess|suppose|suspect|feel|assume"
    r"|conclude|see|reckon|answer"
    r"|afraid|fairly sure|pretty sure|quite sure|confident|certain|inclined to say|have to say|am afraid"
    r"|am (?:fairly |pretty |quite )?(?:sure|certain|confident))(?: that| is)?\b[\s,:\"*]*"
    r"|(?:it|this) (?:seems|appears|looks like)(?: to me)?(?: that)?,? (?=(?:yes|no)\b)"
    r"|(?:there is |there's |i have |i've )?(?:no (?:doubt|question)(?: about (?:it|that))?|without (?:a |any )?doubt)"
    r"(?: that)?[\s,.:;!—–-]*"
    r"|(?:the answer|answer|my answer|short answer|a|response|verdict|result|output|final answer)(?: is|:"
    r"| would be)?\W*"
    r"(?=(?:yes|no|true|false|not|definitely|absolutely|certainly)\b)",
)
_MODIFIED = (
    r"(?:(?:absolutely|definitely|certainly|surely|clearly|obviously|probably|apparently|of course|really|likely) )*"
)
_END = r"(?=\W*(?:[,.!;:?)\n]|$)|\s*[—–(-]|\s+(?:because|since|as|and|so|given|while|based)\b)"
_YES = re.compile(
    rf"(?:yes|yeah|yep|yup|yea|aye|affirmative|是的?|对的?|正确|没错)(?![\w])|(?:y|t)\W*\Z|true{_END}"
    rf"|(?:i (?:think|believe|would say|guess|suppose) )?so(?:\W*\Z|\W*[.,!]\s)|(?:very |quite |most |highly "
    rf"|extremely )?likely\W*\Z|i agree\b"
    rf"|(?:i|we) (?:do not|don't|would not|wouldn't|can't|cannot) (?:really )?(?:disagree|doubt|deny)\b"
    rf"|agreed\b"
    rf"|(?:it|they|he|she|there|this|that|these|those) (?:(?:certainly|definitely|indeed|clearly|really|sure) )?"
    rf"(?:is|are|does|do|was|were|has|have|can|will|would|could){_END}"
    rf"|(?:it|they|that) (?:is|are|does|do) (?:indeed|so)\b"
    rf"|(?:it|they) (?:can|could|would|will|should) (?:\w+ly |just )?(?:fit|pass|reach|go|work)\b"
    rf"|(?:it )?(?:seems|appears|looks) (?:so\b|that way|like it(?:\W*\Z|[.,]))"
)
_AGREES = re.compile(
    r"(?:certainly|absolutely|definitely|of course|sure(?: thing)?|surely|correct|right|exactly|precisely|totally"
    r"|for sure|undoubtedly|clearly|obviously|naturally|ok(?:ay)?|all right|alright|great question|good question"
    r"|most (?:certainly|definitely)|without a doubt|you(?:'re| are) (?:right|correct)|probably|possibly)"
    r"(?=\W*(?:[,.!;:\n]|$)|\s*[—–-]\s)|indeed\b"
    r"|(?:that|this|it)(?:'s| is| would be|'d be) (?:indeed |absolutely |definitely |certainly |quite |probably )*"
    r"(?:right|correct|true|accurate|so|the case)\b(?: that)?"
)
_NO = re.compile(
    rf"{_MODIFIED}(?:no(?!\w| (?:doubt|question)\b|['-]|\.? ?\d)|nope|nah|not(?! only\b| to mention\b)|negative"
    rf"|never|neither|hardly|false{_END}"
    rf"|incorrect|untrue|inaccurate|wrong{_END}|impossible{_END}"
    rf"|far from it|on the contrary|quite the opposite|the opposite|by no means"
    rf"|in no way|under no|doubtful|unlikely|quite the contrary|否|并不|不是|不对|不|没有|错误|错)"
    rf"(?![a-z])"
    rf"|(?:n|f)\W*\Z|i (?:doubt|disagree|wouldn't say|would not say)\b"
    rf"|(?:i|we) (?:do not|don't|wouldn't|would not|can't|cannot) (?:really )?(?:think|believe|say|agree|see|suppose)\b"
    rf"|(?:that|this|it)(?:'s| is| would be| sounds| seems) (?:indeed |actually |absolutely |definitely "
    rf"|clearly |quite )*"
    rf"(?:incorrect|wrong|false|untrue|inaccurate|unlikely|impossible)\b"
    rf"|(?:that|this|it)(?:'s not| is not| isn't)\b"
    rf"|(?:it|they|he|she|there|this|that|these|those|we|you) (?:(?:certainly|definitely|clearly|really"
    r"|actually|probably) )?"
    rf"(?:is|are|does|do|was|were|has|have|can|will|would|could)(?:n't|not| (?:\w+ly )?not)\b"
    rf"|(?:it|they|that|this) can't\b"
    rf"|(?:they|you|these|we)'re not\b|(?:it|they|this|that) never\b"
)
_CLAIM = re.compile(
    r"(?:the|this|that|your|such an?) (?:\w+ )?(?:statement|claim|assertion|description|sentence|caption"
    r"|premise|proposition"
    r"|assumption|answer)\b[^.?!]{0,100}? (?:is|was|seems|appears to be)(?P<not>n't| not)?"
    r"(?: (?:indeed|actually|in fact|therefore|thus|clearly|absolutely))*"
    r" (?:(?P<yes>true|correct|right|accurate|valid)|(?P<no>false|incorrect|wrong|inaccurate|untrue|invalid))\b"
)
_FALSE = r"(?:in(?:correct|accurate|valid)|un(?:true|likely)|false|wrong)"
_NEGATION = re.compile(
    r"\b(?:is|are|was|were|does|do|did|has|have|can|could|would|will|should)(?:n't| (?:\w+ly )?not\b)"
    r"|\bcannot\b|\bnever\b"
    r"|(?<=\w)'(?:s|re) (?:\w+ly )?not\b|\bis no\b|\bare no\b|\bnowhere\b|\b(?:appears?|seems?|tends?) not\b"
)
_SUBORDINATE = re.compile(
    r"\b(?:because|since|as it|but|while|whereas|although|though|rather|instead|so|which|if|when|unless)\b|;|:"
)
_CONTRADICTS = re.compile(r"\W*actually,? (?=\w+ \w+)")
_SAID = re.compile(r"\byes\b|\bno\b(?=\W*(?:$|[.,;!:)\]*\"'\n]))")


def parse_yes_no(text: str, question: str = "") -> bool | None:
    """Return the yes or no that an answer states, or None.

    "Indeed, ..", "That is right, ..", "It is, since ..", "Not quite, ..", "I don't think so" count too; "right of it",
    "no idea" and "yes or no" do not. A clause decides over a word of agreement before it ("Sure! It is not taller.").
    With the `question`, an answer that states or denies it in full counts ("The cup is left of the plate.").
    """
    asked = Asked(question)
    return first_read(text, lambda one: _read(one, asked))


def _read(one: Statement, asked: Asked) -> bool | None:
    said = _BESIDE.sub(" ", _BOTH.sub(" ", without_refusals(one.text).lower())).replace("’", "'")
    found = _verdict(said)
    if found is not None or one.rank != Rank.REST:
        return found
    words = {match[0] for match in _SAID.finditer(said)}
    if len(words) == 1:
        return words == {"yes"}
    for sentence in sentences(said):
        if (found := _verdict(sentence, later=True)) is not None:
            return found
    stated = next((held for one in sentences(said) if (held := asked.stated(one)) is not None), None)
    return False if stated is None and _CONTRADICTS.match(said) else stated


def _verdict(said: str, later: bool = False) -> bool | None:
    """Return the yes or no that a text begins with; of a `later` sentence only a statement about the question."""
    said = re.sub(r"[*_`\"]+", "", said).strip(" \n\t'([{<#>-.,:;!")
    agreed = False
    while True:
        if (claim := _CLAIM.match(said)) is not None:
            return (claim["yes"] is not None) != (claim["not"] is not None)
        if later:
            return None
        if (
            doubled := re.match(
                rf"(?:it|that|this)?(?:(?:'s| is)? ?not|(?:i| wa)sn't| isn't) (?:necessarily )?{_FALSE}\b", said
            )
        ) is not None:
            return not _negated(said[doubled.end() :])
        if (no := _NO.match(said)) is not None:
            return _of_no(said, no)
        if _YES.match(said):
            return True
        if (agreement := _AGREES.match(said)) is not None:
            agreed, said = True, said[agreement.end() :].strip(" .,!;:\n—–-")
            continue
        opening = _OPENING.match(said)
        if opening is None or not opening[0]:
            break
        agreed = agreed or re.search(r"\bdoubt\b|\bno question\b", opening[0]) is not None
        said = said[opening.end() :].strip(" .,!;:\n—–-")
    return not _negated(said) if agreed else None


def _of_no(said: str, no: re.Match[str]) -> bool:
    """Return the verdict of a text that begins with a denial: no, unless it denies a denial."""
    denies_clause = re.search(
        r"(?:think|believe|say|agree|true|correct|the case|accurate|doubt|false|incorrect|wrong"
        r"|untrue)(?: that| to say that)?$",
        no[0],
    ) or re.match(r" (?:true|correct|the case|accurate|right) (?:that|to say)\b", said[no.end() :])
    rest = said[no.end() :]
    return _negated(rest) or re.match(r"\W*no\b", rest) is not None if denies_clause else False


def _negated(said: str) -> bool:
    """Return whether the first main clause is denied."""
    first = next(iter(sentences(said)), "")
    clause = _SUBORDINATE.split(first, maxsplit=1)[0]
    return len(_NEGATION.findall(clause)) % 2 == 1
