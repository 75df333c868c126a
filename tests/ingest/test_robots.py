import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.crawl.limits import IngestSettings
from udfs.crawl.robots import opt_outs

REFUSED = IngestSettings().refused_robots
DIRECTIVES = ("noai", "noimageai", "noindex", "noimageindex")
HARMLESS = ("all", "index", "follow", "nofollow", "noarchive", "noaichat", "max-snippet: 50", "unavailable_after: 2030")


@pytest.mark.parametrize(
    ("robots", "found"),
    [
        (None, []),
        ("", []),
        ("all", []),
        ("index, follow", []),
        ("noai", ["noai"]),
        ("NoAI, NoImageAI", ["noai", "noimageai"]),
        ("googlebot: noindex, nofollow", ["noindex"]),
        ("googlebot: nofollow\notherbot: noindex", ["noindex"]),
        ("noimageindex;nofollow", ["noimageindex"]),
        ("X-Robots-Tag: noai noimageai", ["noai", "noimageai"]),
        ("none", ["noindex"]),
        ("max-image-preview: none", []),
        ("max-image-preview:none, noai", ["noai"]),
        ("noaibot: index", []),
        ("tdm-reservation: 1", ["tdm-reservation"]),
        ("tdm-reservation=1; tdm-policy=https://example.org/policy.json", ["tdm-reservation"]),
        ("TDM-Reservation: 0", []),
        ("tdm-reservation: 10", []),
    ],
)
def test_known_headers(robots: str | None, found: list[str]) -> None:
    assert opt_outs(robots, REFUSED) == found


@st.composite
def _headers(draw: st.DrawFn) -> tuple[str, set[str]]:
    """A header and the opt-outs that it was written with."""
    words = draw(st.lists(st.sampled_from(DIRECTIVES + HARMLESS), max_size=6))
    cased = ["".join(draw(st.sampled_from((c.lower(), c.upper()))) for c in word) for word in words]
    agent = draw(st.sampled_from(("", "googlebot: ", "spatialbot:", "X-Robots-Tag: ")))
    separator = draw(st.sampled_from((",", ", ", " ", " , ", "\n", ",\t", "; ")))
    return agent + separator.join(cased), {word for word in words if word in DIRECTIVES}


@given(_headers())
def test_directives_are_found_in_any_case_order_and_separation(header: tuple[str, set[str]]) -> None:
    robots, written = header
    assert set(opt_outs(robots, REFUSED)) == written


@given(_headers())
def test_only_refused_directives_count(header: tuple[str, set[str]]) -> None:
    robots, written = header
    assert set(opt_outs(robots, ("noai",))) == written & {"noai"}


@given(st.text(max_size=200))
def test_any_text_is_read(robots: str) -> None:
    assert set(opt_outs(robots, REFUSED)) <= set(REFUSED)
