"""The leaderboard: models, then baselines; a score with its confidence interval per cell; published figures."""

from collections.abc import Sequence

from jobs.views.pages.markdown import plain, row
from vlm.evaluation.published import Published, beside
from vlm.evaluation.scores.interval import Score
from vlm.evaluation.scores.margins import Margin
from vlm.evaluation.scores.table import ModelScores

# Scores that are errors or failure rates: smaller is better.
_ERRORS = ("abs_rel", "median_abs_rel", "degrees_error", "median_degrees_error", "clock_error_deg", "rmse_m")
_SMALLER = ("unparsed", *_ERRORS)
_NO_SHARES = (*_ERRORS, "bias_ln")
_HEADLINE = (
    *("cv_bench", "qualitative", "left_right_accuracy", "number_rate", "in_range[0.5,2]", "in_range[2/3,1.5]"),
    *("in_range[0.9,1.1]", "MRA", "CircularEval", "FlipEval", "within_1_hour", "median_degrees_error"),
    *("point_inside", "iou", "vqa_official", "vqa_evalai", "exact_match", "unparsed"),
)
_MAX_COLUMNS = 9


def ranked(scores: Sequence[ModelScores]) -> list[ModelScores]:
    """Sort models by the leading score, each followed by its image-ablated run, then the baselines."""
    names = headline_names(scores)

    def value(run: ModelScores) -> float:
        score = next((score for name in names if (score := run.score(name))), None)
        return score.value if score else 0.0

    runs = [run for run in scores if run.fitted_on is None]
    sighted = sorted((run for run in runs if run.seer is None), key=value, reverse=True)
    models = [shown for run in sighted for shown in (run, *(blind for blind in runs if blind.seer == run.model))]
    return [*models, *(run for run in scores if run.fitted_on is not None)]


def score_names(scores: Sequence[ModelScores]) -> list[str]:
    """Return the names of all scores that occur, those of the leaderboard first."""
    present = list(dict.fromkeys(score.name for run in scores for score in run.overall))
    return [name for name in _HEADLINE if name in present] + [name for name in present if name not in _HEADLINE]


def headline_names(scores: Sequence[ModelScores]) -> list[str]:
    """Return the score names of the leaderboard's columns, the unparsed rate last."""
    names = [name for name in score_names(scores) if name in _HEADLINE and name != "unparsed"]
    return [*names[: _MAX_COLUMNS - 1], "unparsed"]


def is_share(name: str) -> bool:
    """Return whether a score is shown in percent."""
    return not name.startswith(_NO_SHARES)


def smaller_is_better(name: str) -> bool:
    """Return whether a score is an error."""
    return name.startswith(_SMALLER)


def value_text(score: Score | None) -> str:
    """Format a score for a table: "37.2 %", "0.31" or a dash."""
    if score is None:
        return "–"
    return f"{score.value * 100:.1f} %" if is_share(score.name) else f"{score.value:.3g}"


def interval_text(score: Score | None) -> str:
    """Format a confidence interval for a table; empty if there is none."""
    if score is None or score.low is None or score.high is None:
        return ""
    if is_share(score.name):
        return f"{score.low * 100:.1f} to {score.high * 100:.1f}"
    return f"{score.low:.3g} to {score.high:.3g}"


def published_beside(scores: Sequence[ModelScores], sources: set[str]) -> list[Published]:
    """Return the published figures whose score any of these models has."""
    return beside({score.name for run in scores for score in run.overall}, sources)


def margin_text(margin: Margin) -> str:
    """Format a paired difference for a table: "+12.3 points [8.1 to 16.5]"."""
    return f"{margin.value * 100:+.1f} points [{margin.low * 100:+.1f} to {margin.high * 100:+.1f}]"


def leaderboard_markdown(scores: Sequence[ModelScores], sources: set[str], margins: Sequence[Margin] = ()) -> str:
    """Format the leaderboard as Markdown tables: all scores of all models, margins, and published figures."""
    order = ranked(scores)
    lines = [row(["score", *(_name(run) for run in order)]), row(["---", *("---:" for _ in order)])]
    for name in score_names(scores):
        cells = [run.score(name) for run in order]
        lines.append(row([f"`{name}`", *(_cell(cell) for cell in cells)]))
    lines.append("\n95 % intervals in brackets. Baselines do not see the images.")
    if margins:
        lines += ["", row(["margin of", "over", "score", "questions", "difference", "above 2 standard errors"])]
        lines.append(row(["---", "---", "---", "---:", "---:", "---"]))
        for margin in margins:
            names = [plain(name) for name in (margin.model, margin.over)]
            sure = "yes" if margin.sure else "no"
            lines.append(row([*names, f"`{margin.score}`", str(margin.count), margin_text(margin), sure]))
    figures = published_beside(scores, sources)
    if figures:
        lines += ["", row(["published", "score", "theirs", *(_name(run) for run in order)])]
        lines.append(row(["---", "---", *("---:" for _ in range(len(order) + 1))]))
        for figure in figures:
            ours = [value_text(run.score(figure.score)) for run in order]
            lines.append(row([figure.setting, f"`{figure.score}`", f"{figure.value * 100:.1f} %", *ours]))
    return "\n".join(lines) + "\n"


def _name(run: ModelScores) -> str:
    return f"*{plain(run.model)}*" if run.fitted_on else plain(run.model)


def _cell(score: Score | None) -> str:
    interval = interval_text(score)
    return f"{value_text(score)} [{interval}]" if interval else value_text(score)
