"""Small random policies in Hugging Face folders, and what torch makes of them.

    python make_policies.py        (beside policies/, which it writes)

Needs torch, transformers, peft and safetensors; written with torch 2.11.0,
transformers 5.23.0, peft 0.21.2 on a CPU with one thread. The ordinary torch wheel,
installed with `pip install --no-deps`, is enough on a machine without a GPU if empty
libraries stand in for the CUDA ones that it links: none of their functions is called.

`characters/` is goldstone's own: copy it there from the test's output when the files
that a tokenizer of characters is written as have changed.

For each policy `NAME/` is the folder as `save_pretrained` writes it, `NAME.safetensors`
holds tensors and `NAME.json` the numbers that belong to them:

logits.I          [tokens, vocabulary] of sequence I, prompt and completion in one
logps, entropies  of every completion token in order, at `temperature`
grad.NAME         of sum(weights * logps + entropy_weights * entropies)
step.NAME         every weight after two AdamW steps on one GRPO batch (`grpo`)
lora.*            the same for a LoRA adapter on top (`NAME-adapter*/`), base frozen
"""

import json
import os
import shutil
import tempfile

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    LlamaConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "policies")
VOCABULARY = 96
TEXT = [
    "What is 12 + 7? The sum is 19. One more: 3 times 4 is 12, and 12 minus 5 is 7.",
    "A train of thought is a list of steps; the answer stands at its end.",
    "the then there these other another than this that with without",
]
SAMPLES = [
    "What is 12 + 7?",
    "  the  answer\nstands <think>at</think> its end",
    "",
    "<|im_start|>user\nthen<|im_end|>\n",
]
QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CHAT = (
    "{%- for message in messages %}\n"
    "    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}\n"
    "{%- endfor %}\n"
    "{%- if add_generation_prompt %}\n"
    "    {{- '<|im_start|>assistant\\n' }}\n"
    "{%- endif %}\n"
)


def byte_level(folder, special, marks):
    """BPE over bytes, as Qwen has it; only the bytes of the text are in it. The rules
    are Qwen2's: transformers 5 goes by those for a Qwen2 model, whatever the file says."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(QWEN2), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY - len(special) - len(marks), show_progress=False)
    tokenizer.train_from_iterator(TEXT + ["useristant\n<|_>/"], trainer)
    finish(folder, tokenizer, special, marks)


def metaspace(folder, special, marks):
    """BPE over characters with `▁` for blanks and a token at the beginning, as older Llamas."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - 1 - len(special) - len(marks), special_tokens=["<unk>"], show_progress=False
    )
    tokenizer.train_from_iterator(TEXT + ["useristant\n<|_>/"], trainer)
    tokenizer.add_special_tokens([AddedToken("<s>", special=True, normalized=False)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
    )
    finish(folder, tokenizer, special, marks, bos_token="<s>", unk_token="<unk>")


def finish(folder, tokenizer, special, marks, **names):
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in special])
    tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in marks])
    assert tokenizer.get_vocab_size() <= VOCABULARY, tokenizer.get_vocab_size()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        clean_up_tokenization_spaces=False,
        **names,
    )
    fast.chat_template = CHAT
    fast.save_pretrained(folder)


def randomise(model):
    """Weights of some size everywhere: at the usual ones all logits are alike."""
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            if "norm" in name:
                weight.copy_(1 + 0.3 * torch.randn_like(weight))
            elif name.endswith("bias"):
                weight.copy_(0.3 * torch.randn_like(weight))
            elif "embed" in name:
                weight.copy_(0.5 * torch.randn_like(weight))
            else:
                weight.copy_(torch.randn_like(weight) * 1.2 / weight.shape[1] ** 0.5)


def sequences(count, longest):
    """Prompts and completions of random tokens; the lengths differ."""
    made = []
    for _ in range(count):
        prompt = 1 + int(torch.randint(0, 6, ()))
        completion = 1 + int(torch.randint(0, longest, ()))
        tokens = torch.randint(0, VOCABULARY, (prompt + completion,)).tolist()
        made.append({"prompt": tokens[:prompt], "completion": tokens[prompt:]})
    return made


def score(model, batch, temperature):
    """Log-probabilities and entropies of all completion tokens, flat."""
    logps, entropies = [], []
    for sequence in batch:
        prompt, completion = sequence["prompt"], sequence["completion"]
        logits = model(torch.tensor([prompt + completion])).logits[0]
        logits = logits[len(prompt) - 1 : -1] / temperature
        logp = torch.log_softmax(logits, -1)
        logps.append(logp.gather(1, torch.tensor(completion)[:, None])[:, 0])
        entropies.append(-(logp.exp() * logp).sum(-1))
    return torch.cat(logps), torch.cat(entropies)


def weighted_loss(model, batch, temperature):
    logps, entropies = score(model, batch, temperature)
    weights = torch.randn(len(logps))
    entropy_weights = 0.3 * torch.randn(len(logps))
    ((weights * logps).sum() + (entropy_weights * entropies).sum()).backward()
    numbers = {
        "temperature": temperature,
        "weights": weights.tolist(),
        "entropy_weights": entropy_weights.tolist(),
    }
    tensors = {"logps": logps.detach(), "entropies": entropies.detach()}
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            assert weight.grad is not None, name
            tensors["grad." + name] = weight.grad.clone()
            weight.grad = None
    return numbers, tensors


def grpo(model):
    """Two optimizer steps on one batch of two groups, by TRL's formula (`dapo`, `beta`)."""
    options = {
        "temperature": 0.9,
        "beta": 0.04,
        "epsilon_low": 0.2,
        "epsilon_high": 0.28,
        "max_norm": 0.5,
        "learning_rate": 1e-3,
        "betas": [0.9, 0.99],
        "epsilon": 1e-8,
        "weight_decay": 0.05,
        "group": 3,
    }
    batch = sequences(6, 9)
    with torch.no_grad():
        now, _ = score(model, batch, options["temperature"])
    old = (now + 0.3 * torch.randn_like(now)).clamp(max=-1e-3)
    reference = (now + 0.3 * torch.randn_like(now)).clamp(max=-1e-3)
    rewards = torch.tensor([1.0, 0.0, 0.25, 0.0, 0.0, 1.0])
    groups = rewards.view(-1, options["group"])
    advantages = ((groups - groups.mean(1, keepdim=True)) / (groups.std(1, keepdim=True) + 1e-4)).flatten()
    lengths = [len(s["completion"]) for s in batch]
    advantage = torch.cat([a.expand(n) for a, n in zip(advantages, lengths)])

    decayed = [w for _, w in model.named_parameters() if w.dim() >= 2]
    plain = [w for _, w in model.named_parameters() if w.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": options["weight_decay"]}, {"params": plain, "weight_decay": 0.0}],
        lr=options["learning_rate"],
        betas=tuple(options["betas"]),
        eps=options["epsilon"],
    )
    steps = []
    for _ in range(2):
        logps, _ = score(model, batch, options["temperature"])
        ratio = (logps - old).exp()
        clipped = ratio.clamp(1 - options["epsilon_low"], 1 + options["epsilon_high"])
        surrogate = -torch.min(ratio * advantage, clipped * advantage)
        difference = reference - logps
        kl = difference.exp() - difference - 1
        loss = (surrogate + options["beta"] * kl).sum() / len(logps)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), options["max_norm"])
        optimizer.step()
        optimizer.zero_grad()
        steps.append({"loss": loss.item(), "kl": kl.mean().item(), "norm": norm.item()})
    numbers = {
        **options,
        "sequences": batch,
        "rewards": rewards.tolist(),
        "advantages": advantages.tolist(),
        "old": old.tolist(),
        "reference": reference.tolist(),
        "steps": steps,
    }
    return numbers, {"step." + n: w.detach().clone() for n, w in model.named_parameters()}


def lora(folder, name, rslora):
    """An adapter on every linear layer, its numbers and the folder that peft writes."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    if rslora:
        targets = ["q_proj", "v_proj"]
    config = LoraConfig(
        r=4, lora_alpha=6, lora_dropout=0.0, target_modules=targets, use_rslora=rslora, task_type="CAUSAL_LM"
    )
    model = get_peft_model(model, config)
    with torch.no_grad():
        for key, weight in sorted(model.named_parameters()):
            if "lora_B" in key:
                weight.copy_(0.3 * torch.randn_like(weight))
    adapter = folder + ("-adapter-rslora" if rslora else "-adapter")
    model.save_pretrained(adapter)
    os.remove(os.path.join(adapter, "README.md"))
    settings = os.path.join(adapter, "adapter_config.json")
    written = json.load(open(settings))
    written["base_model_name_or_path"] = name
    written["target_modules"] = sorted(written["target_modules"])
    json.dump(written, open(settings, "w"), indent=2, sort_keys=True)
    prefix = "rslora." if rslora else "lora."
    batch = sequences(3, 8)
    numbers, tensors = weighted_loss(model, batch, 0.8)
    numbers["sequences"] = batch
    short = {k.replace("base_model.model.", "").replace(".default", ""): v for k, v in tensors.items()}
    merged = model.merge_and_unload()
    with torch.no_grad():
        short["merged.logits"] = merged(torch.tensor([batch[0]["prompt"] + batch[0]["completion"]])).logits[0]
    return {prefix[:-1]: numbers}, {prefix + k: v for k, v in short.items()}


def texts(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    made = []
    for text in SAMPLES:
        ids = tokenizer(text, add_special_tokens=False).input_ids
        made.append({
            "text": text,
            "ids": ids,
            "whole": tokenizer(text).input_ids,
            "shown": tokenizer.decode(ids, skip_special_tokens=True),
            "all": tokenizer.decode(ids),
        })
    messages = [{"role": "user", "content": "What is 3 + 4?"}]
    return {
        "texts": made,
        "chat": tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True),
        "eos": tokenizer.eos_token_id,
        "pad": tokenizer.pad_token_id,
    }


def policy(name, config, stored, tokenizer, special, marks, shard):
    folder = os.path.join(ROOT, name)
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(sum(name.encode()))
    tokenizer(folder, special, marks)
    ids = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float()
    randomise(model)
    model.config.eos_token_id = ids.eos_token_id
    model.generation_config = GenerationConfig(
        eos_token_id=[ids.eos_token_id, ids.pad_token_id], pad_token_id=ids.pad_token_id
    )
    model.to(stored).save_pretrained(folder, max_shard_size=shard)
    del model
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    model.eval()
    batch = sequences(4, 12)
    numbers, tensors = weighted_loss(model, batch, 0.8)
    numbers["sequences"] = batch
    with torch.no_grad():
        for index, sequence in enumerate(batch):
            tokens = torch.tensor([sequence["prompt"] + sequence["completion"]])
            tensors[f"logits.{index}"] = model(tokens).logits[0]
    numbers = {"weighted": numbers, **texts(folder)}
    numbers["grpo"], after = grpo(model)
    tensors.update(after)
    for rslora in [False, True] if name == "qwen2" else []:
        more, values = lora(folder, name, rslora)
        numbers.update(more)
        tensors.update(values)
    save_file({k: v.contiguous() for k, v in tensors.items()}, folder + ".safetensors")
    for base, _, files in os.walk(ROOT):
        for file in files:
            os.chmod(os.path.join(base, file), 0o644)
    with open(folder + ".json", "w") as file:
        json.dump(numbers, file, indent=1)
        file.write("\n")


def characters():
    """What transformers makes of the tokenizer files that goldstone writes; the folder
    holds those files, and the tests compare them with what is written today. Beside a
    Qwen2 model, transformers 5 has a class of its own for them: the same numbers."""
    folder = os.path.join(ROOT, "characters")
    texts = ["12+34=46", "<think>1 + 2</think> 3", "a<eos><pad>\n<thin k>", "", "<answer><think>=",
             " 1  2 ", "\n\n it's  3×4÷é = 12数学字 \n"]
    made = []
    for model_type in [None, "qwen2", "qwen3", "llama"]:
        with tempfile.TemporaryDirectory() as beside:
            for file in os.listdir(folder):
                shutil.copy(os.path.join(folder, file), beside)
            if model_type:
                with open(os.path.join(beside, "config.json"), "w") as file:
                    json.dump({"model_type": model_type}, file)
            tokenizer = AutoTokenizer.from_pretrained(beside)
        for at, text in enumerate(texts):
            ids = tokenizer(text).input_ids
            assert ids == tokenizer(text, add_special_tokens=False).input_ids
            shown = tokenizer.decode(ids, skip_special_tokens=True)
            case = {"text": text, "ids": ids, "shown": shown, "all": tokenizer.decode(ids)}
            if model_type:
                assert case == made[at], (model_type, case, made[at])
            else:
                made.append(case)
    numbers = {
        "alphabet": "0123456789+= \n<>abcdefghijklmnopqrstuvwxyz'×÷é数学字",
        "markers": ["<think>", "</think>", "<answer>"],
        "texts": made,
        "eos": tokenizer.eos_token_id,
        "pad": tokenizer.pad_token_id,
    }
    with open(folder + ".json", "w") as file:
        json.dump(numbers, file, indent=1, ensure_ascii=False)
        file.write("\n")


SIZES = dict(
    vocab_size=VOCABULARY,
    hidden_size=32,
    intermediate_size=40,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
)

if __name__ == "__main__":
    os.makedirs(ROOT, exist_ok=True)
    policy(
        "qwen2",
        Qwen2Config(**SIZES, tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 1e6}),
        torch.float32,
        byte_level,
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        ["<think>", "</think>"],
        "5GB",
    )
    policy(
        "qwen3",
        Qwen3Config(
            **SIZES,
            head_dim=12,
            tie_word_embeddings=True,
            rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        ),
        torch.bfloat16,
        byte_level,
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        ["<think>", "</think>"],
        "5GB",
    )
    policy(
        "llama",
        LlamaConfig(
            **SIZES,
            tie_word_embeddings=False,
            rope_parameters={
                "rope_type": "llama3",
                "rope_theta": 1e4,
                "factor": 4.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 16,
            },
        ),
        torch.float32,
        metaspace,
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        ["<think>", "</think>"],
        "60KB",
    )
    characters()
