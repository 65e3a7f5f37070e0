"""One step of the zoo's networks beside peers that do the same: time and error, in one run.

Run: ``python benchmarks/hopfield.py``, beside plain torch only; with ``--peers DIR`` also beside what DIR holds of
these GitHub repositories, cloned there under their own names and imported from there:

    ml-jku/hopfield-layers          needs torch
    bhoov/barebones-hamux           needs jax, equinox
    bhoov/energy-transformer-jax    needs jax, equinox

Every way gets the same float32 numbers in its own kind of array, and the same ``--threads`` (jax can be held to one,
but not to a few: it then takes all cores). Ways take turns, round by round; times are medians of ``--rounds``,
compilation left out, and ratios are to the first of ours. "error": the largest difference from plain float64 formulas,
relative to the largest entry.

"attention": one update of the modern continuous network. "layers": ∂E/∂g of all layers of a hierarchical network.
"block": ∂E/∂g of an Energy Transformer block in which tokens attend to themselves too, as the authors' code does.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from beyond_scaling.hopfield import (
    EnergyTransformer,
    HierarchicalMemory,
    HierarchicalNetwork,
    Layer,
    LayerNormLagrangian,
    ModernHopfield,
    PowerLagrangian,
    SoftmaxLagrangian,
    attention,
)

Way = Callable[[], Any]


class Case(NamedTuple):
    label: str
    truth: np.ndarray
    ways: dict[str, Way]


def numbers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def flat(result: Any) -> np.ndarray:
    """What a way returned as one float64 vector; several arrays one after the other."""
    parts = result if isinstance(result, tuple | list) else [result]
    return np.concatenate([np.asarray(part, dtype=np.float64).ravel() for part in parts])


def softmax(z: np.ndarray) -> np.ndarray:
    grown = np.exp(z - z.max(axis=-1, keepdims=True))
    return grown / grown.sum(axis=-1, keepdims=True)


# --- attention ----------------------------------------------------------------------------------------------------


def attention_case(queries: int, d: int, n: int, peers: Path | None) -> Case:
    x, patterns, beta = numbers(0, queries, n), numbers(1, d, n), n**-0.5
    wide, stored = x.astype(float), patterns.astype(float)
    query, keys = torch.from_numpy(x), torch.from_numpy(patterns)
    modern, hierarchical = ModernHopfield(keys, beta), HierarchicalMemory(keys, SoftmaxLagrangian(beta))
    numpy_memory = HierarchicalMemory(patterns, SoftmaxLagrangian(beta))
    ways: dict[str, Way] = {
        "ours, attention": lambda: attention(query, keys, keys, beta),
        "ours, HierarchicalMemory": lambda: hierarchical.update(query),
        "ours, the same on NumPy": lambda: numpy_memory.update(x),
        "ours, ModernHopfield": lambda: modern.update(query),
        "torch scaled_dot_product_attention": lambda: torch.nn.functional.scaled_dot_product_attention(
            query[None], keys[None], keys[None], scale=beta
        ),
    }
    if has(peers, "hopfield-layers", "torch"):
        from hflayers import Hopfield

        still = {f"normalize_{what}": False for what in ("stored_pattern", "state_pattern", "pattern_projection")}
        still |= {f"{name}_affine": False for name in still}
        layer = Hopfield(
            input_size=n, scaling=beta, update_steps_max=0, stored_pattern_as_static=True, state_pattern_as_static=True,
            pattern_projection_as_static=True, disable_out_projection=True, input_bias=False, **still,
        )
        ways["hopfield-layers"] = lambda: layer((keys[None], query[None], keys[None]))
    if has(peers, "barebones-hamux/src", "jax", "equinox"):
        ways["barebones-hamux, compiled"] = hamux_attention(x, patterns, beta)
    return Case(
        f"attention: {queries:,} queries, d = {d:,}, n = {n}", flat(softmax(beta * wide @ stored.T) @ stored), ways
    )


def hamux_attention(x: np.ndarray, patterns: np.ndarray, beta: float) -> Way:
    """One layer and a synapse with the hidden neurons summed out: x - ∂E/∂g is the update."""
    import bbhamux
    import jax
    import jax.numpy as jnp

    stored = jnp.asarray(patterns)
    ham = bbhamux.HAM(
        {"x": bbhamux.Neurons(bbhamux.lagr_identity, x.shape[1])},
        {"s": lambda g: -bbhamux.lagr_softmax(stored @ g, beta)},
        [(("x",), "s")],
    ).vectorize()

    @jax.jit
    def update(states: dict) -> Any:
        return states["x"] - ham.dEdg(ham.activations(states), states)["x"]

    start = {"x": jnp.asarray(x)}
    return lambda: update(start).block_until_ready()


# --- a network of three layers ------------------------------------------------------------------------------------


def layers_case(batch: int, sizes: tuple[int, int, int], peers: Path | None) -> Case:
    synapses = [numbers(t, a, b) / np.float32(a**0.5) for t, (a, b) in enumerate([sizes[:2], sizes[1:]])]
    states = [numbers(9 + a, batch, size) for a, size in enumerate(sizes)]
    lagrangians = [LayerNormLagrangian(), PowerLagrangian(2), SoftmaxLagrangian()]
    layers = [Layer(size, each) for size, each in zip(sizes, lagrangians, strict=True)]
    network = HierarchicalNetwork(layers, [torch.from_numpy(weights) for weights in synapses])
    numpy_network = HierarchicalNetwork(layers, synapses)
    tensors = [torch.from_numpy(state) for state in states]
    ways: dict[str, Way] = {
        "ours": lambda: network.activation_gradient(tensors),
        "ours on NumPy": lambda: numpy_network.activation_gradient(states),
    }
    if has(peers, "barebones-hamux/src", "jax", "equinox"):
        ways["barebones-hamux, compiled"] = hamux_layers(states, synapses)
    (x, y, z), (up, top) = (state.astype(float) for state in states), (weights.astype(float) for weights in synapses)
    centred = x - x.mean(axis=1, keepdims=True)
    g = [centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5), np.maximum(y, 0), softmax(z)]
    truth = [x - g[1] @ up.T, y - g[0] @ up - g[2] @ top.T, z - g[1] @ top]
    return Case(f"layers: {batch:,} states, {' - '.join(map(str, sizes))} neurons", flat(truth), ways)


def hamux_layers(states: list[np.ndarray], synapses: list[np.ndarray]) -> Way:
    import bbhamux
    import equinox
    import jax
    import jax.numpy as jnp

    lagrangians = {"a": bbhamux.lagr_layernorm, "b": bbhamux.lagr_relu, "c": bbhamux.lagr_softmax}
    dense = {}
    for name, weights in zip(["ab", "bc"], synapses, strict=True):
        drawn = bbhamux.DenseSynapse(jax.random.PRNGKey(0), *weights.shape)
        dense[name] = equinox.tree_at(lambda synapse: synapse.W, drawn, jnp.asarray(weights))
    sizes = [state.shape[1] for state in states]
    neurons = {name: bbhamux.Neurons(lagrangians[name], size) for name, size in zip("abc", sizes, strict=True)}
    ham = bbhamux.HAM(neurons, dense, [(("a", "b"), "ab"), (("b", "c"), "bc")]).vectorize()
    pull = jax.jit(lambda states: ham.dEdg(ham.activations(states), states))
    start = {name: jnp.asarray(state) for name, state in zip("abc", states, strict=True)}

    def run() -> list[Any]:
        found = pull(start)
        return [found[name].block_until_ready() for name in "abc"]

    return run


# --- the Energy Transformer block ---------------------------------------------------------------------------------


def block_case(
    batch: int, tokens: int, width: int, heads: int, key_size: int, memories: int, peers: Path | None
) -> Case:
    x, xi = numbers(20, batch, tokens * width), numbers(21, memories, width)
    weights = numbers(22, 2, heads, key_size, width) / np.float32(width**0.5)
    patterns = xi.reshape(memories // tokens, tokens * width)

    def make(kind: Callable[[np.ndarray], Any]) -> EnergyTransformer:
        query, key = kind(weights[0]), kind(weights[1])
        return EnergyTransformer(kind(patterns), tokens, query_weights=query, key_weights=key, attend_self=True)

    block, numpy_block, query = make(torch.from_numpy), make(np.asarray), torch.from_numpy(x)
    moving = query.clone().requires_grad_()

    def by_autograd() -> torch.Tensor:
        g = block.norm.activation(moving.reshape(batch, tokens, width))
        return torch.autograd.grad(plain_energy(g, *map(torch.from_numpy, (*weights, xi))), g)[0]

    ways: dict[str, Way] = {
        "ours": lambda: block.activation_gradient(query),
        "ours on NumPy": lambda: numpy_block.activation_gradient(x),
        "torch, autograd of the energy": by_autograd,
    }
    if has(peers, "energy-transformer-jax", "jax", "equinox"):
        ways["energy-transformer-jax, compiled"] = authors_block(x.reshape(batch, tokens, width), weights, xi)
    g = block.norm.activation(query.double().reshape(batch, tokens, width)).requires_grad_()
    wide = (torch.from_numpy(array).double() for array in (*weights, xi))
    (truth,) = torch.autograd.grad(plain_energy(g, *wide), g)
    label = f"block: {batch} x {tokens} tokens of {width}, {heads} heads of {key_size}, {memories} memories"
    return Case(label, flat(truth), ways)


def plain_energy(g: torch.Tensor, query: torch.Tensor, key: torch.Tensor, xi: torch.Tensor) -> torch.Tensor:
    """The block's energy, summed over the batch: g (b, t, w), query and key (h, k, w), xi (m, w)."""
    beta = query.shape[1] ** -0.5
    asks, answers = (torch.einsum("btw,hkw->bhtk", g, weights) for weights in (query, key))
    scores = torch.logsumexp(beta * torch.einsum("bhck,bhtk->bhct", asks, answers), dim=-1)
    return -scores.sum() / beta - (torch.relu(g @ xi.T) ** 2).sum() / 2


def authors_block(x: np.ndarray, weights: np.ndarray, xi: np.ndarray) -> Way:
    import architecture
    import equinox
    import jax
    import jax.numpy as jnp

    heads, key_size, width = weights.shape[1:]
    config = architecture.ETConfig(width, key_size, heads, len(xi) / width)
    drawn = architecture.EnergyTransformer(jax.random.PRNGKey(0), config)
    given = [jnp.asarray(array) for array in (*weights, xi.T)]
    model = equinox.tree_at(lambda block: (block.attn.Wq, block.attn.Wk, block.hn.Xi), drawn, given)
    norm = architecture.EnergyLayerNorm(width)
    pull = jax.jit(jax.vmap(lambda state: jax.grad(model.energy)(norm.g(state))))
    start = jnp.asarray(x)
    return lambda: pull(start).block_until_ready()


# --- the table ----------------------------------------------------------------------------------------------------


def has(peers: Path | None, folder: str, *packages: str) -> bool:
    """Whether this peer can be run; its folder is then on the path."""
    if peers is None or not (peers / folder).is_dir():
        return False
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        print(f"{folder}: left out, needs {', '.join(missing)}", file=sys.stderr)
        return False
    if str(peers / folder) not in sys.path:
        sys.path.append(str(peers / folder))
    return True


def cases(peers: Path | None) -> Iterator[Case]:
    yield attention_case(1, 100, 64, peers)
    yield attention_case(1_000, 1_000, 64, peers)
    yield attention_case(200, 4_000, 784, peers)
    yield layers_case(200, (784, 500, 100), peers)
    yield block_case(4, 16, 64, 4, 16, 256, peers)
    yield block_case(2, 64, 128, 4, 32, 512, peers)


def limit_threads(count: int) -> None:
    """Libraries read their limits when they are loaded, so the script starts again with the limits in place."""
    limits = {f"{library}_NUM_THREADS": str(count) for library in ("OMP", "OPENBLAS", "MKL", "VECLIB")}
    if count == 1:
        limits["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    if any(os.environ.get(name) != value for name, value in limits.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | limits)
    torch.set_num_threads(count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, help="folder that holds the peers' repositories")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    limit_threads(options.threads)
    print(f"{'case':62s}{'way':36s}{'ms':>10s}{'ratio':>8s}{'error':>10s}")
    for case in cases(options.peers):
        times: dict[str, list[float]] = {name: [] for name in case.ways}
        found = {name: way() for name, way in case.ways.items()}  # compiles what is compiled
        for _ in range(options.rounds):  # in turn, so that a noisy moment meets all of them
            for name, way in case.ways.items():
                start = time.perf_counter()
                way()
                times[name].append(time.perf_counter() - start)
        ours = statistics.median(next(iter(times.values())))
        for name, result in found.items():
            median = statistics.median(times[name])
            error = np.abs(flat(result) - case.truth).max() / np.abs(case.truth).max()
            print(f"{case.label:62s}{name:36s}{1e3 * median:10.3f}{median / ours:8.2f}{error:10.1e}")


if __name__ == "__main__":
    main()
