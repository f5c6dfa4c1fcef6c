"""An environment of one turn for SkyRL-gym.

    from skyrl_gym.envs import register
    register(id="goldstone", entry_point="goldstone.skyrl:Environment")

with `env_class: goldstone` in the data, and the spec in the row's `reward_spec` or in the
environment's configuration:

    {"reward_spec": {"method": "rule", "ground_truth": "72", "spec": "r1-zero"}, …}

Source: SkyRL-gym 0.4.0, `envs/base_text_env.py` and `envs/registration.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from goldstone._outcomes import outcomes, raws, reasons
from goldstone._rows import Columns, text_or_messages
from goldstone._shared import refuse_groups, refuse_names, scorer, spec_of_environment

__all__ = ["Environment"]

# What is told of a row beside its rewards.
_TAKEN = ("status", "reasons", "abstain", "error")

if TYPE_CHECKING:
    Environment: type


def __getattr__(name: str) -> Any:
    # Made when it is asked for: it is derived from a class of SkyRL-gym.
    if name == "Environment":
        made = globals()["Environment"] = _environment()
        return made
    raise AttributeError(f"module `{__name__}` has no attribute `{name}`")


def _environment() -> type:
    from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput

    class Environment(BaseTextEnv):  # type: ignore[misc]
        """One answer, one reward.

        `env_config` may have `spec`, `columns`, `abstain`, `on_error`, `on_failure` and
        `unknown`, as `goldstone.verl`; `extras` is the row of the data set. Without a
        `spec` in either, the environment variable `GOLDSTONE_SPEC` names it.
        """

        def __init__(self, env_config: Any = None, extras: Any = None, **options: Any) -> None:
            super().__init__()
            config = {**options, **dict(env_config or {})}
            self._row = dict(extras or {})
            truth = self._row.get("reward_spec") or {}
            spec = truth.get("spec") or config.get("spec") or spec_of_environment()
            self._scorer = scorer(spec, unknown=config.get("unknown", "wrong"))
            refuse_groups(self._scorer, "SkyRL-gym")
            refuse_names(self._scorer, _TAKEN, "SkyRL-gym's adapter")
            self._columns = Columns(config.get("columns"))
            self._outcomes = outcomes(
                spec,
                config.get("abstain", 0.0),
                config.get("on_error", 0.0),
                config.get("on_failure", "raise"),
                "SkyRL-gym",
            )
            self._prompt: Any = self._row.get("prompt")
            self._metrics: dict[str, float] = {}

        def init(self, prompt: Any) -> tuple[Any, dict[str, Any]]:
            """The prompt, as it is."""
            self._prompt = prompt
            return prompt, {}

        def step(self, action: str) -> Any:
            """Scores the answer; the episode is over."""
            score = self._scorer.score(self._rollout(action))
            self._metrics = {
                **raws(score, self._scorer.rewards),
                "abstain": float(score.status == "abstain"),
                "error": float(score.status == "error"),
            }
            return BaseTextEnvStepOutput(
                observations=[],
                reward=self._outcomes.reward(score),
                done=True,
                metadata={**self._metrics, "status": score.status, "reasons": reasons(score)},
            )

        def get_metrics(self) -> dict[str, float]:
            """Every reward before its weight, and whether there was none."""
            return self._metrics

        def _rollout(self, action: str) -> dict[str, Any]:
            truth = self._row.get("reward_spec")
            inner = self._row.get("extra_info")
            row = {
                **(inner if isinstance(inner, Mapping) else {}),
                **self._row,
                "prompt": text_or_messages(self._prompt),
                "completion": action,
            }
            if isinstance(truth, Mapping):
                row["ground_truth"] = row["reference"] = truth.get("ground_truth")
            return self._columns.rollout(row)

    return Environment
