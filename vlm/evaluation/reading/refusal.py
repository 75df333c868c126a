"""Detecting refusals to answer."""

import re

_REFUSAL = re.compile(
    r"\b(?:can ?not|can['’]t|could ?n['’]t|could not|unable|impossible|not possible|no way|hard|difficult"
    r"|not able|isn['’]t possible)\b"
    r"[^.;!?\n]*\b(?:determin|measur|tell|say|estimat|answer|provid|giv|calculat|know|see|assist|help|identif|comput|judg"
    r"|infer|assess|verif|be sure|be certain)"
    r"|\b(?:i['’]?m|i am) sorry\b|\b(?:not enough|insufficient|without (?:more|further|additional))\b[^.;!?\n]*"
    r"\b(?:information|context|data|detail|reference|evidence)|\b(?:i )?do(?:n['’]t| not) (?:really )?(?:know|have)\b"
    r"|\bunknown\b|\bundetermined\b|\b(?:can|could)(?:not|n['’]t) be (?:determined|measured|known|established"
    r"|told|estimated)\b"
    r"|\bn/a\b|\bnot (?:visible|specified|given|provided|clear|sure|certain|applicable)\b|\bas an ai\b|\bno scale\b"
    r"|\b(?:is|are)n['’]t (?:visible|clear|specified|provided)\b|\bunclear\b|\bindeterminate\b"
    r"|\bno (?:idea|clue|information|evidence|indication|reference object|data|context|means of knowing|one can"
    r"|(?:image|picture|photo)\w* (?:is|was|has been|were) (?:provided|attached|given))",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(
    r"[.;!?](?=\s|$)|\n|,?\s+\b(?:but|however|though|although)\b,?"
    r"|,\s+(?=(?:so |it['’]|it is|i['’]d|i would|my |about|approximately|roughly|around|maybe|perhaps|probably))",
    re.IGNORECASE,
)
_CONCEDES = re.compile(
    r"(?:\A|[.;!?]\s|\n)\s*(?:while|although|though|even though|despite|since|as|even if)\b[^,.;!?\n]*(,)",
    re.IGNORECASE,
)


def without_refusals(text: str) -> str:
    """Replace every refusing clause by spaces, which keeps positions."""
    kept, start = [], 0
    ends = [match.span() for match in _CLAUSE_END.finditer(text)] + [
        match.span(1) for match in _CONCEDES.finditer(text)
    ]
    ends.sort()
    for stop, following in [*ends, (len(text), len(text))]:
        clause = text[start:stop]
        kept.append(" " * len(clause) if _REFUSAL.search(clause) else clause)
        kept.append(text[stop:following])
        start = following
    return "".join(kept)


def refuses(text: str) -> bool:
    """Return whether an answer only refuses."""
    rest = without_refusals(text)
    return rest != text and not re.search(r"\w{2,}", rest)
