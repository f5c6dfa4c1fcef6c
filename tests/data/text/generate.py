#!/usr/bin/env python3
"""Writes the tables of reference values beside this file.

    python3 -m venv venv && venv/bin/pip install --no-deps trl==1.16.0
    venv/bin/python tests/data/text/generate.py

overlong, cosine and repetition call TRL 1.16.0's own functions (Apache-2.0;
only `trl.rewards` is imported, by a stub of the package around it). The others
state in our words what open-r1 (commit 0056faa), the SQuAD v1.1 evaluation
script, Search-R1's `qa_em.py` and TinyZero's `countdown.py` (commit f36b1b8) compute; for repetition and cosine the same is
stated for open-r1 and compared with TRL here. The texts are ours. The output
depends on nothing but this file and those versions.
"""

import collections
import importlib
import importlib.metadata
import itertools
import json
import math
import pathlib
import random
import re
import string
import sys
import types

HERE = pathlib.Path(__file__).resolve().parent
RNG = random.Random(20)


def trl_rewards(correct):
    """TRL's two reward modules, with `accuracy_reward` giving `correct[0]`."""
    assert importlib.metadata.version("trl") == "1.16.0"
    files = importlib.metadata.files("trl")
    root = pathlib.Path(next(f for f in files if f.name == "accuracy_rewards.py").locate()).parent
    for name, path in [("trl", root.parent), ("trl.rewards", root)]:
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [str(path)]
    stub = types.ModuleType("trl.import_utils")
    stub.is_math_verify_available = lambda: False
    sys.modules["trl.import_utils"] = stub
    other = importlib.import_module("trl.rewards.other_rewards")
    accuracy = importlib.import_module("trl.rewards.accuracy_rewards")
    accuracy.accuracy_reward = lambda completions, solution: [correct[0]] * len(completions)
    return other, accuracy


CORRECT = [1.0]
OTHER, ACCURACY = trl_rewards(CORRECT)


def write(name, rows):
    lines = [json.dumps(row, ensure_ascii=True) for row in rows]
    (HERE / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    print(f"{name}: {len(rows)} rows")


class Length:
    """Stands for a list of that many token ids."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length


def overlong():
    settings = [(100, 20), (100, 0), (100, 100), (16384, 4096), (20480, 4096), (1, 1), (3, 2)]
    for most, cache in settings:
        penalty = OTHER.get_soft_overlong_punishment(most, cache)
        around = [0, 1, most - cache, most, most + 1, 10 * most, 2**40]
        lengths = sorted({max(0, n + d) for n in around for d in (-1, 0, 1)} | {most - cache // 2})
        lengths += [RNG.randrange(0, 2 * most + 1) for _ in range(8)]
        for n in lengths:
            # TRL divides by the cache alone on its slope, which is empty without one.
            yield {
                "max_tokens": most,
                "cache_tokens": cache,
                "n_tokens": n,
                "value": penalty([Length(n)])[0],
            }


def cosine():
    defaults = {
        "min_value_wrong": -1.0,
        "max_value_wrong": -0.5,
        "min_value_correct": 0.5,
        "max_value_correct": 1.0,
    }
    paper = {
        "min_value_wrong": -10.0,
        "max_value_wrong": 0.0,
        "min_value_correct": 1.0,
        "max_value_correct": 2.0,
    }
    for values in (defaults, paper):
        for max_len in (1, 100, 1000, 16384):
            reward = ACCURACY.get_cosine_scaled_reward(max_len, **values)
            lengths = {0, 1, max_len // 4, max_len // 2, max_len - 1, max_len, max_len + 1, 9 * max_len}
            lengths |= {RNG.randrange(0, 2 * max_len + 1) for _ in range(6)}
            for n in sorted(lengths):
                for correct in (True, False):
                    CORRECT[0] = float(correct)
                    value = reward([[{"content": ""}]], [""], [Length(n)])[0]
                    if n <= max_len:  # beyond it open-r1's cosine rises again
                        low, high = (
                            (values["min_value_correct"], values["max_value_correct"])
                            if correct
                            else (values["max_value_wrong"], values["min_value_wrong"])
                        )
                        curve = (1.0 + math.cos(n / max_len * math.pi)) / 2
                        assert abs(low + (high - low) * curve - value) < 1e-12
                    options = {"max_len": max_len, **values}
                    yield {"options": options, "correct": correct, "length": n, "value": value}


WORDS = "so the sum is 4 and, thus 7 it — x = 2 Wait, wait. straße ИТОГ 答案 ΟΔΟΣ".split()
SPACES = [" ", " ", " ", " ", "\n", "\t", "  ", "\u00a0", "\u3000", "\x1c", "\x85"]


def some_text(most):
    text = "".join(RNG.choice(WORDS) + RNG.choice(SPACES) for _ in range(RNG.randrange(0, most)))
    return RNG.choice(["", " "]) + text


def repetition():
    texts = ["", " ", "one", "one one", "a b c d", "no no no No NO", "a b a b a b a b", "x " * 500]
    texts += ["The end. the end. THE END.", "I İ i ı", "a\u00adb a\u00adb", "\ufeffa a", "é e\u0301 é"]
    texts += [some_text(most) for most in (4, 8, 30, 30, 60, 60, 200) for _ in range(4)]
    texts += [" ".join(RNG.choice("ab") for _ in range(n)) for n in (3, 9, 40, 300)]
    for text in texts:
        words = text.lower().split()
        numbers = {word: index for index, word in enumerate(dict.fromkeys(words))}
        ids = [numbers[word] for word in words]
        for size in (1, 2, 3, 4, 5, 7, 8, 20, 40):
            for most in (-1.0, -0.5):
                value = OTHER.get_repetition_penalty_reward(size, most)([ids])[0]
                grams = [tuple(words[i : i + size]) for i in range(len(words) - size + 1)]
                ours = (1 - len(set(grams)) / len(grams)) * most if grams else 0.0
                assert ours == value, (text, size)
                if most == -1.0 or size == 3:
                    yield {"text": text, "ngram_size": size, "max_penalty": most, "value": value}


def group_length():
    groups = [[(5, True)], [(5, True), (5, False)], [(0, True), (10, True), (5, False), (1, False)]]
    groups += [
        [(RNG.randrange(0, 3000), RNG.random() < 0.5) for _ in range(RNG.randrange(2, 9))]
        for _ in range(30)
    ]
    for group in groups:
        lengths = [length for length, _ in group]
        low, high = min(lengths), max(lengths)
        values = []
        for length, correct in group:
            if low == high:
                values.append(0.0)
                continue
            scaled = 0.5 - (length - low) / (high - low)
            values.append(scaled if correct else min(0.0, scaled))
        members = [{"length": length, "correct": correct} for length, correct in group]
        yield {"members": members, "values": values}


def tags():
    kept = ["<think>\n", "\n</think>\n", "\n<answer>\n", "\n</answer>"]
    pieces = kept + ["add", "\n", " ", "<think>", "</answer>\n", "4", "</think>", "<answer>"]
    texts = ["", "".join(kept), "<think>\na\n</think>\n<answer>\n4\n</answer>", "".join(kept * 2)]
    texts += ["".join(reversed(kept)), "<think>a</think><answer>4</answer>"]
    texts += ["".join(RNG.choices(pieces, k=RNG.randrange(1, 12))) for _ in range(60)]
    for text in texts:
        yield {"text": text, "value": sum(0.25 for tag in kept if text.count(tag) == 1)}


def steps():
    pattern = r"(Step \d+:|^\d+\.|\n-|\n\*|First,|Second,|Next,|Finally,)"
    pieces = ["Step 1:", "Step ٣:", "step 2:", "1.", "\n2.", "\n-", "\n*", "\n**", "First,", "first,"]
    pieces += ["Second,", "Next,", "Finally,", " add ", "\n", "12.", "Step 10 :", "-", "*"]
    texts = ["", "1. a", "12. a\n3. b", "\n-\n-\n-", "First, Second, Next, Finally,"]
    texts += ["".join(RNG.choices(pieces, k=RNG.randrange(1, 9))) for _ in range(80)]
    for text in texts:
        yield {"text": text, "value": min(1.0, len(re.findall(pattern, text)) / 3)}


def normal(text):
    """The SQuAD v1.1 normalisation, in its order."""
    text = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def search_r1():
    golds = ["Paris", "the Eiffel Tower", "10", "U.S.", "New York City", "Łódź", "50%", "A-B C", "東京"]
    pieces = golds + ["a", "An", "THE", "is", "in", "2010", "Parisian", "new", "york", "city", ",", ".", "_x", "été"]
    pairs = [(["Paris"], text) for text in ("paris.", "the Paris", "Parisian", "Paris, London", "not paris")]
    pairs += [(["10"], text) for text in ("10", "2010", "10 or 20", "1,0", "1 0")]
    for _ in range(160):
        some = RNG.sample(golds, k=RNG.randrange(1, 4))
        answer = RNG.choice([" ", "", "\n"]).join(RNG.choices(pieces, k=RNG.randrange(1, 6)))
        pairs.append((some, answer))
    for some, answer in pairs:
        said = normal(answer)
        if not said:
            continue  # an empty answer is no answer, and never a match
        best = 0.0
        for gold in map(normal, some):
            left, right = collections.Counter(said.split()), collections.Counter(gold.split())
            same = sum((left & right).values())
            if same:
                precision, recall = same / left.total(), same / right.total()
                best = max(best, 2 * precision * recall / (precision + recall))
        yield {
            "golds": some,
            "answer": answer,
            "em": any(normal(gold) == said for gold in some),
            "sub_em": any(normal(gold) in said for gold in some),
            "sub_em_of_words": any(f" {normal(gold)} " in f" {said} " for gold in some),
            "f1": best,
        }


def expression(numbers):
    """A random expression of all the numbers, in their order."""
    if len(numbers) == 1:
        return str(numbers[0])
    split = RNG.randrange(1, len(numbers))
    left, right = expression(numbers[:split]), expression(numbers[split:])
    pattern = RNG.choice(["{} {} {}", "{}{}{}", "({} {} {})", "({}) {} ({})", "( {}{} {} )"])
    return pattern.format(left, RNG.choice("++--**/"), right)


def countdown():
    while True:
        numbers = [RNG.randrange(1, 100) for _ in range(RNG.choice([3, 4]))]
        used = list(numbers)
        fault = RNG.randrange(6)
        if fault == 0:
            used[0] += 1
        elif fault == 1:
            used.pop()
        elif fault == 2:
            used.append(numbers[0])
        RNG.shuffle(used)
        answer = expression(used)
        try:
            value = eval(answer, {"__builtins__": None}, {})  # our own digits and operators
        except ZeroDivisionError:
            value = None
        target = RNG.randrange(1, 100)
        if value is not None and value == round(value) and RNG.random() < 0.8:
            target = round(value) + RNG.choice([0, 0, 0, 1])
        # What countdown.py of TinyZero pays for this text between its tags.
        same = sorted(int(n) for n in re.findall(r"\d+", answer)) == sorted(numbers)
        met = value is not None and abs(value - target) < 1e-5
        yield {
            "reference": {"numbers": numbers, "target": target},
            "answer": answer,
            "value": 1.0 if same and met else 0.1,
        }


for table in (overlong, cosine, repetition, group_length, tags, steps, search_r1):
    write(table.__name__, list(table()))
write("countdown", list(itertools.islice(countdown(), 300)))
