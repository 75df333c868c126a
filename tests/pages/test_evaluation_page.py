"""The evaluation page in a real browser."""

import pytest
from selenium.webdriver.common.by import By

from jobs.evaluate import evaluate, place_of
from tests.evaluation.small_benchmark import write_benchmark
from tests.pages.looking import complaints, look_at, picture, requests


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
    assert picture(browser).astype(float).std() > 8
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


def test_answers_have_pictures_and_marks(browser, evaluation):
    look_at(browser, evaluation.out / "evaluation.html")
    samples = browser.find_elements(By.CSS_SELECTOR, ".samples > li")
    assert len(samples) == 24
    shown = browser.execute_script("return [...document.querySelectorAll('.samples img')].map(i => i.naturalWidth)")
    browser.execute_script("document.querySelectorAll('.samples img').forEach(i => i.loading = 'eager')")
    assert len(shown) == 24
    text = browser.find_element(By.ID, "answers").text
    for part in ("Truth", "<think>A door is 2 m tall.</think>About", "guesses <1b>", "✓", "✗", "nothing could be read"):
        assert part in text
