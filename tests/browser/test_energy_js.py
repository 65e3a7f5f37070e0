"""The widgets' mathematics against Python's, in a real browser: 1,000 random cases of all, to 1e-12.

"Relative" means relative to the natural scale of a result: the size of the terms that the formula adds. A
weight softmax(β ρ·x) at patterns near 10⁶ cannot be known better than β |x| |ρ_i - ρ_j| rounded once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from beyond_scaling import bounds, stationary
from beyond_scaling import energy as py
from beyond_scaling.widgets.bundle import bundle

from .widget_page import module

RELATIVE = 1e-12
CASES = 1000

EVALUATE = """(cases) => cases.map(({ x, P, beta, y, H, a, d }) => {
  const m = module;
  const form = (band) => [band.value, ...band.printed, ...band.corrected];
  return {
    log_sum_exp: m.logSumExp(y), squared_distances: m.squaredDistances(x, P),
    nearest_distance: m.nearestDistance(x, P),
    energy: m.energy(x, P), mchn_energy: m.mchnEnergy(x, P, beta), negative_lse: m.negativeLse(x, P, beta),
    mchn_regulariser: m.mchnRegulariser(x, P, beta), posterior: m.posterior(x, P),
    mchn_posterior: m.mchnPosterior(x, P, beta), energy_gradient: m.energyGradient(x, P),
    energy_hessian: m.energyHessian(x, P), mchn_gradient: m.mchnGradient(x, P, beta),
    mchn_hessian: m.mchnHessian(x, P, beta), update: m.update(x, P), mchn_update: m.mchnUpdate(x, P, beta),
    effective_neighbours: m.effectiveNeighbours(x, P), proposition_1: form(m.proposition1(x, P)),
    proposition_2: form(m.proposition2(x, P)), proposition_3: form(m.proposition3(x, P)),
    norm_spread: m.normSpread(P), softmax: m.softmax(y), norm_defects: m.normDefects(P),
    eigenvalues: m.symmetricEigenvalues2(H), separation_threshold: m.separationThreshold(d),
    two_well_minimum: m.twoWellMinimum(a), two_well_minimum_mchn: m.twoWellMinimum(a, beta),
  };
})"""


@dataclass
class Case:
    """One random input of every function, and the scales its results are compared on."""

    x: np.ndarray  # (n,)
    P: np.ndarray  # (d, n)
    beta: float
    y: np.ndarray
    H: np.ndarray  # (2, 2) symmetric
    a: float
    d: int

    def plain(self) -> dict[str, Any]:
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
            if name in ("x", "P", "beta", "y", "H", "a", "d")
        }

    @cached_property
    def spread(self) -> float:
        return float(np.linalg.norm(self.P[:, None] - self.P[None], axis=-1).max())

    @cached_property
    def away(self) -> float:
        """Distance from x to the farthest pattern."""
        return float(np.linalg.norm(self.x - self.P, axis=-1).max())

    @cached_property
    def size(self) -> float:
        return float(max(np.linalg.norm(self.P, axis=-1).max(), np.linalg.norm(self.x)))

    @cached_property
    def overlap(self) -> float:
        """Size of the logits β ρ·x against each other."""
        return self.beta * self.size * self.spread

    @property
    def log_d(self) -> float:
        return float(np.log(len(self.P)))


def random_case(rng: np.random.Generator, n: int | None = None, most: int = 20) -> Case:
    n = n or int(rng.choice([1, 1, 2, 2, 2, 3, 5, 12]))
    count = int(rng.integers(1, most + 1))
    spread = float(rng.choice([0.3, 1.0, 2.0, 4.0]))
    offset = float(rng.choice([0.0, 0.0, 0.0, 1.0, 30.0, 1e3, 1e6])) * rng.standard_normal(n)
    patterns = offset + spread * rng.standard_normal((count, n))
    if count > 1 and rng.random() < 0.1:
        patterns[-1] = patterns[0]
    # On a pattern, among the patterns, or far from all of them.
    reach = float(rng.choice([0.0, 0.3, 1.0, 1.0, 1.0, 10.0, 1e4]))
    x = patterns[rng.integers(count)] + reach * spread * rng.standard_normal(n)
    half = rng.standard_normal((2, 2)) * 10.0 ** rng.integers(-3, 4)
    return Case(
        x=x,
        P=patterns,
        beta=float(rng.choice([0.1, 0.5, 1.0, 2.0, 4.0, 8.0])),
        y=rng.standard_normal(rng.integers(1, 30)) * 10.0 ** rng.integers(-2, 4),
        H=half + half.T,
        a=float(rng.uniform(0.1, 3.0)),
        d=int(np.exp(rng.uniform(np.log(2), np.log(1e12)))),
    )


def expected(case: Case) -> dict[str, tuple[Any, Any]]:
    """Python's result of every function, with the scale it is compared on."""
    x, P, beta = case.x, case.P, case.beta
    g = float(py.nearest_distance(x, P))
    wide, weight = case.spread, 1 + case.overlap
    defects = np.linalg.norm(P, axis=-1)
    defects = (defects.max() - defects) * (defects.max() + defects)  # scale only
    mchn = case.away**2 + defects.max() + case.size * wide + case.log_d / beta
    means = float(np.linalg.norm(P, axis=-1).max())
    one, two, three = (
        (printed := f(x, P, "printed"), corrected := f(x, P, "corrected"))
        and [printed.value, printed.lower, printed.upper, corrected.lower, corrected.upper]
        for f in (bounds.proposition_1, bounds.proposition_2, bounds.proposition_3)
    )
    y = case.y
    return {
        "log_sum_exp": (py.log_sum_exp(y), np.abs(y).max() + np.log(len(y))),
        "softmax": (py.posterior(np.zeros(1), np.sqrt(y.max() - y)[:, None]), 1 + np.abs(y).max()),
        "squared_distances": (py.squared_distances(x, P), py.squared_distances(x, P)),
        "nearest_distance": (g, g),
        "energy": (py.energy(x, P), g + case.log_d),
        "mchn_energy": (py.mchn_energy(x, P, beta), mchn),
        "negative_lse": (py.negative_lse(x, P, beta), case.size**2 + case.log_d / beta),
        "mchn_regulariser": (py.mchn_regulariser(x, P, beta), case.size**2 + case.log_d / beta),
        "posterior": (py.posterior(x, P), 1.0),
        "mchn_posterior": (py.mchn_posterior(x, P, beta), weight),
        "energy_gradient": (py.energy_gradient(x, P), 2 * case.away),
        "energy_hessian": (py.energy_hessian(x, P), 2 + 4 * wide**2),
        "mchn_gradient": (py.mchn_gradient(x, P, beta), case.away + wide * weight),
        "mchn_hessian": (py.mchn_hessian(x, P, beta), 1 + beta * wide**2 * weight),
        "update": (py.update(x, P), means),
        "mchn_update": (py.mchn_update(x, P, beta), means + wide * weight),
        "effective_neighbours": (py.effective_neighbours(x, P), len(P)),
        "proposition_1": (one, g + case.log_d),
        "proposition_2": (two, case.size * wide + case.log_d),
        "proposition_3": (three, case.size * wide + case.log_d),
        "norm_spread": (bounds.proposition_2(x, P).upper, case.size * wide),
        "norm_defects": (
            (np.linalg.norm(P, axis=-1).max() ** 2 - np.linalg.norm(P, axis=-1) ** 2),
            case.size**2,
        ),
        "eigenvalues": (np.linalg.eigvalsh(case.H), np.abs(case.H).max()),
        "separation_threshold": (stationary.separation_threshold(case.d), 1.0),
        "two_well_minimum": (stationary.two_well_minimum(case.a), case.a),
        "two_well_minimum_mchn": (stationary.two_well_minimum(case.a, beta), case.a),
    }


@pytest.fixture
def energy_page(page: Page) -> Page:
    module(page, "energy.js")
    return page


def test_every_function_agrees_with_python_on_a_thousand_cases(energy_page: Page) -> None:
    rng = np.random.default_rng(20240517)
    cases = [random_case(rng) for _ in range(CASES)]
    results = energy_page.evaluate(EVALUATE, [case.plain() for case in cases])
    worst: dict[str, tuple[float, int]] = {}
    for index, (case, result) in enumerate(zip(cases, results, strict=True)):
        wanted = expected(case)
        assert result.keys() == wanted.keys()
        for name, (value, scale) in wanted.items():
            found = np.asarray(result[name], dtype=float)
            value = np.asarray(value, dtype=float)
            assert found.shape == value.shape, name
            scale = np.maximum(np.asarray(scale, dtype=float), 1e-300)
            error = float(np.max(np.abs(found - value) / scale))
            assert np.isfinite(found).all(), (name, index)
            worst[name] = max(worst.get(name, (0.0, -1)), (error, index))
    too_far = {name: w for name, w in worst.items() if not w[0] <= RELATIVE}
    assert not too_far, too_far


def test_retrieval_agrees_with_python_on_a_thousand_cases(energy_page: Page) -> None:
    rng = np.random.default_rng(7)
    cases = [random_case(rng, most=8) for _ in range(CASES)]
    betas = [case.beta if rng.random() < 0.5 else None for case in cases]
    results = energy_page.evaluate(
        """(cases) => cases.map(({ x, P, beta, steps }) =>
             module.retrieve(x, P, beta, { maxSteps: steps }))""",
        [{**case.plain(), "beta": beta, "steps": 300} for case, beta in zip(cases, betas, strict=True)],
    )
    agree = 0
    for case, beta, result in zip(cases, betas, results, strict=True):
        wanted = py.retrieve(case.x, case.P, beta, max_steps=300)
        found = np.asarray(result["points"])
        common = min(len(found), len(wanted.points))
        weight = 1.0 if beta is None else 1 + case.overlap
        # What rounding at the first step may have become: the product of the steps' own stretching.
        slope = 2.0 if beta is None else beta
        hessians = (
            py.energy_hessian(wanted.points, case.P) / 2
            if beta is None
            else py.mchn_hessian(wanted.points, case.P, beta)
        )
        stretch = np.abs(1 - np.linalg.eigvalsh(hessians)).max(axis=-1)  # (steps + 1,), of slope * Cov_w
        assert (stretch <= slope * case.spread**2 * (1 + 1e-9) + 1e-9 * weight).all()
        grown = np.ones(common)
        for k in range(1, common):
            grown[k] = 1 + stretch[k - 1] * grown[k - 1]
        scale = (case.size + case.spread * weight) * grown
        error = np.linalg.norm(found[:common] - wanted.points[:common], axis=-1) / scale
        assert error.max() <= RELATIVE, (error.max(), case)
        energies = np.asarray(result["energies"])
        assert energies.shape == found.shape[:1]
        assert abs(len(found) - len(wanted.points)) <= 1 + 1e-3 * common
        agree += result["stopped"] == wanted.stopped and len(found) == len(wanted.points)
    # Steps of the length of the tolerance may be judged one step apart; nearly all are not.
    assert agree >= 0.97 * CASES


@pytest.mark.parametrize("n", [1, 2])
def test_stationary_points_agree_with_python(energy_page: Page, n: int) -> None:
    rng = np.random.default_rng(100 + n)
    cases: list[tuple[np.ndarray, float | None]] = []
    for k in range(150):
        case = random_case(rng, n=n, most=6 if k % 10 else 20)
        offset = case.P.mean(axis=0)
        if k % 3:
            case.P = case.P - offset
        elif case.size > 1e4:
            continue
        cases.append((case.P, None if k % 2 else case.beta))
    results = energy_page.evaluate(
        "(cases) => cases.map(([P, beta]) => module.stationaryPoints(P, beta))",
        [[patterns.tolist(), beta] for patterns, beta in cases],
    )
    assert len(results) >= 100
    for (patterns, beta), found in zip(cases, results, strict=True):
        wanted = stationary.stationary_points(patterns, beta)
        assert len(found) == len(wanted), (patterns, beta)
        size = np.abs(patterns).max()
        spread = np.ptp(patterns, axis=0).max() if len(patterns) > 1 else 0.0
        slope = 2.0 if beta is None else beta
        left = list(found)
        for point in wanted:
            other = min(left, key=lambda p, x=point.x: np.linalg.norm(np.asarray(p["x"]) - x))
            left.remove(other)
            assert other["kind"] == point.kind
            # A zero of the gradient is known as well as the gradient, divided by the slope it has there.
            steep = np.abs(point.eigenvalues).min()
            reach = (size + spread * (1 + slope * size * spread)) / min(1.0, steep)
            bend = 2 + 2 * slope * spread**2
            np.testing.assert_allclose(other["x"], point.x, rtol=0, atol=RELATIVE * reach)
            np.testing.assert_allclose(
                other["eigenvalues"],
                point.eigenvalues,
                rtol=0,
                atol=RELATIVE * bend * (1 + slope * spread * reach),
            )
            np.testing.assert_allclose(
                other["value"], point.value, rtol=0, atol=RELATIVE * (1 + spread**2 + size * (1 + spread))
            )


def test_stationary_points_of_the_paper(energy_page: Page, golden: dict[str, Any]) -> None:
    for key, block in golden["stationary_points"].items():
        name, energy = key.split(":")
        beta = None if energy == "E" else float(energy.removeprefix("MCHN"))
        found = energy_page.evaluate(
            "([P, beta]) => module.stationaryPoints(P, beta)", [golden["energies"][name]["patterns"], beta]
        )
        assert [p["kind"] for p in found] == [p["type"] for p in sorted(block["points"], key=lambda p: p["x"])]
        for point, wanted in zip(found, sorted(block["points"], key=lambda p: p["x"]), strict=True):
            np.testing.assert_allclose(point["x"], wanted["x"], rtol=0, atol=4e-12)
            np.testing.assert_allclose(point["eigenvalues"], wanted["hess_eig"], rtol=0, atol=1e-11)


def test_stationary_points_at_bifurcations(energy_page: Page) -> None:
    """The ghost minimum in the triangle, its birth and death, coinciding patterns, a row in the plane."""
    kinds = energy_page.evaluate("""() => {
      const triangle = (side) => [90, 210, 330].map((degrees) => {
        const t = degrees * Math.PI / 180;
        return [Math.cos(t), Math.sin(t)].map((v) => v * side / Math.sqrt(3));
      });
      const count = (P, beta = null) => {
        const n = { minimum: 0, saddle: 0, maximum: 0, degenerate: 0 };
        for (const p of module.stationaryPoints(P, beta)) n[p.kind] += 1;
        return Object.values(n);
      };
      return {
        merged: count(triangle(1.6)), ghost: count(triangle(1.7)), open: count(triangle(1.8)),
        edge: count(triangle(Math.sqrt(3))), pitchfork: count([[-Math.SQRT1_2], [Math.SQRT1_2]]),
        one: count([[3, 4]]), same: count([[3, 4], [3, 4]], 2), row: count([[-2, -2], [0, 0], [1.5, 1.5]]),
        far: count([[1e6, 1e6], [1e6 + 2, 1e6]]),
      };
    }""")
    assert kinds == {
        "merged": [1, 0, 0, 0],
        "ghost": [4, 3, 0, 0],
        "open": [3, 3, 1, 0],
        "edge": [3, 0, 0, 1],
        "pitchfork": [0, 0, 0, 1],
        "one": [1, 0, 0, 0],
        "same": [1, 0, 0, 0],
        "row": [3, 2, 0, 0],
        "far": [2, 1, 0, 0],
    }


def ring(d: int, radius: float) -> np.ndarray:
    angles = 2 * np.pi * np.arange(d) / d
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


@pytest.mark.parametrize(
    ("patterns", "beta"),
    [
        (ring(6, 3.0), 8.0),
        # Around these rings the energy is flat to a part in 10,000 or less.
        (ring(8, 1.5), 1.0),
        (ring(10, 1.2), None),
        (ring(14, 0.8), 8.0),
        (np.stack(np.meshgrid([0.0, 1.5, 3.0], [0.0, 1.5, 3.0]), axis=-1).reshape(-1, 2), None),
        (np.sqrt(2) * np.stack(np.meshgrid(range(4), range(4)), axis=-1).reshape(-1, 2), 8.0),
        (np.array([[0.0, 0.0], [1e-7, 0.0], [2.0, 1.0], [2.0, 1.0]]), None),
        (np.array([[0.0, 0.0], [1.0, 0.3], [2.0, 0.6], [5.0, 1.5]]), 2.0),
        (np.array([[0.0, 0.0], [30.0, 1.0], [-20.0, 40.0]]), 8.0),
    ],
    ids=["ring-6", "ring-8", "ring-10", "ring-14", "lattice-9", "lattice-16", "twins", "row", "wide"],
)
def test_hard_sets_agree_with_python(energy_page: Page, patterns: np.ndarray, beta: float | None) -> None:
    found = energy_page.evaluate("([P, beta]) => module.stationaryPoints(P, beta)", [patterns.tolist(), beta])
    wanted = stationary.stationary_points(patterns, beta)
    kinds = ("minimum", "saddle", "maximum", "degenerate")
    assert [[p["kind"] for p in found].count(k) for k in kinds] == [[p.kind for p in wanted].count(k) for k in kinds]
    gaps = np.linalg.norm(np.array([p["x"] for p in found])[:, None] - np.array([p.x for p in wanted]), axis=-1)
    assert gaps.min(axis=0).max() < 1e-9 * np.ptp(patterns, axis=0).max()


@pytest.mark.parametrize("n", [1, 2])
def test_convexity_threshold_agrees_with_python(energy_page: Page, n: int) -> None:
    rng = np.random.default_rng(40 + n)
    sets = [rng.standard_normal((int(rng.integers(2, 9)), n)) for _ in range(120 if n == 1 else 40)]
    found = energy_page.evaluate("(sets) => sets.map((P) => module.convexityThreshold(P))", [p.tolist() for p in sets])
    wanted = [stationary.convexity_threshold(patterns) for patterns in sets]
    # In the plane Python's own search promises 1e-9.
    np.testing.assert_allclose(found, wanted, rtol=1e-12 if n == 1 else 1e-9)


def test_following_finds_what_the_search_finds(energy_page: Page) -> None:
    """While patterns are dragged, points are followed by Newton's method; a small move loses none."""
    rng = np.random.default_rng(3)
    moves = []
    for _ in range(60):
        patterns = 2 * rng.standard_normal((5, 2))
        moves.append([patterns.tolist(), (patterns + 1e-4 * rng.standard_normal((5, 2))).tolist()])
    gaps = energy_page.evaluate(
        """(moves) => moves.flatMap(([P, Q]) => [null, 2].map((beta) => {
      const followed = module.followStationaryPoints(module.stationaryPoints(P, beta), Q, beta);
      const found = module.stationaryPoints(Q, beta);
      if (followed.length !== found.length) return Infinity;
      return Math.max(...found.map((p) => Math.min(...followed.map((q) =>
        Math.hypot(p.x[0] - q.x[0], p.x[1] - q.x[1]) + (p.kind === q.kind ? 0 : 1)))));
    }))""",
        moves,
    )
    assert max(gaps) < 1e-9


def test_the_grid_is_the_function_point_by_point(page: Page) -> None:
    """landscapeGrid and curvatureGrid, which the pictures are made of, against the scalar functions."""
    module(page, "grid.js")
    worst = page.evaluate(
        """async ([scalars, cases]) => {
      const m = await import(URL.createObjectURL(new Blob([scalars], { type: "text/javascript" })));
      const value = {
        E: (x, P) => m.energy(x, P), MCHN: m.mchnEnergy, "-LSE": m.negativeLse,
        regulariser: m.mchnRegulariser,
      };
      const bend = {
        E: (x, P) => m.symmetricEigenvalues2(m.energyHessian(x, P))[0],
        MCHN: (x, P, b) => m.symmetricEigenvalues2(m.mchnHessian(x, P, b))[0],
        "-LSE": (x, P, b) => m.symmetricEigenvalues2(m.mchnHessian(x, P, b))[0] - 1,
        regulariser: () => 1,
      };
      let values = 0; let curvatures = 0;
      for (const [P, beta] of cases) {
        // Far enough out that single factors underflow.
        const xs = [-40, -3, -1, 0.5, 2, 30]; const ys = [50, 2.5, 0, -1.5, -35];
        for (const name of Object.keys(value)) {
          const out = module.landscapeGrid(name, P, beta, xs, ys, new Float64Array(30));
          const curved = module.curvatureGrid(name, P, beta, xs, ys, new Float64Array(30));
          ys.forEach((y, i) => xs.forEach((x, j) => {
            const size = 1 + x * x + y * y;
            values = Math.max(values, Math.abs(out[6 * i + j] - value[name]([x, y], P, beta)) / size);
            const bent = Math.abs(curved[6 * i + j] - bend[name]([x, y], P, beta));
            curvatures = Math.max(curvatures, bent / (1 + beta * 30));
          }));
        }
      }
      return [values, curvatures];
    }""",
        [
            bundle("energy.js"),
            [
                [(2 * np.random.default_rng(k).standard_normal((3 + k, 2))).tolist(), [0.1, 1, 8][k % 3]]
                for k in range(9)
            ],
        ],
    )
    assert worst[0] < 1e-12
    assert worst[1] < 1e-9


def test_the_curves_are_the_functions_point_by_point(page: Page) -> None:
    """lineGrid and lineCurvature, which the curves are made of, against the scalar functions."""
    module(page, "grid.js")
    rng = np.random.default_rng(8)
    cases = [[(2 * rng.standard_normal(1 + k)).tolist(), [0.1, 1, 8][k % 3]] for k in range(12)]
    worst = page.evaluate(
        """async ([scalars, cases]) => {
      const m = await import(URL.createObjectURL(new Blob([scalars], { type: "text/javascript" })));
      const xs = [-1000, -3, -0.4, 0, 1.3, 60];
      let worst = 0;
      for (const [numbers, beta] of cases) {
        const P = numbers.map((v) => [v]);
        const scalar = { E: (x) => m.energy(x, P), g: (x) => m.nearestDistance(x, P),
          MCHN: (x) => m.mchnEnergy(x, P, beta) };
        for (const name of Object.keys(scalar)) {
          const out = module.lineGrid(name, numbers, beta, xs, new Float64Array(6));
          xs.forEach((x, j) => {
            worst = Math.max(worst, Math.abs(out[j] - scalar[name]([x])) / (10 + x * x));
          });
        }
        for (const x of xs) {
          const bend = m.energyHessian([x], P)[0][0];
          worst = Math.max(worst, Math.abs(module.lineCurvature(numbers, x) - bend) / (10 + x * x));
        }
      }
      return worst;
    }""",
        [bundle("energy.js"), cases],
    )
    assert worst < 1e-12
