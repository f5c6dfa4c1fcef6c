"""Loads the policies that goldstone's tests saved, in transformers, by hand:

    cargo nextest run train::folder
    python tests/data/train/check_saved.py target/tmp/policies

Logits must be those of the folders that the policies were read from, token for token
the texts too; what came from nowhere must load and give finite logits.
"""

import json
import os
import sys

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

torch.set_num_threads(1)
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "policies")
saved = sys.argv[1]


def model(folder):
    loaded, info = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    assert not any(info.values()), info
    return loaded


for name in ["qwen2", "qwen3", "llama"]:
    numbers = json.load(open(os.path.join(HERE, name + ".json")))
    expected = load_file(os.path.join(HERE, name + ".safetensors"))
    for folder in [name, name + "-bf16"]:
        path = os.path.join(saved, folder)
        loaded, worst = model(path), 0.0
        for index, sequence in enumerate(numbers["weighted"]["sequences"]):
            tokens = torch.tensor([sequence["prompt"] + sequence["completion"]])
            with torch.no_grad():
                logits = loaded(tokens).logits[0]
            worst = max(worst, (logits - expected[f"logits.{index}"]).abs().max().item())
        tokenizer = AutoTokenizer.from_pretrained(path)
        for text in numbers["texts"]:
            assert tokenizer(text["text"], add_special_tokens=False).input_ids == text["ids"]
        assert tokenizer.eos_token_id == numbers["eos"]
        assert GenerationConfig.from_pretrained(path).eos_token_id == [numbers["eos"], numbers["pad"]]
        stored = json.load(open(os.path.join(path, "config.json")))["dtype"]
        print(f"{folder}: {stored}, logits {worst} apart, texts equal")
        assert worst == 0.0 or folder.endswith("bf16")
    path = os.path.join(saved, name + "-random")
    loaded = model(path)
    tokenizer = AutoTokenizer.from_pretrained(path)
    assert tokenizer("1 + 2\n").input_ids == [7, 18, 16, 18, 8, 19]
    chat = [{"role": "user", "content": "1+2"}]
    tokens = tokenizer.apply_chat_template(chat, return_tensors="pt", return_dict=True).input_ids
    assert tokenizer.decode(tokens[0]) == "1+2=", tokenizer.decode(tokens[0])
    generated = loaded.generate(tokens, max_new_tokens=8, do_sample=False)
    rope = loaded.config.rope_parameters
    print(f"{name}-random: {loaded.config.architectures}, {rope}, {generated.tolist()}")

# The adapter beside its base, and merged into it.
expected = load_file(os.path.join(HERE, "qwen2.safetensors"))["lora.merged.logits"]
sequence = json.load(open(os.path.join(HERE, "qwen2.json")))["lora"]["sequences"][0]
tokens = torch.tensor([sequence["prompt"] + sequence["completion"]])
adapted = PeftModel.from_pretrained(model(os.path.join(saved, "qwen2")), os.path.join(saved, "qwen2-adapter"))
for name, loaded in [("qwen2-adapter", adapted), ("qwen2-merged", model(os.path.join(saved, "qwen2-merged")))]:
    with torch.no_grad():
        worst = (loaded(tokens).logits[0] - expected).abs().max().item()
    print(f"{name}: logits {worst} apart")
    assert worst < 2e-5
