"""TRL's own `GRPOTrainer` trains a random model with our rewards, and logs them."""

import math

import goldstone
import pytest
from goldstone import trl

pytest.importorskip("trl", reason="TRL is not installed")

# A random model answers nothing; tags and repetition differ from text to text.
SPEC = """
version = 1
name = "tiny"
[rewards.accuracy]
math = {}
[rewards.tags]
weight = 0.5
tags = { tags = ["<think>", "</think>", "<answer>", "</answer>"] }
[rewards.repetition]
weight = 0.25
repetition = { ngram_size = 1, unit = "characters" }
"""


class Witness:
    """A reward function that pays nothing and remembers what it was called with."""

    __name__ = "witness"

    def __init__(self):
        self.calls = []

    def __call__(self, prompts, completions, **columns):
        self.calls.append((prompts, completions, columns["answer"]))
        return [None] * len(prompts)

    def means(self, parts=False):
        """What the trainer should have logged for each call, by our own scorer; `parts`
        as functions of their own, of rows that have a total."""
        scorer = goldstone.Scorer(SPEC)
        for prompts, completions, answers in self.calls:
            rows = zip(prompts, completions, answers, strict=True)
            scores = scorer.score_batch(
                [{"prompt": p, "completion": c, "reference": a} for p, c, a in rows]
            )
            counted = [score for score in scores if score.reward is not None or not parts]
            names = scorer.rewards
            found = {n: mean([score.terms[n].raw for score in counted]) for n in names}
            yield {**found, "total": mean([score.reward for score in scores])}


def mean(numbers):
    numbers = [number for number in numbers if number is not None]
    return sum(numbers) / len(numbers) if numbers else math.nan


def train(model, tokenizer, functions, tmp_path, chat=False, **options):
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    def prompt(text):
        return [{"role": "user", "content": text}] if chat else text

    rows = [{"prompt": prompt(f"{a} * 7?"), "answer": str(a * 7)} for a in range(8)]
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=functions,
        args=GRPOConfig(
            output_dir=str(tmp_path),
            max_steps=3,
            per_device_train_batch_size=8,
            num_generations=4,
            max_completion_length=12,
            logging_steps=1,
            use_cpu=True,
            bf16=False,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            **options,
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    trainer.train()
    steps = [entry for entry in trainer.state.log_history if "reward" in entry]
    assert [entry["step"] for entry in steps] == [1, 2, 3]
    return steps


def close(a, b):
    # The trainer works in single precision.
    return a == pytest.approx(b, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("chat", [False, True])
def test_the_total(model, tokenizer, tmp_path, chat):
    witness = Witness()
    functions = [trl.reward(SPEC), witness]
    steps = train(model, tokenizer, functions, tmp_path, chat, log_completions=True)
    assert len(witness.calls) == 3
    for entry, own in zip(steps, witness.means(), strict=True):
        assert close(entry["rewards/tiny/mean"], own["total"])
        assert close(entry["reward"], own["total"])
        for name in ("tags", "repetition"):
            assert close(entry[f"tiny/{name}"], own[name])
        assert entry["tiny/error"] == 0.0
    assert any(entry["rewards/tiny/std"] > 0 for entry in steps)


def test_one_function_for_each_reward(model, tokenizer, tmp_path):
    witness = Witness()
    functions = [*trl.rewards(SPEC), witness]
    weights = [*trl.weights(SPEC), 0.0]
    steps = train(model, tokenizer, functions, tmp_path, reward_weights=weights)
    for entry, own in zip(steps, witness.means(parts=True), strict=True):
        for name in ("accuracy", "tags", "repetition"):
            assert close(entry[f"rewards/{name}/mean"], own[name])
        assert close(entry["reward"], own["total"])


def test_each_normalised_by_itself(model, tokenizer, tmp_path):
    train(
        model,
        tokenizer,
        trl.rewards(SPEC),
        tmp_path,
        reward_weights=trl.weights(SPEC),
        multi_objective_aggregation="normalize_then_sum",
    )


def test_rows_without_a_reward_do_not_count(model, tokenizer, tmp_path):
    # Half of the data has no answer that could be used.
    function = trl.reward(SPEC, columns={"reference": "gold"})
    calls = []

    def without(prompts, completions, **columns):
        columns["gold"] = [answer if int(answer) % 2 else None for answer in columns["answer"]]
        found = function(prompts, completions, **columns)
        calls.append(found)
        return found

    steps = train(model, tokenizer, [without], tmp_path)
    assert any(None in found for found in calls)
    for entry, found in zip(steps, calls, strict=True):
        assert close(entry["reward"], mean(found))
