"""The guide's code, and the examples that it shows."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import RIGHT

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples" / "trainers"
SMALL = (
    "--max_steps 3 --logging_steps 1 --max_completion_length 12 --output_dir grpo "
    "--use_cpu true --bf16 false --report_to none --save_strategy no"
)
GUIDE = ROOT / "docs" / "trainers.md"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)


def test_the_guide_shows_the_examples_as_they_are():
    shown = blocks("python") + blocks("yaml")
    for example in sorted(EXAMPLES.iterdir()):
        if example.is_file():
            assert example.read_text() in shown, example.name


def test_the_guides_other_code_runs():
    examples = {example.read_text() for example in EXAMPLES.glob("*.py")}
    short = [block for block in blocks("python") if block not in examples]
    assert len(short) == 2
    for block in short:
        exec(compile(block, str(GUIDE), "exec"), {})


def test_grpo_in_twenty_lines(model, tokenizer, tmp_path):
    pytest.importorskip("trl", reason="TRL is not installed")
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    rows = [{"prompt": f"{a} * 7?", "answer": str(a * 7)} for a in range(8)]
    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    script = EXAMPLES / "trl_grpo.py"
    assert len(script.read_text().splitlines()) <= 20
    ran = subprocess.run(
        [sys.executable, script, tmp_path / "model", data, *SMALL.split()],
        capture_output=True,
        text=True,
        errors="replace",
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    for logged in ("rewards/gsm8k/mean", "gsm8k/accuracy", "gsm8k/abstain", "gsm8k/error"):
        assert ran.stdout.count(f"'{logged}'") == 3, ran.stdout[-2000:]


def test_the_configuration_for_verl(tokenizer):
    pytest.importorskip("ray", reason="verl needs Ray to be imported")
    reward = pytest.importorskip("verl.trainer.ppo.reward", reason="verl is not installed")
    from omegaconf import OmegaConf

    from .test_verl import config, rollout

    shown = OmegaConf.load(EXAMPLES / "verl.yaml")
    made = reward.load_reward_manager(OmegaConf.merge(config("naive", "none"), shown), tokenizer)
    found = made.loop.run_until_complete(made.run_single(rollout(tokenizer, RIGHT, "42")))
    assert found["reward_score"] == 2.0


def test_the_file_for_openrlhf(tokenizer):
    pytest.importorskip("openrlhf", reason="OpenRLHF is not installed")
    from .test_openrlhf import execute

    found = execute(str(EXAMPLES / "openrlhf_reward.py"), tokenizer, RIGHT, "42")
    assert found["reward"].tolist() == [2.0]
