"""Questions about relations that names predict to different degrees, and the accuracy of simple priors."""

from collections import Counter, defaultdict

import numpy as np

from vlm.evaluation.relations import Asked

HEIGHT_M = {"cup": 0.1, "lamp": 0.5, "chair": 0.9, "desk": 0.75, "wardrobe": 2.0, "ball": 0.2, "box": 0.4, "plant": 0.8}
# yes or no one way round, the other way round, which: left, taller
TYPES = (("Q01", "Q02", "Q03", ("left", "right")), ("Q13", "Q14", "Q15", ("taller", "shorter")))


def asked(count, seed):
    """Questions about things whose height their name tells well, and whose place it does not tell at all."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        a, b = (str(one) for one in random.choice(list(HEIGHT_M), 2))
        left = bool(random.integers(2))
        taller = HEIGHT_M[a] * random.lognormal(0, 0.3) > HEIGHT_M[b] * random.lognormal(0, 0.3)
        for (first, second, which, sides), holds in zip(TYPES, (left, taller), strict=True):
            form = int(random.integers(3))
            side = sides[int(random.integers(2))] if form == 2 else ""
            answer = holds if form == 0 or side == sides[0] else not holds
            found.append(Asked(f"{seed}-{number}-{first}", (first, second, which)[form], side, (a, b), bool(answer)))
    return found


def right_by_majority(items, training, key):
    """The share that the most frequent training answer of a key is right in, a tie or nothing counted half."""
    votes = defaultdict(Counter)
    for one in training:
        votes[key(one)][one.answer] += 1
    said = [votes[key(one)] for one in items]
    return float(
        np.mean(
            [
                0.5 if v[True] == v[False] else v[one.answer] > v[not one.answer]
                for v, one in zip(said, items, strict=True)
            ]
        )
    )


KEYS = {
    "both": lambda one: (one.type_id, one.side, one.kinds),
    "first": lambda one: (one.type_id, one.side, one.kinds[0]),
    "second": lambda one: (one.type_id, one.side, one.kinds[1]),
    "type": lambda one: (one.type_id, one.side),
}
