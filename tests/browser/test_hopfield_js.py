"""The playground's networks in a real browser against the classes of beyond_scaling.hopfield, to 1e-9."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from beyond_scaling import hopfield as zoo
from beyond_scaling.hopfield import kernelised
from beyond_scaling.hopfield.digits import digits
from beyond_scaling.hopfield.lagrangians import SoftmaxLagrangian, TanhLagrangian
from beyond_scaling.hopfield.memory import Memory
from beyond_scaling.widgets.bundle import bundle
from beyond_scaling.widgets.memory_playground import NETWORKS

from .widget_page import module

RELATIVE = 1e-9
BETA, DEGREE = 0.3, 4


def kernelised_network(patterns: np.ndarray, beta: float, steps: int) -> Memory:
    return zoo.KernelisedHopfield(patterns, beta, kernelised.learn_kernel(patterns, steps, rate=1.0, t=2.0))


# As memory_zoo.js makes them.
CLASSES: dict[str, Callable[[np.ndarray], Memory]] = {
    "hebb": zoo.ClassicalHopfield,
    "pseudo-inverse": partial(zoo.ClassicalHopfield, rule="pseudo-inverse"),
    "graded": partial(zoo.GradedHopfield, beta=4.0),
    "dense": partial(zoo.DenseMemory, degree=DEGREE),
    "exponential": zoo.ExponentialMemory,
    "modern": partial(zoo.ModernHopfield, beta=BETA),
    "distance": partial(zoo.DistanceMemory, beta=BETA),
    "sparse": partial(zoo.SparseHopfield, beta=BETA, alpha=2.0),
    "entmax": partial(zoo.SparseHopfield, beta=BETA, alpha=1.5),
    "outlier": partial(zoo.OutlierEfficientHopfield, beta=BETA),
    "kernelised": partial(kernelised_network, beta=BETA, steps=10),
    "universal": partial(zoo.UniversalHopfield, similarity="manhattan", separation="softmax", beta=BETA),
    "hierarchical": partial(zoo.HierarchicalMemory, hidden=SoftmaxLagrangian(BETA), visible=TanhLagrangian(2.0)),
    "transformer": partial(zoo.EnergyTransformer, tokens=1, heads=0, hidden=SoftmaxLagrangian(BETA), step=0.5),
    "predictive": partial(zoo.PredictiveCodingMemory, epsilon=0.01, step=0.5),
}

MAKE = """([key, P, settings]) => {
  const { make, prepare } = module.ZOO[key];
  if (!prepare) return (window.network = make(P, settings)) && null;
  const learning = prepare(P);
  let next = learning.next();
  while (!next.done) next = learning.next();
  window.network = next.value(settings);
}"""
AT = """(cases) => cases.map(({ x, known }) => [network.energy(x), Array.from(network.update(x, known))])"""
SEEN = """(states) => states.map((x) => Array.from(network.view(x)))"""


def seen_in(page: Page, key: str, patterns: np.ndarray, **settings: float) -> None:
    page.evaluate(MAKE, [key, patterns.tolist(), {"beta": BETA, "degree": DEGREE, **settings}])


def close(found: Any, wanted: Any) -> None:
    wanted = np.asarray(wanted, dtype=float)
    np.testing.assert_allclose(np.asarray(found, dtype=float), wanted, rtol=RELATIVE, atol=RELATIVE)


def images(kind: str, d: int) -> np.ndarray:
    return digits(d) if kind == "digits" else np.random.default_rng(d).choice([-1.0, 1.0], size=(d, 64))


def queries(patterns: np.ndarray, rng: np.random.Generator, count: int) -> np.ndarray:
    """Stored patterns, a fifth of the entries flipped and a fifth unknown."""
    x = patterns[rng.integers(len(patterns), size=count)]
    return x * rng.choice([1.0, -1.0, 0.0], p=[0.6, 0.2, 0.2], size=x.shape)


@pytest.fixture(scope="module")
def networks(browser: Browser) -> Iterator[Page]:
    """A page with memory_zoo.js as ``module`` and race.js as ``race``."""
    context = browser.new_context()
    page = context.new_page()
    module(page, "memory_zoo.js")
    page.evaluate(
        """async (source) => {
      window.race = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    }""",
        bundle("race.js"),
    )
    yield page
    context.close()


def test_every_network_is_compared(networks: Page) -> None:
    assert list(CLASSES) == list(NETWORKS) == networks.evaluate("Object.keys(module.ZOO)")


# A projection on nearly everything, and a kernel that has nothing left to spread, are decided by rounding.
@pytest.mark.parametrize(
    ("key", "kind", "d"),
    [
        (key, kind, d)
        for key in NETWORKS
        for kind, d in (("digits", 1), ("digits", 12), ("digits", 100), ("random", 9), ("random", 40))
        if (key, kind, d) != ("pseudo-inverse", "digits", 100) and (key, kind) != ("kernelised", "random")
    ],
)
def test_energies_and_updates_are_pythons(networks: Page, key: str, kind: str, d: int) -> None:
    patterns, rng = images(kind, d), np.random.default_rng(17)
    if key == "kernelised" and d == 1:
        memory: Memory = zoo.KernelisedHopfield(patterns, BETA)
    else:
        memory = CLASSES[key](patterns)
    seen_in(networks, key, patterns)
    x = queries(patterns, rng, 6)
    if memory.domain == "real":
        x[2:4] += 0.3 * rng.uniform(-1, 1, size=(2, 64)) * (x[2:4] == 0)
    known = rng.random((6, 64)) < 0.5
    known[:3] = False
    masks = [mask.tolist() if mask.any() else None for mask in known]
    cases = [{"x": row.tolist(), "known": mask} for row, mask in zip(x, masks, strict=True)]
    for (energy, after), row, mask in zip(networks.evaluate(AT, cases), x, known, strict=True):
        close(energy, memory.energy(row))
        kept = mask if mask.any() else None
        wanted = memory.update(row, known=kept)
        close(np.where(mask, row, after), wanted)


RACE = """([x, known]) => {
  const run = race.startRun(network, x);
  while (!run.done) race.advanceRun(run, known);
  return { x: Array.from(run.x), energies: run.energies, steps: run.steps, settled: run.settled };
}"""


@pytest.mark.parametrize("clamped", [False, True])
@pytest.mark.parametrize("key", NETWORKS)
def test_retrievals_are_pythons(networks: Page, key: str, clamped: bool) -> None:
    patterns = images("random" if key in ("hebb", "graded", "dense") else "digits", 8)
    memory = CLASSES[key](patterns)
    seen_in(networks, key, patterns)
    for x in queries(patterns, np.random.default_rng(3), 3):
        known = x != 0 if clamped or key == "predictive" else None
        told = networks.evaluate(RACE, [x.tolist(), None if known is None else known.tolist()])
        wanted = memory.retrieve(x, known=known, max_steps=100, tolerance=1e-3, path=True)
        assert (told["steps"], told["settled"]) == (int(wanted.steps), bool(wanted.settled))
        close(told["x"], wanted.state)
        energies = np.asarray(wanted.energies)
        close(told["energies"], [*energies[: told["steps"]], energies[-1]])
        assert memory.descends or key == "universal"
        if memory.descends and key != "dense":  # to fill in an entry may raise an odd power's energy
            assert (np.diff(told["energies"]) <= 1e-9 * np.abs(energies).max()).all()
    if hasattr(memory, "readout"):
        close(networks.evaluate(SEEN, [told["x"]])[0], memory.readout(told["x"]))


def test_random_images_of_full_rank_have_no_projection(networks: Page) -> None:
    patterns = images("random", 100)
    with pytest.raises(ValueError, match="patterns span all 64 dimensions"):
        CLASSES["pseudo-inverse"](patterns)
    told = networks.evaluate(
        """(P) => { try { module.ZOO["pseudo-inverse"].make(P, {}); } catch (error) { return `${error}`; } }""",
        patterns.tolist(),
    )
    assert told == "RangeError: patterns span all 64 dimensions, expected fewer than 64 independent patterns"


def test_ties_keep_the_entry(networks: Page) -> None:
    """Two patterns that differ in one entry: the others' votes cancel there."""
    patterns = images("random", 2)
    patterns[1] = patterns[0]
    patterns[1, 5] *= -1
    for key in ("hebb", "dense", "exponential"):
        seen_in(networks, key, patterns)
        for row in patterns:
            (told,) = networks.evaluate(AT, [{"x": row.tolist(), "known": None}])
            assert told[1] == CLASSES[key](patterns).update(row).tolist() == row.tolist(), key


LEARN = """([P, steps, rate]) => {
  const learning = module.learningKernel(P, { steps, rate, t: 2 });
  let [next, pauses] = [learning.next(), 0];
  while (!next.done) { next = learning.next(); pauses += 1; }
  return { W: next.value.map((row) => Array.from(row)), pauses };
}"""


@pytest.mark.parametrize("steps", [1, 20])
def test_a_kernel_is_learnt_as_in_python(page: Page, steps: int) -> None:
    module(page, "kernel.js")
    patterns = digits(15)
    told = page.evaluate(LEARN, [patterns.tolist(), steps, 1])
    close(told["W"], kernelised.learn_kernel(patterns, steps, rate=1.0, t=2.0))
    assert told["pauses"] >= 2 * steps, "so that a page can go on between"
    before, after = (float(kernelised.separation_loss(W, patterns)) for W in (np.eye(64), np.array(told["W"])))
    assert after < before


@pytest.mark.parametrize("rate", [1, 1e30])
@pytest.mark.parametrize("scale", [1, 1e-170])
def test_a_kernel_stays_far_from_singular(page: Page, rate: float, scale: float) -> None:
    """Where nothing is left to spread, rounding decides the kernel, but never its rank."""
    module(page, "kernel.js")
    rng = np.random.default_rng(6)
    for d, n in ((2, 6), (4, 6), (9, 6), (5, 16)):
        patterns = 3 * rng.standard_normal((1, n)) + rng.standard_normal((d, n))
        patterns[-1] = patterns[0] if d > 2 else patterns[-1]
        told = page.evaluate(LEARN, [(scale * patterns).tolist(), 60, rate])
        values = np.linalg.svdvals(np.array(told["W"]))
        assert values[-1] > 0.0099 * values[0]
