"""Writes patterns.jsonl: patterns, texts, and how often CPython's re finds them.

    python3.11 patterns.py > patterns.jsonl
    python3.11 patterns.py 30000 5 > more.jsonl

A count is null where the pattern is none ("error") or matches the empty text
("empty").
"""

import json
import random
import re
import signal
import sys
import warnings

ATOMS = [
    "a", "b", "c", "A", "i", "k", "s", "1", " ", "-", "\u0131", "\u0130", "\u017f", "\u212a", "\u00e9", "e\u0301", "\u03c3", "\u03a3", "\u03c2", "\u00b2",
    ".", "\\.", "\\w", "\\W", "\\d", "\\s", "\\S", "\\b", "\\B", "^", "$", "[abc]", "[^a]", "[a-c]", "[A-Z]", "[^A-Z]", "[\\w-]", "[\\s1]", "[]a]",
    "[\u00e0-\u00ff]", "\\x61", "\\n", "\\A", "\\Z", "{", "}", "]", ",", "[i-j]", "[\\Wa]", "\\D", "[k-s]", "\\u0131", "\\-", "_",
]
SUFFIXES = ["", "", "", "", "", "*", "+", "?", "{2}", "{1,2}", "{,2}", "{2,}", "*?", "+?", "??", "{1,2}?", "++", "{x", "{}", "{,}"]
TEXTS = list("abcABCikKsS1 -\n\n.") + ["\u0131", "\u0130", "\u017f", "\u212a", "\u00e9", "e\u0301", "\u03c3", "\u03a3", "\u03c2", "\u00b2", "_", "{", "}", "\x1c", "\u00c9", "\u00a0", "ab", "\u0661"]


def pattern(rng, depth=0):
    parts = []
    for _ in range(rng.randrange(1, 5)):
        atom = rng.choice(ATOMS)
        if depth < 3 and rng.random() < 0.15:
            atom = rng.choice(["(", "(?:"]) + pattern(rng, depth + 1) + ")"
        parts.append(atom + rng.choice(SUFFIXES))
        if rng.random() < 0.1:
            parts.append("|")
    return "".join(parts)


def cases(number, seed):
    rng = random.Random(seed)
    for _ in range(number):
        source = pattern(rng)
        flags = rng.choice([re.IGNORECASE, re.MULTILINE])
        text = "".join(rng.choice(TEXTS) for _ in range(rng.randrange(25)))
        case = {"pattern": source, "ignore_case": flags == re.IGNORECASE, "text": text}
        # Some patterns would keep a backtracking engine busy for ever.
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        try:
            compiled = re.compile(source, flags)
            # An edge of a word or a line is empty as well.
            empty = any(compiled.fullmatch(probe, at, at) for probe in ["", "a b", "\n\n", "a\n", "ab"] for at in range(len(probe) + 1))
            case |= {"count": None, "why": "empty"} if empty else {"count": len(compiled.findall(text))}
        except re.error:
            case |= {"count": None, "why": "error"}
        except TimeoutError:
            continue
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        yield case


def stop(*_):
    raise TimeoutError


signal.signal(signal.SIGALRM, stop)
warnings.simplefilter("ignore")
for case in cases(*(int(argument) for argument in sys.argv[1:] or (800, 0))):
    print(json.dumps(case))
