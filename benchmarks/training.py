"""One training step of our OpenELM beside transformers' Llama of the same shape, in one run.

Run: ``python benchmarks/training.py`` (``--shapes``, ``--rounds``, ``--dtype bfloat16``, ``--compile``), or on a GPU
``python benchmarks/training.py --device cuda --dtype bfloat16 --compile --shapes model-1``.

A step is what a plain loop does: forward, backward, gradients clipped at norm 1, fused AdamW, the same batch for both.
Both have the same width, layers, heads, feed-forward width, vocabulary, tied embeddings, precision (bfloat16 is
autocast over float32 weights, with float32 residuals), optimiser and compile setting. Ours also normalises queries and
keys, which Llama does not; both losses are the mean cross-entropy of the same targets.

Every way has a process of its own, and they take turns, a few steps each. "tokens/s" is the median of the rounds,
"speed" the median of the rounds' own ratios to Llama. "memory" is the largest memory of the process (of the device)
above what it had before there was a model: weights, gradients and optimiser included. "MFU": operations of
`models.sizes.flops_per_token` (causal attention, nothing recomputed) a second, as a share of the fastest large matrix
product measured in the same run, in the same format.

Where other programs share the processors, ``--clock cpu`` counts the seconds that processors worked for a way, over
all its threads, instead of those that passed.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import platform
import resource
import statistics
import time
from dataclasses import dataclass
from typing import Any

import torch

LEARNING_RATE, DECAY = 1e-3, 0.1


@dataclass(frozen=True)
class Shape:
    """Of a model and of its batch."""

    width: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    vocabulary: int
    context: int
    batch: int


CPU = {
    "light": Shape(128, 8, 4, 2, 32, 256, 4_096, 256, 16),
    "light, gpt2 vocabulary": Shape(128, 8, 4, 2, 32, 256, 50_257, 256, 8),
    "middle, gpt2 vocabulary": Shape(384, 8, 6, 3, 64, 1024, 50_257, 256, 8),
    "model-1": Shape(954, 8, 6, 3, 64, 1280, 50_257, 1024, 4),
}
CUDA = {
    "light": Shape(256, 8, 4, 2, 64, 512, 8_192, 512, 128),
    "model-1": Shape(954, 8, 6, 3, 64, 1280, 50_257, 1024, 12),
    "model-1, 48 lines": Shape(954, 8, 6, 3, 64, 1280, 50_257, 1024, 48),
}
WAYS = ("ours", "Llama")


def our_config(shape: Shape) -> Any:
    from beyond_scaling.models.openelm import OpenELMConfig

    return OpenELMConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        query_heads=[shape.heads] * shape.layers,
        kv_heads=[shape.kv_heads] * shape.layers,
        ffn_widths=[shape.ffn] * shape.layers,
        head_dim=shape.head_dim,
        max_position_embeddings=shape.context,
    )


def model(way: str, shape: Shape) -> Any:
    if way == "ours":
        from beyond_scaling.models.openelm import OpenELMForCausalLM

        return OpenELMForCausalLM(our_config(shape))
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.ffn,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        max_position_embeddings=shape.context,
        tie_word_embeddings=True,
        use_cache=False,
    )
    return LlamaForCausalLM(config)


class Loop:
    """A plain training loop over one batch."""

    def __init__(self, way: str, shape: Shape, options: argparse.Namespace) -> None:
        self.way, self.device = way, options.device
        torch.manual_seed(0)
        tokens = torch.randint(shape.vocabulary, (shape.batch, shape.context + 1), device=self.device)
        self.inputs, self.targets = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()
        self.model = model(way, shape).to(self.device).train()
        self.autocast = torch.autocast(self.device, dtype=torch.bfloat16, enabled=options.dtype == "bfloat16")
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.95), weight_decay=DECAY, fused=True
        )
        self.clock = time.process_time if options.clock == "cpu" else time.perf_counter
        self.loss = torch.compile(self.mean_loss) if options.compile else self.mean_loss

    def mean_loss(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if self.way == "ours":
            objective, _ = self.model.token_losses(inputs, targets)
            return objective / targets.numel()
        return self.model(input_ids=inputs, labels=targets, shift_labels=targets).loss

    def step(self) -> torch.Tensor:
        with self.autocast:
            loss = self.loss(self.inputs, self.targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return loss.detach()

    def steps(self, count: int) -> float:
        """Seconds of so many steps."""
        start = self.clock()
        for _ in range(count):
            loss = self.step()
        float(loss)  # waits for the device
        return self.clock() - start


def memory(device: str) -> float:
    """Largest memory of this process so far (of the device), MiB."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def work(pipe: Any, way: str, shape: Shape, options: argparse.Namespace) -> None:
    """A process of one way: answers a number of steps by their seconds and by the largest memory."""
    torch.set_num_threads(options.threads)
    if options.device == "cuda":
        torch.set_float32_matmul_precision("high")
    for module in ("beyond_scaling.models.openelm", "transformers.models.llama.modeling_llama"):
        importlib.import_module(module)  # so that the memory of neither way has them in it
    before = memory(options.device)
    loop = Loop(way, shape, options)
    while count := pipe.recv():
        pipe.send((loop.steps(count), memory(options.device) - before))


def product_rate(options: argparse.Namespace) -> float:
    """Operations a second of a large matrix product."""
    size, clock = (16384 if options.device == "cuda" else 3072), time.perf_counter
    if options.clock == "cpu":
        clock = time.process_time
    torch.set_num_threads(options.threads)
    a, b = (torch.randn(size, size, device=options.device).to(getattr(torch, options.dtype)) for _ in range(2))
    spent = []
    for _ in range(6):
        start = clock()
        float(torch.mm(a, b)[0, 0])
        spent.append(clock() - start)
    return 2 * size**3 / min(spent)


def compare(name: str, shape: Shape, options: argparse.Namespace) -> None:
    from beyond_scaling.models.sizes import flops_per_token, parameters

    context = multiprocessing.get_context("spawn")
    pipes, processes = {}, []
    for way in options.ways:
        pipes[way], other = context.Pipe()
        processes.append(context.Process(target=work, args=(other, way, shape, options), daemon=True))
        processes[-1].start()

    def steps(way: str, count: int) -> tuple[float, float]:
        pipes[way].send(count)
        return pipes[way].recv()

    once = {way: steps(way, 2) and steps(way, 1)[0] for way in options.ways}  # the first ones compile and allocate
    count = {way: max(1, round(options.seconds / seconds)) for way, seconds in once.items()}
    tokens = shape.batch * shape.context
    rates: dict[str, list[float]] = {way: [] for way in options.ways}
    used: dict[str, float] = {}
    for _ in range(options.rounds):
        for way in options.ways:
            seconds, used[way] = steps(way, count[way])
            rates[way].append(count[way] * tokens / seconds)
    for pipe in pipes.values():
        pipe.send(0)
    for process in processes:
        process.join()
    ceiling = product_rate(options)
    sizes = parameters(our_config(shape))
    print(
        f"{name}: width {shape.width}, {shape.layers} layers, vocabulary {shape.vocabulary:,}, {shape.batch} lines of"
        f" {shape.context}; {sizes['blocks'] / 1e6:.2f}M + {sizes['embeddings'] / 1e6:.2f}M parameters"
    )
    base = options.ways[-1]
    for way in options.ways:
        rate = statistics.median(rates[way])
        speed = statistics.median(a / b for a, b in zip(rates[way], rates[base], strict=True))
        mfu = rate * flops_per_token(our_config(shape), shape.context) / ceiling
        print(
            f"  {way:8s}{rate:12,.0f} tokens/s{speed:8.2f} speed{used[way]:10,.0f} MiB{used[way] / used[base]:8.2f}"
            f" memory{mfu:8.1%} MFU",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="A training step: ours beside transformers' Llama.")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--shapes", nargs="+", metavar="NAME", help="only these shapes")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), help="the last one is the base")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="about how long a turn is")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    options = parser.parse_args()
    if options.clock == "cpu":
        os.environ["OMP_WAIT_POLICY"] = "passive"  # threads that wait sleep; set before the processes start
    shapes = CPU if options.device == "cpu" else CUDA
    for name in options.shapes or ():
        if name not in shapes:
            parser.error(f"no shape {name!r} on {options.device}; expected some of {', '.join(shapes)}")
    machine = torch.cuda.get_device_name() if options.device == "cuda" else platform.processor() or platform.machine()
    print(
        f"{machine}, {options.threads} threads, {options.dtype}{', compiled' if options.compile else ''},"
        f" {options.clock} clock; PyTorch {torch.__version__}"
    )
    for name, shape in shapes.items():
        if not options.shapes or name in options.shapes:
            compare(name, shape, options)


if __name__ == "__main__":
    main()
