"""Exact nearest neighbours: against brute force, in every awkward position."""

from __future__ import annotations

import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond_scaling.radius import _codes, _cpu_search, _device_search, _points, _sketch, neighbours
from beyond_scaling.radius._points import Points
from beyond_scaling.radius.neighbours import nearest_distances, subset_order, subset_rows, subset_size


def brute(vectors: np.ndarray) -> np.ndarray:
    """Distances (m,) to the nearest other row, by float64 differences of every pair."""
    x = np.asarray(vectors).astype(np.float64)
    out = np.empty(len(x))
    for i, row in enumerate(x):
        difference = x - row
        square = np.einsum("ij,ij->i", difference, difference)
        square[i] = np.inf
        if 1e-200 < square.min() < 1e200:
            out[i] = np.sqrt(square.min())
            continue
        difference = np.delete(difference, i, axis=0)
        size = np.abs(difference).max(axis=1)
        scale = np.where(size > 0, size, 1.0)  # neither overflow nor underflow
        out[i] = (scale * np.sqrt(((difference / scale[:, None]) ** 2).sum(axis=1))).min()
    return out


WAYS = ("compiled", "float32", "tensors")


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every way the distances may be found on a CPU: bfloat16 or float32 codes, or without compiled loops."""
    take(request.param, monkeypatch)
    return str(request.param)


def take(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "compiled", lambda: way != "tensors")
    kind = _codes.FLOAT32 if way == "float32" else _codes.BFLOAT16
    monkeypatch.setattr(_cpu_search, "fastest_kind", lambda: kind)
    monkeypatch.setattr(_cpu_search, "rates", lambda: {kind: 1e12})


def in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many tiles, many groups: what large sets need, at the size of a test."""
    monkeypatch.setattr(_cpu_search, "TILE_BYTES", 1 << 14)
    monkeypatch.setattr(_cpu_search, "GROUP_BYTES", 1 << 14)
    monkeypatch.setattr(_device_search, "TILE", 64)
    monkeypatch.setattr(_device_search, "TABLE_BYTES", 1 << 12)
    monkeypatch.setattr(_device_search, "WORK_BYTES", 1 << 20)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    m=st.integers(2, 70),
    n=st.integers(1, 9),
    scale=st.sampled_from([1e-200, 1e-9, 1.0, 1e12, 1e301]),
    offset=st.sampled_from([0.0, 1.0, 1e6]),
    kind=st.sampled_from(["normal", "grid", "copies"]),
    way_=st.sampled_from(WAYS),
    seed=st.integers(0, 2**20),
)
def test_every_fraction_agrees_with_brute_force(
    m: int, n: int, scale: float, offset: float, kind: str, way_: str, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(m, n)) if kind == "normal" else generator.integers(0, 3, (m, n)).astype(float)
    if kind == "copies":
        x = x[generator.integers(0, m, m)]
    x = (x + offset) * scale
    fractions = [f for f in (0.4, 0.6, 0.8, 1.0) if np.ceil(round(f * m, 9)) >= 2]
    with pytest.MonkeyPatch.context() as patch:
        take(way_, patch)
        found = nearest_distances(x, fractions, seed=seed)
    assert list(found) == fractions
    for fraction in fractions:
        rows = subset_rows(m, fraction, seed=seed)
        expected = brute(x[rows])
        assert found[fraction].dtype == np.float64
        np.testing.assert_allclose(found[fraction], expected, rtol=1e-9, atol=0)
        assert ((found[fraction] == 0) == (expected == 0)).all(), "duplicates, and only they, are at 0"


def cloud(kind: str, generator: np.random.Generator) -> np.ndarray:
    """(m, n) vectors that are awkward in one way each."""
    if kind == "isotropic":
        return generator.normal(size=(900, 96)).astype(np.float32)
    if kind == "far away":
        return (1e4 + generator.normal(size=(700, 24))).astype(np.float32)
    if kind == "few large components":
        return (generator.normal(size=(2100, 64)) / np.arange(1, 65)).astype(np.float32)
    if kind == "two tight clusters":
        return np.where(generator.random((800, 1)) < 0.5, 1e3, -1e3) + 1e-3 * generator.normal(size=(800, 12))
    if kind == "copies":
        return generator.normal(size=(150, 8))[generator.integers(0, 150, 900)]
    if kind == "near ties":  # satellites of 100 centres, at radii that differ by little
        around = generator.normal(size=(100, 6, 48))
        around *= (1 + 10.0 ** generator.uniform(-9, -1, (100, 6, 1))) / np.linalg.norm(around, axis=2, keepdims=True)
        centres = generator.normal(size=(100, 1, 48))
        return generator.permutation(np.concatenate([centres, centres + around], axis=1).reshape(-1, 48))
    heavy = generator.standard_cauchy(size=(700, 12))
    heavy[3] *= 1e6
    return heavy


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize(
    "kind",
    ["isotropic", "far away", "few large components", "two tight clusters", "copies", "near ties", "heavy tails"],
)
def test_awkward_clouds(kind: str, small: bool, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x = cloud(kind, np.random.default_rng(len(kind)))
    if small:
        x = x[: min(len(x), 1500) // 4]
        in_small_pieces(monkeypatch)
    fractions = (0.3, 0.77, 1.0)
    for fraction, distances in nearest_distances(x, fractions).items():
        expected = brute(x[subset_rows(len(x), fraction)])
        np.testing.assert_allclose(distances, expected, rtol=1e-12, atol=0)
        assert ((distances == 0) == (expected == 0)).all()


def extreme(kind: str, generator: np.random.Generator) -> np.ndarray:
    """(m, n) vectors at the ends of what numbers can be."""
    x = generator.normal(size=(120, 6))
    if kind == "subnormal float32":
        return (generator.integers(0, 1000, (60, 5)) * 1.4e-45).astype(np.float32)
    if kind == "huge float32":
        return (x * 1e38).clip(-3e38, 3e38).astype(np.float32)
    if kind == "float32 outlier":  # brought to 1, the others are no longer float32 numbers
        x[7] = 1e44
        return (x * 1e-6).astype(np.float32)
    if kind == "float64 outliers":
        x *= 1e-160  # squares of differences are subnormal
        x[3], x[5] = 1e100, -1e-250
        return x
    if kind == "small ones beside a huge one":
        x *= 1e-150
        x[3] = 1e200
        return x
    if kind == "equal rows":
        return np.full((100, 5), 3.3)
    if kind == "signed zeros":
        return np.where(generator.random((50, 3)) < 0.5, -0.0, 0.0)
    if kind == "a constant column":
        x[:, 2] = 1e9
        return x
    if kind == "integers beyond 2^53":
        return np.uint64(2**63) + generator.integers(0, 9000, (60, 2)).astype(np.uint64)
    if kind == "three rows":
        return x[:3]
    half = np.where(generator.random((2, 160_000)) < 0.5, -0.95, 0.95)  # half a squared length beyond float16
    return np.concatenate([half, -half])


@pytest.mark.parametrize(
    "kind",
    ["subnormal float32", "huge float32", "float32 outlier", "float64 outliers", "small ones beside a huge one",
     "equal rows", "signed zeros", "a constant column", "integers beyond 2^53", "wide", "three rows"],
)  # fmt: skip
def test_extreme_numbers(kind: str, way: str) -> None:
    x = extreme(kind, np.random.default_rng(2))
    with np.errstate(under="ignore", over="ignore"):
        expected = brute(x)
    found = nearest_distances(x)[1.0]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)
    assert ((found == 0) == (expected == 0)).all()


@pytest.mark.parametrize("exponent", [60, 63, 64, 66])
def test_numbers_that_matrix_units_take_for_zero(exponent: int, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(exponent)
    half = generator.normal(size=(200, 24))
    x = np.concatenate([half, half + 0.05 * generator.normal(size=half.shape)])[generator.permutation(400)]
    x = np.concatenate([[np.full(24, 2.0**exponent), np.full(24, -(2.0**exponent))], x])  # and the centre stays
    in_small_pieces(monkeypatch)  # the outliers' tile forgives more than the others
    np.testing.assert_allclose(nearest_distances(x)[1.0], brute(x), rtol=1e-12)


def test_the_worst_product_that_its_bound_allows(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    generator = torch.Generator().manual_seed(0)

    def worst(left: torch.Tensor, right: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """Sums in float32, off by as much as their terms allow, up or down."""
        left, right, digits = left.double(), right.double(), 23 if way == "tensors" else 24
        most = left.shape[1] * 2.0**-digits * (left.abs() @ right.abs())
        signs = torch.randint(0, 2, most.shape, generator=generator) * 2 - 1
        result = (left @ right + signs * most).float()
        return result if out is None else out.copy_(result)

    monkeypatch.setattr(_cpu_search, "product", worst)
    monkeypatch.setattr(_device_search, "product", worst)
    x = cloud("near ties", np.random.default_rng(0))
    np.testing.assert_allclose(nearest_distances(x)[1.0], brute(x), rtol=1e-12)
    steps = np.zeros((4, 48))  # squared lengths 0, 401, 400, 402, and every code is exact
    steps[1, :2], steps[2, 2], steps[3, 3:6] = (20, 1), 20, (20, 1, 1)
    whole = np.random.default_rng(1).integers(-100, 100, (150, 1, 48)) * 5 + steps
    stand_still(monkeypatch, 2.0**-9)
    whole = np.random.default_rng(2).permutation(whole.reshape(-1, 48))
    np.testing.assert_allclose(nearest_distances(whole)[1.0], brute(whole), rtol=1e-12)


def stand_still(monkeypatch: pytest.MonkeyPatch, scale: float) -> None:
    """Codes of the vectors where they are, times `scale`."""

    class Still(Points):
        def __init__(self, *given: object) -> None:
            super().__init__(*given)  # type: ignore[arg-type]
            self.centre, self.scale = np.zeros(self.width), scale

    monkeypatch.setattr(_points, "Points", Still)


def test_rounding_that_favours_the_wrong_neighbour(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries half a step of the codes from where they seem to be: of four rows, codes name the wrong one nearest."""
    digits, gap = {"compiled": (8, 2.0**-5), "float32": (24, 0.25), "tensors": (11, 0.25)}[way]
    h = 2.0 ** -(digits + 2)  # half a step from 0.25 to 0.5
    n, most = 58, h * (1 - 1e-6)
    some = np.arange(n) / n
    x = np.random.default_rng(0).choice([-0.45, 0.45], size=(128, n))
    x[0] = 0.5 - most  # rounded away from the others
    x[33] = 0.5 - gap + np.where(some < 0.4, 2 * h - most, 0)  # seems nearest
    x[40] = 0.5 - gap + np.where(some < 0.25, 2 * h, 0)  # is nearer
    x[100] = 0.5 - gap + most  # is nearest

    stand_still(monkeypatch, 1.0)
    expected = brute(x)
    assert np.linalg.norm(x[0] - x[100]) == pytest.approx(expected[0], rel=1e-14)
    np.testing.assert_allclose(nearest_distances(x)[1.0], expected, rtol=1e-12)


def test_what_the_caller_has_switched_on_changes_nothing(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    x = cloud("isotropic", np.random.default_rng(0))
    expected = nearest_distances(x)[1.0]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        np.testing.assert_array_equal(nearest_distances(x)[1.0], expected)
    with torch.device("meta"):
        np.testing.assert_array_equal(nearest_distances(x)[1.0], expected)
    plain = torch.mm

    def rounding(left: torch.Tensor, right: torch.Tensor, *, out: torch.Tensor | None = None) -> torch.Tensor:
        """What float32 products may be after torch.set_float32_matmul_precision("medium")."""
        if left.dtype is torch.float32:
            left, right = left.bfloat16().float(), right.bfloat16().float()
        return plain(left, right, out=out)

    monkeypatch.setattr(torch, "mm", rounding)
    np.testing.assert_allclose(nearest_distances(x)[1.0], expected, rtol=1e-12)


def test_leading_components_are_used_where_they_save_time(monkeypatch: pytest.MonkeyPatch) -> None:
    x = cloud("few large components", np.random.default_rng(20))
    isotropic = cloud("isotropic", np.random.default_rng(0))[:, :64].repeat(3, axis=0)
    chosen = [_sketch.choose(Points(v), np.arange(len(v)), 1e9, 2).width for v in (x, isotropic)]
    assert chosen[0] < 40
    assert chosen[1] == 64
    monkeypatch.setattr(_cpu_search, "rates", lambda: {_codes.fastest_kind(): 1e9})  # a slow product: fewer are better
    np.testing.assert_allclose(nearest_distances(x)[1.0], brute(x), rtol=1e-12)


@pytest.mark.parametrize("kind", [_codes.BFLOAT16, _codes.FLOAT32])
def test_codes_bound_distances_from_below(kind: _codes.Kind) -> None:
    generator = np.random.default_rng(1)
    x = (100 + generator.normal(size=(300, 50)) / np.arange(1, 51)).astype(np.float32)
    points = Points(x)
    centred = (x.astype(np.float64) - points.centre) * points.scale
    axes = np.linalg.eigh(centred.T @ centred)[1][:, -12:]
    distances = np.linalg.norm(centred[:, None] - centred[None], axis=2)
    flat = points.centre + centred @ axes @ axes.T / points.scale  # nothing is left out, but for rounding
    some = _codes.Codes(flat, np.arange(300), _sketch.Sketch(points.centre, points.scale, axes), kind)
    assert (some.tensor[:, 12].double().numpy() <= some.errors).all()
    assert some.tensor[:, 12].any()
    for sketch in (_sketch.Sketch(points.centre, points.scale), _sketch.Sketch(points.centre, points.scale, axes)):
        codes = _codes.Codes(x, np.arange(300), sketch, kind)
        half = (codes.tensor @ codes.facing(0, 300)).double().numpy()
        last_rounding = 2.0**-8 if kind.shift else 0.0
        slack = codes.unit * (codes.lengths[:, None] + codes.lengths) ** 2 + np.abs(half) * last_rounding
        bound = np.sqrt((2 * (half - slack)).clip(min=0)) - codes.errors[:, None] - codes.errors
        off = ~np.eye(300, dtype=bool)
        assert (bound <= distances)[off].all()
        assert np.median(bound[off] / distances[off]) > 0.9, "and not much below"


def test_coarse_codes_give_way_to_finer_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    take("compiled", monkeypatch)
    x = cloud("two tight clusters", np.random.default_rng(3))
    used = []
    plain = _cpu_search.Codes
    monkeypatch.setattr(_cpu_search, "Codes", lambda *a: used.append(a[3]) or plain(*a))
    np.testing.assert_allclose(nearest_distances(x)[1.0], brute(x), rtol=1e-12)
    assert used == [_codes.BFLOAT16, _codes.FLOAT32]


def test_subsets_are_nested_and_their_order_is_the_callers() -> None:
    x = np.random.default_rng(1).normal(size=(100, 4))
    order = np.roll(np.arange(100), 13)
    for fraction in (0.4, 1.0):
        rows = subset_rows(100, fraction, order=order)
        assert set(rows) == set(order[: round(100 * fraction)])
        found = nearest_distances(x, (fraction,), order=order)[fraction]
        np.testing.assert_allclose(found, brute(x[rows]), rtol=1e-14)
    assert set(subset_rows(100, 0.4)) < set(subset_rows(100, 0.6)) < set(subset_rows(100, 1.0))
    assert not np.array_equal(subset_order(100, 0), subset_order(100, 1))
    for percent in range(1, 101):  # as decimals, at any size
        for count in (10, 700, 9_999_900, 123_456_700, 10**9):
            assert subset_size(count, percent / 100) == -(-percent * count // 100)
    twice = nearest_distances(x, np.array([0.5, 0.5, 0.495]), order=order)
    assert list(twice) == [0.5, 0.495]
    np.testing.assert_array_equal(twice[0.5], twice[0.495])
    assert len(subset_rows(10, 0.7)) == 7, "0.7 * 10 is 7.000000000000001 in floats"
    smaller, larger = nearest_distances(x, (0.5, 1.0)).values()
    assert (larger[subset_rows(100, 0.5)] <= smaller).all(), "more company brings the nearest nearer"


def test_torch_and_numpy_agree_and_keep_their_kind(way: str) -> None:
    import torch

    x = np.random.default_rng(3).normal(size=(200, 5)).astype(np.float32)
    expected = nearest_distances(x, (0.4, 1.0))
    for given_ in (torch.from_numpy(x), torch.from_numpy(x).requires_grad_()):
        found = nearest_distances(given_, (0.4, 1.0))
        for fraction, distances in expected.items():
            assert found[fraction].dtype == torch.float64
            np.testing.assert_array_equal(found[fraction].numpy(), distances)
    for half in (torch.bfloat16, torch.float16):
        rounded = torch.from_numpy(x).to(half)
        np.testing.assert_allclose(nearest_distances(rounded)[1.0].numpy(), brute(rounded.float().numpy()), rtol=1e-12)
    awkward = (np.asfortranarray(x), x[::-1], x.astype(">f4"), x.astype(np.float16), np.repeat(x, 2, axis=1)[:, ::2])
    for other in awkward:
        np.testing.assert_allclose(nearest_distances(other)[1.0], brute(other), rtol=1e-12)
    integers = np.random.default_rng(0).integers(-100, 100, (50, 3))
    np.testing.assert_allclose(nearest_distances(integers)[1.0], brute(integers), rtol=1e-15)


def test_memory_mapped_vectors_do(tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(4).normal(size=(300, 7)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    expected = nearest_distances(x, (0.4, 1.0))
    in_small_pieces(monkeypatch)
    reads = []
    plain = Points.tensor
    monkeypatch.setattr(Points, "tensor", lambda self, where: reads.append(where) or plain(self, where))
    found = nearest_distances(np.load(tmp_path / "x.npy", mmap_mode="r"), (0.4, 1.0))
    for fraction, distances in expected.items():
        np.testing.assert_array_equal(found[fraction], distances)
    assert max(len(where) for where in reads if not isinstance(where, slice)) < 250, "never all at once"


def test_memory_stays_bounded() -> None:
    x = np.random.default_rng(5).normal(size=(20_000, 2))  # all distances at once would take 3.2 GB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    nearest_distances(x)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 5e8


def test_threads_may_search_at_the_same_time() -> None:
    clouds = [np.random.default_rng(i).normal(size=(400, 6)) for i in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda x: nearest_distances(x)[1.0], clouds))
    for x, found in zip(clouds, together, strict=True):
        np.testing.assert_allclose(found, brute(x), rtol=1e-12)


@pytest.mark.parametrize(
    ("vectors", "options", "words"),
    [
        (np.zeros(5), {}, r"vectors has shape \(5,\); expected \(m, n\)"),
        (np.zeros((5, 0)), {}, r"shape \(5, 0\)"),
        (np.zeros((1, 5)), {}, "1 rows; expected at least 2"),
        (np.zeros((5, 2), dtype=complex), {}, "dtype complex128"),
        (np.array([["a", "b"]] * 3), {}, "dtype <U1"),
        (np.array([[0.0, 1], [np.nan, 0], [2, 2]]), {}, "row 1 holds NaN or infinity"),
        (np.array([[0.0, 1], [1, 0], [2, np.inf]]), {}, "row 2 holds NaN or infinity"),
        (np.zeros((5, 2)), {"fractions": (0.0,)}, r"fractions holds 0\.0"),
        (np.zeros((5, 2)), {"fractions": (1.5,)}, r"fractions holds 1\.5"),
        (np.zeros((5, 2)), {"fractions": ("half",)}, "fractions holds 'half'"),
        (np.zeros((5, 2)), {"fractions": ()}, r"fractions is \(\); expected a sequence"),
        (np.zeros((5, 2)), {"fractions": 0.5}, r"fractions is 0\.5; expected a sequence"),
        (np.zeros((5, 2)), {"device": "nowhere"}, "device is 'nowhere'; expected one that torch knows"),
        (np.zeros((5, 2)), {"seed": -1}, "seed is -1; expected an integer"),
        (np.zeros((5, 2)), {"seed": "a"}, "seed is 'a'; expected an integer"),
        (np.zeros((5, 2)), {"fractions": (0.2,)}, r"fraction 0\.2 of 5 vectors is 1"),
        (np.zeros((5, 2)), {"order": [0, 1, 2, 3, 3]}, r"order has shape \(5,\).*permutation of 0\.\.\.4"),
        (np.zeros((5, 2)), {"order": [0, 1]}, "permutation"),
        (np.zeros((5, 2)), {"device": "mps"}, "float64"),
    ],
)
def test_bad_input_is_named(vectors: np.ndarray, options: dict, words: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValueError, match=words):
        nearest_distances(vectors, **options)
