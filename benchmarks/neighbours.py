"""Exact nearest neighbours: ours beside FAISS, scikit-learn, blocked torch.cdist and SciPy's tree, in one run.

Run: ``python benchmarks/neighbours.py`` (peers: ``pip install -e '.[bench]'``). ``--cases`` chooses rows of the
table, ``--vectors FILE.npy`` adds a set of your own, ``--model FILE --tokenizer FILE --text FILE`` adds real
activations (of every layer, side by side). With a GPU: ``--device cuda``.

Every way has to find, for each vector, the distance to its nearest other one. Ways take turns, round by round; times
are medians. "of product": the rate at which all m(m-1)/2 pairs are done at 2n operations a pair, as a share of the
largest matrix product rate measured in the same run (bfloat16 where that is faster); above 1, work was left out.
"memory": largest growth of the process (of the device) during the call. "error": largest relative difference from
float64 differences, on some of the vectors.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import statistics
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from beyond_scaling.radius import nearest_distances

FRACTIONS = (0.4, 0.6, 0.8, 1.0)
Way = Callable[[np.ndarray], np.ndarray]


def isotropic(m: int, n: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((m, n), dtype=np.float32)


def power_law(m: int, n: int) -> np.ndarray:
    """Standard deviations of the components fall as 1 / rank."""
    return isotropic(m, n) / np.arange(1, n + 1, dtype=np.float32)


def activations(model: str, tokenizer: str, text: str, m: int) -> np.ndarray:
    """Every layer's activation for the next token, side by side, of m chunks of 64 tokens."""
    from beyond_scaling.corpora import documents, random_chunks
    from beyond_scaling.models.load import load_model
    from beyond_scaling.radius.activations import record_activations, site_names

    loaded = load_model(model, tokenizer)
    chunks = random_chunks(documents(text, limit=300), loaded.tokenizer, m, 64)
    sites = site_names(loaded.model, "all")[:-1]  # the last layer is "before": once is enough
    sites = tuple(site for site in sites if site.startswith("layer-"))
    found = record_activations(loaded.model, chunks.tokens, sites=sites)
    return np.concatenate([found.sites[site] for site in sites], axis=1)


def ours(x: np.ndarray) -> np.ndarray:
    return nearest_distances(x)[1.0]


def ours_four(x: np.ndarray) -> np.ndarray:
    return nearest_distances(x, FRACTIONS)[1.0]


def with_faiss(x: np.ndarray) -> np.ndarray:
    import faiss

    index = faiss.IndexFlatL2(x.shape[1])
    index.add(x)
    return np.sqrt(index.search(x, 2)[0][:, 1].clip(min=0))  # the first is the vector itself


def with_scikit_learn(x: np.ndarray) -> np.ndarray:
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors(n_neighbors=1, algorithm="brute").fit(x).kneighbors()[0][:, 0]


def with_cdist(x: np.ndarray | torch.Tensor, rows: int = 2048) -> np.ndarray | torch.Tensor:
    tensor = torch.as_tensor(x)
    out = torch.empty(len(tensor), device=tensor.device)
    for first in range(0, len(tensor), rows):
        some = tensor[first : first + rows]
        distances = torch.cdist(some, tensor)
        own = torch.arange(len(some), device=tensor.device)
        distances[own, first + own] = torch.inf
        out[first : first + rows] = distances.amin(dim=1)
    return out if isinstance(x, torch.Tensor) else out.numpy()


def with_tree(x: np.ndarray) -> np.ndarray:
    from scipy.spatial import cKDTree

    return cKDTree(x).query(x, 2, workers=-1)[0][:, 1]


def product_rate(device: str) -> tuple[float, str]:
    """Operations a second of the fastest large matrix product, and its format."""
    size, best = (16384, 0.0) if device == "cuda" else (4096, 0.0)
    for dtype in (torch.float32, torch.bfloat16):
        a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
        spent = [timed(lambda a=a, b=b: torch.mm(a, b), device)[0] for _ in range(6)]
        rate = 2 * size**3 / statistics.median(spent[1:])
        if rate > best:
            best, kind = rate, str(dtype).removeprefix("torch.")
    return best, kind


def timed(call: Callable[[], object], device: str) -> tuple[float, object]:
    if device == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    result = call()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start, result


class Memory:
    """Largest growth of this process' resident memory, or of the device's, inside a `with`; MiB."""

    def __init__(self, device: str) -> None:
        self.device, self.peak = device, 0.0

    def __enter__(self) -> Memory:
        gc.collect()
        if self.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        self.before, self.stop = self._now(), threading.Event()
        self.watch = threading.Thread(target=self._watch)
        self.watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.watch.join()
        top = torch.cuda.max_memory_allocated() if self.device == "cuda" else self.top
        self.peak = (top - self.before) / 2**20

    def _now(self) -> int:
        if self.device == "cuda":
            return torch.cuda.memory_allocated()
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    def _watch(self) -> None:
        self.top = self.before
        while not self.stop.wait(0.002):
            self.top = max(self.top, self._now())


def largest_error(x: np.ndarray | torch.Tensor, found: np.ndarray | torch.Tensor, rows: int = 50) -> float:
    """Largest relative difference from float64 differences, at rows spread over the set."""
    tensor, got = torch.as_tensor(x), torch.as_tensor(found)
    error = 0.0
    for row in np.linspace(0, len(tensor) - 1, rows).astype(int).tolist():
        least = torch.inf
        for first in range(0, len(tensor), 50_000):
            gap = tensor[first : first + 50_000].double() - tensor[row].double()
            square = gap.square_().sum(dim=1)
            if first <= row < first + 50_000:
                square[row - first] = torch.inf
            least = min(least, float(square.min()))
        exact = least**0.5
        error = max(error, abs(float(got[row]) - exact) / exact if exact else float(got[row] != 0))
    return error


def ways_for(n: int, device: str) -> dict[str, Way]:
    ways: dict[str, Way] = {"ours": ours, "ours, four fractions": ours_four}
    if device == "cuda":
        return {**ways, "torch.cdist in blocks": partial(with_cdist, rows=8192)}
    if importlib.util.find_spec("faiss"):
        ways["FAISS IndexFlatL2"] = with_faiss
    if importlib.util.find_spec("sklearn"):
        ways["scikit-learn brute"] = with_scikit_learn
    ways["torch.cdist in blocks"] = with_cdist
    if n <= 16:
        ways["SciPy cKDTree"] = with_tree
    return ways


def cases(options: argparse.Namespace) -> dict[str, Callable[[], np.ndarray]]:
    found: dict[str, Callable[[], np.ndarray]] = {}
    if options.vectors:
        found[options.vectors.stem] = lambda: np.load(options.vectors)
    if options.model:
        found["activations"] = lambda: activations(options.model, options.tokenizer, options.text, 20_000)
    if options.device == "cuda":
        for m in (100_000, 1_000_000):
            found[f"isotropic {m}"] = partial(isotropic, m, 1024)
            found[f"power law {m}"] = partial(power_law, m, 1024)
        return found
    return found | {
        "power law 384": partial(power_law, 20_000, 384),
        "isotropic 384": partial(isotropic, 20_000, 384),
        "isotropic 1024": partial(isotropic, 20_000, 1024),
        "isotropic 50000": partial(isotropic, 50_000, 1024),
        "isotropic 8": partial(isotropic, 20_000, 8),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Exact nearest neighbours: ours beside the peers.")
    parser.add_argument("--vectors", type=Path)
    for name in ("--model", "--tokenizer", "--text"):
        parser.add_argument(name)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cases", nargs="+", metavar="NAME", help="only these cases")
    parser.add_argument("--only", nargs="+", metavar="WAY", help="only these ways")
    options = parser.parse_args()
    rate, kind = product_rate(options.device)
    print(f"{torch.get_num_threads()} threads, {options.device}; matrix product {rate / 1e9:,.0f} GFLOP/s ({kind})")
    print(f"{'case':38s}{'way':24s}{'seconds':>9s}{'speed':>8s}{'of product':>12s}{'memory':>10s}{'error':>10s}")
    for name, make in cases(options).items():
        if options.cases and name not in options.cases:
            continue
        x: np.ndarray | torch.Tensor = np.ascontiguousarray(make())
        m, n = x.shape
        if options.device == "cuda":
            x = torch.from_numpy(x).cuda()
        ways = {w: f for w, f in ways_for(n, options.device).items() if not options.only or w in options.only}
        spent: dict[str, list[float]] = {way: [] for way in ways}
        memory, errors = {}, {}
        for turn in range(options.rounds + 1):
            for way, call in ways.items():
                if turn == 0:  # looked at, not timed
                    call(x[:3000])  # compiles
                    with Memory(options.device) as used:
                        found = call(x)
                    memory[way], errors[way] = used.peak, largest_error(x, found)
                else:
                    spent[way].append(timed(partial(call, x), options.device)[0])
        base = statistics.median(spent.get("FAISS IndexFlatL2") or spent[list(ways)[-1]])
        for way in ways:
            seconds = statistics.median(spent[way])
            share = m * (m - 1) * n / seconds / rate
            print(
                f"{f'{name}: {m:,} x {n:,}':38s}{way:24s}{seconds:9.3f}{base / seconds:8.2f}{share:12.2f}"
                f"{memory[way]:10.0f}{errors[way]:10.1e}",
                flush=True,
            )
    print("speed: times that of FAISS, or of the last way where FAISS is not there; memory: MiB")


if __name__ == "__main__":
    main()
