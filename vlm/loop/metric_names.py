"""The names that metrics have in MLflow."""

import re

_LENGTH = 200
# All that MLflow takes, except the slash, which separates groups in its pages.
_REFUSED = r"[^\w.: -]+"


def metric_name(name: str) -> str:
    """Return the name of a metric in MLflow, which refuses most signs.

    In what follows `GROUP/`, signs other than letters, digits and `_ . : -` become one `_`, and are left out at the
    end: `score/in_range[2/3,1.5]` is `score/in_range_2_3_1.5`.
    """
    group, slash, own = name.partition("/")
    if not slash:
        group, own = "", name
    own = re.sub(rf"_*{_REFUSED}_*", "_", re.sub(rf"{_REFUSED}$", "", own))[:_LENGTH].strip()
    # MLflow may keep a metric in a file of its name.
    return f"{group}{slash}{own if own.strip('.') else '_' * max(len(own), 1)}"
