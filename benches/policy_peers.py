"""goldstone and PyTorch on the same policy, taking turns on the same machine.

    python -m venv .venv && .venv/bin/pip install torch
    .venv/bin/python benches/policy_peers.py [--models 4x128 6x192] [--threads 1 2] [--rounds 15]

A Llama-shaped decoder with random weights, f32. A training step is forward,
backward and AdamW (PyTorch's fused one) on 64 sequences of 48 tokens, the loss
the mean cross-entropy; `recompute` keeps of each layer its input alone on both
sides. Sampling writes 32 tokens after prompts of 16 for 256 rows, with a cache.
PyTorch runs its fused norm and attention on contiguous batches.

Every engine is a process of its own, kept warm; they run turn by turn, and each
figure is the median over the rounds, of wall time and of processor time. The
ratio is PyTorch's time by ours: above 1, ours is faster. Memory is the peak of a
fresh process that did one thing three times, and beside it what that is above the
process after loading and building the model. The machine should do nothing else:
PyTorch's threads wait by spinning, and lose far more than ours where a core is taken;
with OMP_WAIT_POLICY=PASSIVE in the environment they sleep.
"""

import argparse
import json
import math
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TASKS = ("train", "recompute", "sample")


def shape(name):
    """layers, width, heads, heads of k, width of a head, inner width, vocabulary"""
    return {
        "4x128": (4, 128, 4, 2, 32, 352, 64),
        "6x192": (6, 192, 6, 2, 32, 512, 64),
        "2x128v": (2, 128, 4, 2, 32, 352, 32_000),
    }[name]


def torch_server(name, threads):
    import torch
    import torch.nn.functional as F
    from torch.utils.checkpoint import checkpoint

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    layers, d, heads, kv_heads, head, inner, vocab = shape(name)

    def weight(*size):
        return torch.nn.Parameter(torch.randn(*size) * 0.02)

    def ones():
        return torch.nn.Parameter(torch.ones(d))

    embed, norm, out = weight(vocab, d), ones(), weight(d, vocab)
    stack = [
        {
            "n1": ones(),
            "qkv": weight(d, (heads + 2 * kv_heads) * head),
            "o": weight(heads * head, d),
            "n2": ones(),
            "gu": weight(d, 2 * inner),
            "down": weight(inner, d),
        }
        for _ in range(layers)
    ]
    parameters = [embed, norm, out] + [p for layer in stack for p in layer.values()]
    angles = torch.arange(96)[:, None] / 10000 ** (torch.arange(head // 2) / (head // 2))
    cos, sin = angles.cos(), angles.sin()

    def rope(x, c, s):
        a, b = x.chunk(2, -1)
        return torch.cat([a * c - b * s, b * c + a * s], -1)

    def run_layer(x, layer, position, cache):
        b, t, _ = x.shape
        c, s = cos[position : position + t], sin[position : position + t]
        qkv = F.rms_norm(x, (d,), layer["n1"], 1e-5) @ layer["qkv"]
        q, k, v = qkv.split([heads * head, kv_heads * head, kv_heads * head], -1)
        q = rope(q.view(b, t, heads, head).transpose(1, 2), c, s)
        k = rope(k.view(b, t, kv_heads, head).transpose(1, 2), c, s)
        v = v.view(b, t, kv_heads, head).transpose(1, 2)
        if cache is not None:
            cache[0][:, :, position : position + t] = k
            cache[1][:, :, position : position + t] = v
            k, v = cache[0][:, :, : position + t], cache[1][:, :, : position + t]
        a = F.scaled_dot_product_attention(q, k, v, is_causal=t > 1, enable_gqa=True)
        x = x + a.transpose(1, 2).reshape(b, t, heads * head) @ layer["o"]
        g, u = (F.rms_norm(x, (d,), layer["n2"], 1e-5) @ layer["gu"]).chunk(2, -1)
        return x + (F.silu(g) * u) @ layer["down"]

    def logits(ids, position=0, caches=None, recompute=False):
        x = embed[ids]
        for index, layer in enumerate(stack):
            cache = caches[index] if caches else None
            if recompute:
                x = checkpoint(run_layer, x, layer, position, cache, use_reentrant=False)
            else:
                x = run_layer(x, layer, position, cache)
        x = x if caches is None else x[:, -1]
        return F.rms_norm(x, (d,), norm, 1e-5) @ out

    ids = torch.randint(0, vocab, (64, 48))
    targets = torch.randint(0, vocab, (64 * 48,))
    prompts = torch.randint(0, min(vocab, 61), (256, 16))
    optimizer = torch.optim.AdamW(parameters, 1e-4, weight_decay=0.0, fused=True)

    def train(recompute):
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(logits(ids, recompute=recompute).view(-1, vocab), targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    @torch.no_grad()
    def sample():
        caches = [
            tuple(torch.zeros(256, kv_heads, 48, head) for _ in range(2)) for _ in range(layers)
        ]
        x, position = prompts, 0
        for _ in range(32):
            scores = logits(x, position, caches)
            position += x.shape[1]
            x = torch.multinomial(scores.softmax(-1), 1)
        return x.float().mean().item()

    does = {"train": lambda: train(False), "recompute": lambda: train(True), "sample": sample}
    for line in sys.stdin:
        task = line.strip()
        if task == "memory":
            answer = {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}
        else:
            wall, cpu = time.perf_counter(), time.process_time()
            value = does[task]()
            answer = {
                "wall": time.perf_counter() - wall,
                "cpu": time.process_time() - cpu,
                "value": value,
            }
        print(json.dumps(answer), flush=True)


class Engine:
    def __init__(self, command, threads):
        environment = dict(os.environ)
        for name in ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            environment[name] = str(threads)
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, task):
        print(task, file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def commands(binary, model, threads):
    script = pathlib.Path(__file__).resolve()
    return {
        "goldstone": [binary, "serve", model],
        "torch": [sys.executable, script, "--serve", model, "--threads", str(threads)],
    }


def compare(binary, model, threads, tasks, rounds):
    engines = {
        name: Engine(command, threads)
        for name, command in commands(binary, model, threads).items()
    }
    for task in tasks:
        runs = {name: [] for name in engines}
        for engine in engines.values():
            engine.ask(task)
            engine.ask(task)
        for _ in range(rounds):
            for name, engine in engines.items():
                runs[name].append(engine.ask(task))
        medians = {
            name: [statistics.median(run[kind] for run in runs[name]) * 1e3 for kind in ("wall", "cpu")]
            for name in runs
        }
        (ours, our_cpu), (theirs, their_cpu) = medians["goldstone"], medians["torch"]
        print(
            f"{model:7} {threads} threads  {task:10} wall {ours:8.1f} / {theirs:8.1f} ms"
            f"  ratio {theirs / ours:5.2f}   cpu {our_cpu:8.1f} / {their_cpu:8.1f} ms"
            f"  ratio {their_cpu / our_cpu:5.2f}",
            flush=True,
        )
    for engine in engines.values():
        engine.close()


def memory(binary, model, tasks):
    for task in tasks:
        line = f"{model:7} {task:10} peak memory"
        for name, command in commands(binary, model, 1).items():
            engine = Engine(command, 1)
            before = engine.ask("memory")["peak"]
            for _ in range(3):
                engine.ask(task)
            peak = engine.ask("memory")["peak"]
            engine.close()
            line += f"  {name} {peak / 1024:7.1f} MiB (+{(peak - before) / 1024:.1f})"
        print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["4x128", "6x192"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--tasks", nargs="+", default=list(TASKS))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--profile", default="bench", help="cargo profile to build with")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return torch_server(options.serve, options.threads[0])
    build = ["cargo", "bench", "--no-run", "--quiet", "--profile", options.profile]
    build += ["--no-default-features", "--features", "train", "--bench", "policy"]
    build += ["--message-format", "json"]
    built = subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    binary = next(m["executable"] for m in messages if m.get("target", {}).get("name") == "policy")
    for model in options.models:
        for threads in options.threads:
            compare(binary, model, threads, options.tasks, options.rounds)
        memory(binary, model, options.tasks)


if __name__ == "__main__":
    main()
