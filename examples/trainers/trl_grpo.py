"""python examples/trainers/trl_grpo.py MODEL DATA.jsonl [options of GRPOConfig]"""

import sys

from datasets import load_dataset
from trl import GRPOConfig, GRPOTrainer, TrlParser

from goldstone import trl

model, data, *options = sys.argv[1:]
(config,) = TrlParser(GRPOConfig).parse_args_and_config(options)
trainer = GRPOTrainer(
    model=model,
    # The columns of the data: `prompt`, and `answer` as the reference.
    reward_funcs=trl.reward("gsm8k", unknown="wrong"),
    args=config,
    train_dataset=load_dataset("json", data_files=data, split="train"),
)
trainer.train()
