"""Recording activations beside the model's bare forward pass and the usual way (`output_hidden_states`), in one run.

Run: ``python benchmarks/activations.py`` (GPT-2 small's shape), or on a GPU with ``--layers 24 --width 1024 --dtype
bfloat16`` (GPT-2 medium's). Weights are random. Every way sees the same batches and they take turns; the time is the
best of the rounds, the ratio to the bare pass is the median of the rounds' own. "Ours" is the whole call: finding the
stream, all passes, and with a work folder also shards and reading them back. A token's FLOP are 24 n² + 2 L n for each
block (the products of GPT-2's matrices and causal attention; no output matrix), and the machine's rate is that of a
large square product of the same dtype, measured here.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from beyond_scaling.radius.activations import record_activations, site_names
from beyond_scaling.radius.batches import automatic_batch
from beyond_scaling.radius.forward import Passes
from beyond_scaling.radius.stream import find_stream


def bare(model: Any, tokens: np.ndarray, batch: int) -> None:
    """The backbone's forward passes, and nothing kept."""
    with torch.inference_mode():
        for start in range(0, len(tokens), batch):
            ids = torch.from_numpy(tokens[start : start + batch]).to(model.device)
            model.transformer(input_ids=ids, use_cache=False)
    _wait(model.device)


def hidden_states(model: Any, tokens: np.ndarray, batch: int) -> np.ndarray:
    """All layers as transformers offers them: every position's, of which the last is copied to the host."""
    kept = []
    with torch.inference_mode():
        for start in range(0, len(tokens), batch):
            ids = torch.from_numpy(tokens[start : start + batch]).to(model.device)
            found = model.transformer(input_ids=ids, use_cache=False, output_hidden_states=True).hidden_states
            kept.append(torch.stack([state[:, -1] for state in found]).float().cpu().numpy())
    return np.concatenate(kept, axis=1)


def matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP a second of a large square matrix product."""
    size = 8192 if device.type == "cuda" else 2048
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    best = float("inf")
    for _ in range(5):
        _wait(device)
        began = time.perf_counter()
        for _ in range(10 if device.type == "cuda" else 1):
            left @ right
        _wait(device)
        best = min(best, (time.perf_counter() - began) / (10 if device.type == "cuda" else 1))
    return 2 * size**3 / best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--length", type=int, default=256, help="tokens of a chunk (default: 256)")
    parser.add_argument("--chunks", type=int, help="default: 64 on a CPU, 8192 on a GPU")
    parser.add_argument("--batch-size", type=int, help="default: the automatic one")
    parser.add_argument("--dtype", choices=("float32", "bfloat16", "float16"), default="float32")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, help="on a CPU")
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def main() -> None:
    options = _options()
    device, dtype = torch.device(options.device), getattr(torch, options.dtype)
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    shape = {"n_layer": options.layers, "n_embd": options.width, "n_head": max(1, options.width // 64)}
    model = GPT2LMHeadModel(GPT2Config(**shape, n_positions=options.length)).to(device, dtype).eval()
    count = options.chunks or (8192 if device.type == "cuda" else 64)
    tokens = np.random.default_rng(0).integers(0, 50257, (count, options.length))
    every = site_names(model, "all")
    stream = find_stream(model)
    passes = Passes(model, stream, list(dict.fromkeys(map(stream.place, every))), 1)
    batch = options.batch_size or automatic_batch(passes, tokens)

    def to_disk() -> None:
        with tempfile.TemporaryDirectory() as folder:
            record_activations(model, tokens, sites=every, batch_size=batch, work=Path(folder) / "work")

    ways: dict[str, Callable[[], object]] = {
        "bare forward": lambda: bare(model, tokens, batch),
        "ours: before and after the norm": lambda: record_activations(model, tokens, batch_size=batch),
        "ours: all layers": lambda: record_activations(model, tokens, sites=every, batch_size=batch),
        "ours: all layers, work folder": to_disk,
        "output_hidden_states": lambda: hidden_states(model, tokens, batch),
    }
    bare(model, tokens[: 2 * batch], batch)
    taken: dict[str, list[float]] = {name: [] for name in ways}
    rate = 0.0
    for _ in range(options.rounds):
        rate = max(rate, matrix_rate(device, dtype))
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            taken[name].append(time.perf_counter() - began)
    each = options.layers * (24 * options.width**2 + 2 * options.length * options.width)  # FLOP of a token
    place = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} CPU threads"
    print(
        f"{options.layers} blocks of width {options.width}, {count} chunks of {options.length} tokens in batches of"
        f" {batch}, {options.dtype}, {place}; torch {torch.__version__}, {platform.python_implementation()}"
        f" {platform.python_version()}; a matrix product runs at {rate / 1e12:.3g} TFLOP/s"
    )
    print(f"{'way':34s}{'s':>9s}{'of bare':>9s}{'tokens/s':>12s}{'of the product rate':>21s}")
    for name, seconds in taken.items():
        ratio = statistics.median(ours / bare for ours, bare in zip(seconds, taken["bare forward"], strict=True))
        speed = tokens.size / min(seconds)
        print(f"{name:34s}{min(seconds):9.3f}{ratio:9.3f}{speed:12,.0f}{speed * each / rate:21.1%}")


if __name__ == "__main__":
    main()
