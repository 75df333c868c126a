"""The page of the server: drop an image, look at its scene, ask, and watch how the answer is found."""

from jobs.views.pages.render import page
from schemas.version import ENGINE_VERSION


def serving_page(model: str, knows: str, measures: bool, takes_token: bool) -> str:
    """Return the page; `knows` says what the server's experts know, `measures` whether they give the answers."""
    return page(
        "serving.html", model=model, knows=knows, measures=measures, takes_token=takes_token, version=ENGINE_VERSION
    )
