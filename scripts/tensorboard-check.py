#!/usr/bin/env python3
"""Checks that TensorBoard's own reader finds in a run's event files what the
run's metrics.jsonl says: every tag, every step, every finite number.

    python3 -m venv /tmp/tensorboard
    /tmp/tensorboard/bin/pip install tensorboard
    /tmp/tensorboard/bin/python scripts/tensorboard-check.py runs/addition

Exit code 0 when all is as it should be.
"""

import json
import math
import struct
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import (
    SCALARS,
    TENSORS,
    EventAccumulator,
)


def single(number):
    """The number as event files hold it: in single precision."""
    return struct.unpack("f", struct.pack("f", number))[0]


def expected(run):
    """Tag to a list of (step, value), as Hugging Face's trainer names them."""
    about = {"step", "stage", "kind", "stage_step", "stage_steps", "time"}
    curves = {}
    for line in (run / "metrics.jsonl").read_text().splitlines():
        record = json.loads(line)
        for name, value in record.items():
            if name in about or value is None:
                continue
            if record["kind"] == "evaluation":
                tag = "eval/" + name.removeprefix("eval_")
            else:
                tag = "train/" + name
            curves.setdefault(tag, []).append((record["step"], single(value)))
    return curves


def main(run):
    reader = EventAccumulator(str(run / "tensorboard"), size_guidance={SCALARS: 0, TENSORS: 0})
    reader.Reload()
    tags = reader.Tags()
    wanted = expected(run)
    faults = []
    if set(tags["scalars"]) != set(wanted):
        faults.append(f"tags differ: {sorted(set(tags['scalars']) ^ set(wanted))}")
    for tag in set(tags["scalars"]) & set(wanted):
        found = [(event.step, event.value) for event in reader.Scalars(tag)]
        if found != wanted[tag]:
            faults.append(f"{tag}: {found[:3]}…, not {wanted[tag][:3]}…")
        if not all(math.isfinite(event.wall_time) for event in reader.Scalars(tag)):
            faults.append(f"{tag}: a time is not finite")
    for tag in ("run/text_summary", "recipe/text_summary"):
        if tag not in tags["tensors"]:
            faults.append(f"{tag} is missing")
    for tag in tags["tensors"]:
        plugin = reader.SummaryMetadata(tag).plugin_data.plugin_name
        if plugin != "text":
            faults.append(f"{tag} is shown by `{plugin}`")
        if not all(event.tensor_proto.string_val for event in reader.Tensors(tag)):
            faults.append(f"{tag} holds no text")
    for fault in faults:
        print(fault)
    points = sum(map(len, wanted.values()))
    print(f"{len(wanted)} curves, {points} points, {len(tags['tensors'])} texts, {len(faults)} faults")
    return 1 if faults or not points else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
