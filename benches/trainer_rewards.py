"""The reward functions that trainers bring, as the benchmarks beside this file call them."""

from __future__ import annotations

import importlib.util
import pathlib
import re
import sys
from collections.abc import Callable

# A benchmark beside this file has the name of a peer's package.
HERE = pathlib.Path(__file__).resolve().parent
sys.path = [folder for folder in sys.path if pathlib.Path(folder).resolve() != HERE]


def r1_format(completion: str) -> float:
    """open-r1's `format_reward`, for one completion."""
    pattern = r"^<think>\n.*?\n</think>\n<answer>\n.*?\n</answer>$"
    return 1.0 if re.match(pattern, completion, re.DOTALL | re.MULTILINE) else 0.0


def open_r1_accuracy() -> Callable[[str, str], float | None]:
    """open-r1's `accuracy_reward`, for one completion, as it calls math-verify."""
    from latex2sympy2_extended import NormalizationConfig
    from math_verify import LatexExtractionConfig, parse, verify

    normalization = NormalizationConfig(
        nits=False, malformed_operators=False, basic_latex=True, boxed="all", units=True
    )
    latex = LatexExtractionConfig(
        normalization_config=normalization, boxed_match_priority=0, try_extract_without_anchor=False
    )

    def accuracy(completion: str, solution: str) -> float | None:
        gold = parse(solution, extraction_mode="first_match")
        if not gold:
            return None
        answer = parse(completion, extraction_config=[latex], extraction_mode="first_match")
        return float(verify(gold, answer))

    return accuracy


def verl_module(name: str) -> object:
    """A reward file of verl by itself: the package needs torch."""
    found = importlib.util.find_spec("verl")
    if found is None or found.origin is None:
        raise ImportError("verl")
    file = pathlib.Path(found.origin).parent / f"utils/reward_score/{name}.py"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
