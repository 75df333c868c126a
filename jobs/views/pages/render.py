"""Renders a template to a self-contained page with inline styles, scripts and data; all other values are escaped."""

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from jobs.views.pages.wording import counted

_TEMPLATES = Path(__file__).parent / "templates"

# Escapes that keep JSON equivalent but prevent it from closing or opening HTML elements.
_IN_SCRIPT = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def page(template: str, **values: Any) -> str:
    """Render a page; a missing template value is an error, not a blank."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["script_json"] = script_json
    environment.globals |= {"asset": _asset, "counted": counted}
    return environment.get_template(template).render(**values)


def script_json(value: Any) -> Markup:
    r"""Return JSON that is safe inside a script element.

    >>> print(script_json("</script>"))
    "\u003c/script\u003e"
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_IN_SCRIPT))


def _asset(name: str) -> Markup:
    return Markup((_TEMPLATES / name).read_text(encoding="utf-8"))
