"""Normalizing an output without moving its characters: reasoning, full-width signs, Chinese units and TeX."""

import re

# Reasoning that is not closed leaves nothing of the output.
_REASONING = re.compile(
    r"<(think|thinking|thought|thoughts|reasoning|analysis|scratchpad|reflection|seed:think)>.*?(?:</\1>|\Z)"
    r"|\[THINK\].*?(?:\[/THINK\]|\Z)|◁think▷.*?(?:◁/think▷|\Z)"
    r"|<\|channel\|>analysis<\|message\|>.*?(?=<\|channel\|>final|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_REASONING_END = re.compile(
    r"\A.*(?:</(?:think|thinking|thought|thoughts|reasoning|seed:think)>|◁/think▷|\[/THINK\])",
    re.DOTALL | re.IGNORECASE,
)
_CONTROL = re.compile(r"<\|(?!begin_of_box|end_of_box|box_)[\w ]{1,24}\|>(?:final(?=<\|message))?|</?s>|<eos>")
_SAME_WIDTH = str.maketrans(
    {chr(0xFF01 + place): chr(0x21 + place) for place in range(94)}
    | dict(zip("。、【】「」『』〈〉’‘‛´“”„〜\u3000", '.,[]""""<>\'\'\'\'"""~ ', strict=True))
)
_CHINESE_UNITS = (
    ("厘米", "cm"), ("公分", "cm"), ("毫米", "mm"), ("分米", "dm"), ("公里", "km"), ("千米", "km"),
    ("英尺", "ft"), ("英寸", "in"), ("公尺", "m "), ("米", "m"), ("度", "°"),
)  # fmt: skip
_FRACTION = re.compile(
    r"\\+[dtc]?frac\s*(?:\{\s*([^{}]*?)\s*\}\s*\{\s*([^{}]*?)\s*\}|(\d)\s*(\d))|\\+sfrac\{([^{}]*)\}\{([^{}]*)\}"
)
_SUPERSCRIPT = re.compile(r"\^\s*\{\s*([^{}]*?)\s*\}")
_TEX_SIGNS = (
    (re.compile(r"\^?\s*\{?\s*\\+circ\b\s*\}?|\\+degree\b"), "°"),
    (re.compile(r"\\+times\b"), "×"),
    (re.compile(r"\\+cdot\b"), "×"),
    (re.compile(r"\\+(?:approx|sim|simeq|thickapprox)(?![a-z])"), "≈"),
    (re.compile(r"\\+pm\b"), "±"),
    (re.compile(r"\\+(?:leq?|leqslant)(?![a-z])"), "≤"),
    (re.compile(r"\\+(?:geq?|geqslant)(?![a-z])"), "≥"),
    (re.compile(r"\\+(?:lt)(?![a-z])"), "<"),
    (re.compile(r"\\+(?:gt)(?![a-z])"), ">"),
    (re.compile(r"\\+(?:rightarrow|Rightarrow|implies|to)(?![a-z])"), "→"),
    (re.compile(r"\\+%"), "%"),
    (re.compile(r"\\+[\"']"), '"'),
    (re.compile(r"(?:\\+n){1,2}(?![a-z])"), "\n"),
)
_TEX_REST = re.compile(
    r"\\+(?:text|mathrm|mathbf|textbf|mathit|textit|operatorname|boldsymbol|mathsf|rm|bf|quad|qquad|displaystyle)"
    r"(?![a-z])|\\+(?:left|right|big|Big)(?=[\s()\[\]|.{}\\])|\\+[,;:!() \[\]]|[{}$]|\\\\"
)


def without_reasoning(output: str) -> str:
    """Replace reasoning and control tokens by spaces, full-width signs and Chinese units by ASCII ones."""
    text = _REASONING.sub(_blank, output)
    text = _CONTROL.sub(_blank, _REASONING_END.sub(_blank, text)).translate(_SAME_WIDTH)
    for name, unit in _CHINESE_UNITS:
        text = text.replace(name, unit)
    return text


def without_tex(text: str) -> str:
    r"""Replace TeX by plain text of the same length: `\frac{1}{2}` by 1/2, `\times` by ×, `\text{m}` by m."""
    if "\\" not in text and "$" not in text:
        return text

    text = _FRACTION.sub(_fraction, text)
    for sign, plain in _TEX_SIGNS:
        text = sign.sub(lambda found, plain=plain: plain.ljust(len(found[0])), text)
    text = _SUPERSCRIPT.sub(lambda found: f"^{found[1]}".ljust(len(found[0])), text)
    return _TEX_REST.sub(_blank, text)


def _fraction(found: re.Match[str]) -> str:
    top, bottom = (part for part in found.groups() if part is not None)
    return f" {top}/{bottom}".ljust(len(found[0]))


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])
