"""An environment of one turn for NeMo-RL, a Ray actor.

    from nemo_rl.environments.utils import register_env
    register_env("goldstone", "goldstone.nemo_rl.GoldstoneEnvironment")

    env:
      goldstone: { spec: r1-zero }

NeMo-RL is not on PyPI; this follows its source of August 2026,
`environments/interfaces.py` and `environments/math_environment.py`. `goldstone serve`
answers NeMo-Gym's `/verify`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from goldstone._outcomes import Otherwise, Outcomes, Unknown
from goldstone._rows import Columns, text_or_messages
from goldstone._shared import scorer_of_rows

__all__ = ["Environment", "GoldstoneEnvironment"]

if TYPE_CHECKING:
    GoldstoneEnvironment: Any


class Environment:
    """What the actor does; its configuration is the keys of `__init__`."""

    def __init__(
        self,
        spec: Any,
        *,
        columns: Mapping[str, str] | None = None,
        abstain: Otherwise = 0.0,
        on_error: Otherwise = 0.0,
        on_failure: Otherwise = "raise",
        unknown: Unknown = "wrong",
        **scorer: Any,
    ) -> None:
        self._scorer = scorer_of_rows(spec, "NeMo-RL", unknown=unknown, **scorer)
        self._columns = Columns(columns)
        self._outcomes = Outcomes(
            abstain=abstain,
            on_error=on_error,
            on_failure=on_failure,
            number=True,
            silent="NeMo-RL",
        )

    def rewards(
        self, message_log_batch: Sequence[Sequence[Mapping[str, Any]]], metadata: Sequence[Any]
    ) -> list[float | None]:
        """The reward of each conversation: what the model said last, in the light of
        what stands before it. The keys of `metadata` are the row's columns."""
        rollouts = []
        for messages, about in zip(message_log_batch, metadata, strict=True):
            row = dict(about) if isinstance(about, Mapping) else {}
            said = [i for i, message in enumerate(messages) if message["role"] == "assistant"]
            last = said[-1] if said else len(messages)
            row["prompt"] = text_or_messages(messages[:last])
            row["completion"] = text_or_messages(messages[last : last + 1]) or None
            rollouts.append(self._columns.rollout(row))
        return self._outcomes.rewards(self._scorer.score_batch(rollouts))

    def step(
        self, message_log_batch: Sequence[Sequence[Mapping[str, Any]]], metadata: Sequence[Any]
    ) -> Any:
        """An `EnvironmentReturn` that ends every conversation."""
        import torch
        from nemo_rl.environments.interfaces import EnvironmentReturn

        rewards = torch.tensor(self.rewards(message_log_batch, metadata))
        seen = [{"role": "environment", "content": f"Environment: reward {r}"} for r in rewards]
        return EnvironmentReturn(
            observations=seen,
            metadata=list(metadata),
            next_stop_strings=[None] * len(rewards),
            rewards=rewards,
            terminateds=torch.ones_like(rewards),
            answers=None,
        )

    def global_post_process_and_metrics(self, batch: Any) -> tuple[Any, dict[str, float]]:
        """The mean reward, and the share of conversations that ended by themselves."""
        metrics = {"reward": batch["rewards"].float().mean().item()}
        if "is_end" in batch:
            metrics["fraction_of_samples_properly_ended"] = batch["is_end"].float().mean().item()
        return batch, metrics

    def shutdown(self) -> None:
        """Nothing to do: the engine goes with the process."""


def __getattr__(name: str) -> Any:
    # Made when it is asked for: it is an actor of Ray, of a class of NeMo-RL.
    if name == "GoldstoneEnvironment":
        made = globals()["GoldstoneEnvironment"] = _actor()
        return made
    raise AttributeError(f"module `{__name__}` has no attribute `{name}`")


def _actor() -> Any:
    import ray
    from nemo_rl.environments.interfaces import EnvironmentInterface

    class GoldstoneEnvironment(Environment, EnvironmentInterface):  # type: ignore[misc]
        """`Environment` as NeMo-RL makes it: with its part of the configuration."""

        def __init__(self, cfg: Mapping[str, Any]) -> None:
            super().__init__(**cfg)

    return ray.remote(GoldstoneEnvironment)
