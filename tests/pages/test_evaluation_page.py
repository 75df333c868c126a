"""The evaluation page in a real browser."""

import pytest
from selenium.webdriver.common.by import By

from jobs.views.evaluate import evaluate, place_of
from tests.evaluation.small_benchmark import write_benchmark
from tests.pages.looking import complaints, look_at, requests, screenshot


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluation")
    items, files = write_benchmark(folder)
    return evaluate(place_of(f"spatiallake:{items}"), [place_of(f"jsonl:{file}") for file in files], folder / "out")


@pytest.mark.parametrize("width", [1400, 420])
@pytest.mark.parametrize("dark", [False, True])
def test_fits_asks_for_nothing_and_complains_of_nothing(browser, evaluation, width, dark):
    page = evaluation.out / "evaluation.html"
    look_at(browser, page, width=width, dark=dark)
    assert screenshot(browser).astype(float).std() > 8
    assert complaints(browser) == []
    assert requests(browser) == [page.as_uri()]
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")


def test_shows_models_above_baselines_with_intervals(browser, evaluation):
    look_at(browser, evaluation.out / "evaluation.html")
    rows = browser.find_elements(By.CSS_SELECTOR, "#leaderboard tbody tr")
    names = [row.find_element(By.TAG_NAME, "th").text for row in rows]
    assert names[:3] == ["looks-7b", "guesses <1b>", "majority per type"]
    first = evaluation.scores[0].score("qualitative")
    cells = rows[0].find_elements(By.TAG_NAME, "td")
    assert cells[0].text.split("\n") == [
        f"{first.value * 100:.1f} %",
        f"{first.low * 100:.1f} to {first.high * 100:.1f}",
    ]
    heads = [head.text for head in browser.find_elements(By.CSS_SELECTOR, "#leaderboard thead th")]
    assert heads[-1] == "unparsed ↓"
    assert "75.2 %" in browser.find_element(By.ID, "published").text
    assert "10+ m" in browser.find_element(By.ID, "distances").text
    assert len(browser.find_elements(By.CSS_SELECTOR, "#plots svg")) == 4


def test_answers_have_images_and_marks(browser, evaluation):
    look_at(browser, evaluation.out / "evaluation.html")
    samples = browser.find_elements(By.CSS_SELECTOR, ".samples > li")
    assert len(samples) == 24
    shown = browser.execute_script("return [...document.querySelectorAll('.samples img')].map(i => i.naturalWidth)")
    browser.execute_script("document.querySelectorAll('.samples img').forEach(i => i.loading = 'eager')")
    assert len(shown) == 24
    text = browser.find_element(By.ID, "answers").text
    for part in ("Truth", "<think>A door is 2 m tall.</think>About", "guesses <1b>", "✓", "✗", "could not be parsed"):
        assert part in text


@pytest.fixture(scope="module")
def blinded(tmp_path_factory):
    """A model and its image-ablated run, in which two questions got no answer."""
    folder = tmp_path_factory.mktemp("blinded")
    items, (seeing, guessing) = write_benchmark(folder)
    lines = guessing.read_text(encoding="utf-8").splitlines(keepends=True)
    guessing.write_text("".join(lines[2:]), encoding="utf-8")
    named = [f"looks-7b (image blanked)=jsonl:{guessing}", f"jsonl:{seeing}", f"worse=jsonl:{guessing}"]
    return evaluate(place_of(f"spatiallake:{items}"), [place_of(one) for one in named], folder / "out")


def test_a_model_without_its_pictures_stands_below_itself(browser, blinded):
    look_at(browser, blinded.out / "evaluation.html")
    rows = browser.find_elements(By.CSS_SELECTOR, "#leaderboard tbody tr")
    heads = [row.find_element(By.TAG_NAME, "th").text for row in rows[:3]]
    assert heads == ["looks-7b", "looks-7b (image blanked)\n2 unanswered", "worse\n2 unanswered"]
    assert [row.get_attribute("class") for row in rows[:4]] == ["", "blind", "", "baseline"]
    indents = [row.find_element(By.TAG_NAME, "th").value_of_css_property("padding-left") for row in rows[:2]]
    assert float(indents[1].removesuffix("px")) > float(indents[0].removesuffix("px"))
    totals = [card.text.split("\n") for card in browser.find_elements(By.CSS_SELECTOR, ".totals li")]
    assert totals[2:4] == [["2", "models"], ["4", "baselines"]]
    assert "looks-7b (image blanked)" in browser.find_element(By.CSS_SELECTOR, ".samples > li").text
    assert complaints(browser) == []


def test_margins_stand_on_the_page_as_they_were_counted(browser, blinded):
    look_at(browser, blinded.out / "evaluation.html")
    rows = [row.text for row in browser.find_elements(By.CSS_SELECTOR, "#margins tbody tr")]
    assert len(rows) == len(blinded.margins) == 6
    for text, one in zip(rows, blinded.margins, strict=True):
        assert text.startswith(f"{one.model} {one.over} {one.score} {one.count} {one.value * 100:+.1f} points")
        assert text.endswith("yes" if one.sure else "no")
    assert {one.sure for one in blinded.margins} == {True, False}
    board = (blinded.out / "leaderboard.md").read_text(encoding="utf-8")
    assert "| looks-7b | looks-7b (image blanked) | `qualitative` | 60 |" in board
