"""Scores Parquet shards of rollouts with Ray Data.

    pip install goldstone 'ray[data]'
    python examples/ray_score.py rollouts/ scored/ --spec gsm8k --workers 8

Every row comes out with its columns, `reward`, `status`, and the value and reason of each
reward. A row without a reward has a null there, never 0.
"""

import argparse

import ray
from goldstone.ray import ScoreRows


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("rollouts", help="a Parquet file or a folder of them")
    arguments.add_argument("scored", help="the folder to write to")
    arguments.add_argument("--spec", required=True, help="a shipped name or a TOML file")
    arguments.add_argument(
        "--workers",
        type=int,
        default=1,
        help="most actors, one CPU each; leave some CPUs to those that read and write",
    )
    given = arguments.parse_args()

    rows = ray.data.read_parquet(given.rollouts)
    scored = rows.map_batches(
        ScoreRows,
        fn_constructor_args=(given.spec,),
        fn_constructor_kwargs={"json": "score"},
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=given.workers),
    )
    scored.write_parquet(given.scored)


if __name__ == "__main__":
    main()
