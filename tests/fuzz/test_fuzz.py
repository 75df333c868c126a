"""Two thousand mutated rows through ingest: each in a table or in quarantine, with a reason that is true of it.

A longer run: `python -m tests.fuzz.test_fuzz ROWS SEED`.
"""

import resource
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.fuzz import fields, files
from tests.fuzz.cases import MUTATIONS, Case, case, sound
from tests.fuzz.judge import Row, faults
from tests.ingest.conftest import ingest

ROWS, SEED = 2_000, 20
_ROWS_AT_ONCE = 250
_MAX_GROWTH_KB = 60_000


def judged(folder: Path, rows: int, seed: int) -> Iterator[tuple[Case, Row, list[str]]]:
    """Write crawls of mutated rows and yield every case with ingest's output row and its faults."""
    rng = np.random.default_rng(seed)
    assert fields and files and len(MUTATIONS) > 30
    for start in range(0, rows, _ROWS_AT_ONCE):
        crawl = folder / str(start)
        # The first row is sound, since a manifest may be refused as a whole by how it begins.
        cases = [sound(start), *(case(number, rng) for number in range(start + 1, min(rows, start + _ROWS_AT_ONCE)))]
        lines = [one.written(crawl) for one in cases]
        (crawl / "manifest.jsonl").write_text("\n".join(lines) + "\n")
        done = ingest(crawl)
        assert len(done.entries) == len(cases)
        by_entry = {row["entry_id"]: {**row, "rejects": []} for row in done.images}
        for reject in done.quarantine:
            of_entry = by_entry.setdefault(reject["entry_id"], {"rejects": []})
            of_entry["rejects"].append({name: reject[name] for name in ("outcome", "reason", "error")})
        for one, entry in zip(cases, done.entries, strict=True):
            row = by_entry.get(entry["entry_id"], {"rejects": []})
            yield one, row, faults(one, row)


def test_every_mutated_row_is_kept_or_has_a_true_reason(tmp_path: Path) -> None:
    wrong, kept, seen, peaks_kb = [], 0, Counter(), []
    for one, row, found in judged(tmp_path, ROWS, SEED):
        if found:
            wrong.append((one.number, one.done, found, [reject["error"][:200] for reject in row["rejects"]]))
        kept += "image_id" in row
        seen.update(reject["reason"] for reject in row["rejects"])
        peaks_kb.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert wrong == []
    assert 0.5 * ROWS < kept < ROWS and len(seen) >= 20
    assert peaks_kb[-1] - peaks_kb[ROWS // 4] < _MAX_GROWTH_KB


if __name__ == "__main__":
    counted: Counter[str] = Counter()
    with TemporaryDirectory() as scratch:
        for one, row, found in judged(Path(scratch), int(sys.argv[1]), int(sys.argv[2])):
            counted.update({reject["reason"] for reject in row["rejects"]} or {"kept whole"})
            if found:
                print(one.number, one.done, found, [reject["error"][:300] for reject in row["rejects"]])
    print(counted)
