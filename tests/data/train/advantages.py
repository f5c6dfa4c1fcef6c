"""Advantages by the formulas of the papers, in plain Python.

    python3 tests/data/train/advantages.py > tests/data/train/advantages.json
"""

import json
from statistics import fmean, stdev

EPSILON = 1e-4
# Reward (null: could not be judged), group, tokens.
SAMPLES = [
    (1.0, 0, 10), (0.0, 0, 20), (0.0, 0, 5), (1.5, 0, 7),
    (0.1, 1, 3), (0.1, 1, 3), (0.1, 1, 900),
    (None, 2, 4), (-1.0, 2, 8), (2.0, 2, 16), (None, 3, 1),
    (0.7, 4, 2),
]


def group(g):
    return [r for r, other, _ in SAMPLES if other == g and r is not None]


def deviation(numbers):
    return stdev(numbers) if len(numbers) > 1 and len(set(numbers)) > 1 else 0.0


def by(formula):
    def one(r, g):
        if r is None:
            return 0.0
        rewards = group(g)
        # A group of equal rewards teaches nothing, whatever rounding says.
        mean = rewards[0] if len(set(rewards)) == 1 else fmean(rewards)
        return formula(r, mean, deviation(rewards), len(rewards))

    return [one(r, g) for r, g, _ in SAMPLES]


batch = deviation([r for r, _, _ in SAMPLES if r is not None])
centred = by(lambda r, m, s, n: r - m)
tokens = [a for a, (r, _, t) in zip(centred, SAMPLES) if r is not None for _ in range(t)]
whitened = [
    0.0 if r is None else (a - fmean(tokens)) / (stdev(tokens) + EPSILON)
    for a, (r, _, _) in zip(centred, SAMPLES)
]

# Two terms for GDPO: the reward, and the share of an even number of tokens.
terms = [[r for r, _, _ in SAMPLES], [None if t == 900 else float(t % 2 == 0) for _, _, t in SAMPLES]]
weights = [1.0, 0.5]


def normal(term, index):
    r, g = term[index], SAMPLES[index][1]
    if r is None:
        return None
    rewards = [x for x, (_, other, _) in zip(term, SAMPLES) if other == g and x is not None]
    mean = rewards[0] if len(set(rewards)) == 1 else fmean(rewards)
    return (r - mean) / (deviation(rewards) + EPSILON)


sums = []
for index in range(len(SAMPLES)):
    parts = [(w, normal(term, index)) for w, term in zip(weights, terms)]
    known = [w * z for w, z in parts if z is not None]
    sums.append(sum(known) if known else None)
scored = [s for s in sums if s is not None]
gdpo = [0.0 if s is None else (s - fmean(scored)) / (stdev(scored) + EPSILON) for s in sums]

json.dump(
    {
        "samples": [{"reward": r, "group": g, "tokens": t} for r, g, t in SAMPLES],
        "epsilon": EPSILON,
        "advantages": {
            "grpo": by(lambda r, m, s, n: (r - m) / (s + EPSILON)),
            "dr_grpo": centred,
            "batch": by(lambda r, m, s, n: (r - m) / (batch + EPSILON)),
            "rloo": by(lambda r, m, s, n: (r - m) * n / (n - 1) if n > 1 else 0.0),
            "reinforce_plus_plus": whitened,
            "max_rl": by(lambda r, m, s, n: (r - m) / m if m > 0 else 0.0),
        },
        "terms": terms,
        "weights": weights,
        "gdpo": gdpo,
    },
    open("/dev/stdout", "w"),
    indent=1,
)
