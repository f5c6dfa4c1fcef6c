"""What torch makes of the policies of make_policies.py on sequences of 640 tokens.

    python make_long.py        (beside policies/; it writes long.json and long.safetensors)

Needs torch, transformers and safetensors; written with torch 2.11.0 and transformers
5.23.0 on a CPU with one thread. The weights are those of `policies/NAME/`, which have
64 positions: the configuration is given 1024. Llama's are scaled from 16 positions, so
that its frequencies are stretched over 40 times the context they were made for.

For each policy, with `prompt` tokens of the sequence as the prompt:

NAME.logps, NAME.entropies  of every completion token, at `temperature`
NAME.logits                 [40, vocabulary], of the last 40 tokens
NAME.grad.WEIGHT            of sum(weights * logps) by the weights named in `gradients`

`weights` is the same for all: sin(1), sin(2), …
"""

import json
import os

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
HERE = os.path.dirname(os.path.abspath(__file__))
TOKENS, POSITIONS, LAST, TEMPERATURE = 640, 1024, 40, 0.8
# By policy: the training path reads a short prompt and a long completion, too.
PROMPTS = {"qwen2": 7, "qwen3": 590, "llama": 7}
GRADIENTS = ["model.layers.0.self_attn.q_proj.weight", "model.layers.1.self_attn.k_proj.weight"]


def main():
    torch.manual_seed(640)
    tokens = torch.randint(0, 96, (TOKENS,))
    tensors = {}
    for name, prompt in PROMPTS.items():
        folder = os.path.join(HERE, "policies", name)
        config = AutoConfig.from_pretrained(folder)
        config.max_position_embeddings = POSITIONS
        model = AutoModelForCausalLM.from_pretrained(
            folder, config=config, dtype=torch.float32, attn_implementation="eager"
        )
        model.eval()
        logits = model(tokens[None]).logits[0]
        logp = torch.log_softmax(logits[prompt - 1 : -1] / TEMPERATURE, -1)
        logps = logp.gather(1, tokens[prompt:, None])[:, 0]
        entropies = -(logp.exp() * logp).sum(-1)
        weights = torch.sin(torch.arange(1, len(logps) + 1, dtype=torch.float32))
        (weights * logps).sum().backward()
        made = {"logps": logps, "entropies": entropies, "logits": logits[-LAST:]}
        parameters = dict(model.named_parameters())
        made.update({"grad." + weight: parameters[weight].grad for weight in GRADIENTS})
        tensors.update({f"{name}.{key}": value.detach().contiguous() for key, value in made.items()})
    save_file(tensors, os.path.join(HERE, "long.safetensors"))
    numbers = {
        "positions": POSITIONS,
        "temperature": TEMPERATURE,
        "last": LAST,
        "prompts": PROMPTS,
        "gradients": GRADIENTS,
        "tokens": tokens.tolist(),
    }
    with open(os.path.join(HERE, "long.json"), "w") as file:
        json.dump(numbers, file)
        file.write("\n")


if __name__ == "__main__":
    main()
