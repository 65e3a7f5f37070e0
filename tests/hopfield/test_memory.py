"""What all networks share: shapes, kinds, known coordinates, batches that settle at different times, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from beyond_scaling import _arrays
from beyond_scaling.hopfield import Memory, Retrieval

D2 = [[-2.0, -0.5], [0.2, -0.3], [1.5, 1.5]]


class Halfway(Memory):
    """E(x) = ½|x - μ|², μ the mean of the patterns; an update goes half of the way to it."""

    def _mean(self) -> Any:
        return self._xp.mean(self.patterns, axis=0)

    def _energy(self, x: Any) -> Any:
        offset = x - self._mean()
        return self._xp.vecdot(offset, offset) / 2

    def _gradient(self, x: Any) -> Any:
        return x - self._mean()

    def _update(self, x: Any, known: Any) -> Any:
        return (x + self._mean()) / 2


class Swing(Halfway):
    """An update goes to the mirror image, so nothing ever settles."""

    descends = False

    def _update(self, x: Any, known: Any) -> Any:
        return 2 * self._mean() - x


class Signs(Halfway):
    domain = "binary"


def test_a_memory_needs_its_three_methods() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Memory(D2)  # type: ignore[abstract]


def test_sizes() -> None:
    memory = Halfway(D2)
    assert (memory.d, memory.n) == (3, 2)
    assert memory.patterns.tolist() == D2


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,), (2, 0, 3)])
def test_shapes(shape: tuple[int, ...]) -> None:
    memory, x = Halfway(D2), np.ones((*shape, 2))
    assert memory.energy(x).shape == shape
    assert memory.gradient(x).shape == (*shape, 2)
    assert memory.update(x).shape == (*shape, 2)
    assert memory.update(x, known=np.array([True, False])).shape == (*shape, 2)
    found = memory.retrieve(x, max_steps=4, path=True)
    assert found.state.shape == (*shape, 2)
    assert found.steps.shape == found.settled.shape == shape
    assert found.states.shape[1:] == (*shape, 2)
    assert found.energies.shape == found.states.shape[:-1]
    assert len(found.states) == (5 if x.size else 1)


@pytest.mark.parametrize(
    ("x", "patterns", "dtype"),
    [
        ([0, 0], [[1, 2]], np.float64),
        (np.zeros(2, np.int8), np.array([[100, -100]], np.int8), np.float64),
        (np.zeros(2, np.float32), np.ones((3, 2), np.float32), np.float32),
        (np.zeros(2), np.ones((3, 2), np.float32), np.float32),  # the patterns decide
        (np.zeros(2, np.float32), np.ones((3, 2)), np.float64),
        (np.zeros(2, np.float16), np.ones((3, 2), np.float16), np.float32),
        (torch.zeros(2), torch.ones((3, 2)), torch.float32),
        (torch.zeros(2), torch.ones((3, 2), dtype=torch.float64), torch.float64),
        (torch.zeros(2, dtype=torch.int64), torch.ones((3, 2), dtype=torch.int64), torch.float64),
        (torch.zeros(2), torch.ones((3, 2), dtype=torch.bfloat16), torch.float32),
        ([0.0, 0.0], torch.ones((3, 2)), torch.float32),
    ],
)
def test_dtypes(x: Any, patterns: Any, dtype: Any) -> None:
    memory = Halfway(patterns)
    kind = np.ndarray if isinstance(dtype, type) else torch.Tensor
    found = memory.retrieve(x, max_steps=3, path=True)
    for value in (memory.energy(x), memory.gradient(x), memory.update(x), found.state, found.states, found.energies):
        assert isinstance(value, kind | np.generic)
        assert value.dtype == dtype
    assert str(found.steps.dtype).endswith("int64")
    assert str(found.settled.dtype).endswith("bool")


def test_torch_agrees_with_numpy() -> None:
    x = np.random.default_rng(0).normal(size=(7, 2))
    ours, theirs = Halfway(D2), Halfway(torch.tensor(D2, dtype=torch.float64))
    known = x > 0
    for name in ("energy", "gradient", "update"):
        np.testing.assert_allclose(getattr(theirs, name)(torch.tensor(x)), getattr(ours, name)(x), rtol=1e-15)
    here = ours.retrieve(x, known=known, path=True)
    there = theirs.retrieve(torch.tensor(x), known=torch.tensor(known), path=True)
    for name in ("state", "steps", "settled", "states", "energies"):
        np.testing.assert_allclose(getattr(there, name), getattr(here, name), rtol=1e-15)


def test_gradients_of_torch_queries_and_patterns() -> None:
    x = torch.tensor([0.3, 0.4], dtype=torch.float64, requires_grad=True)
    patterns = torch.tensor(D2, dtype=torch.float64, requires_grad=True)
    memory = Halfway(patterns)
    along_x, along_patterns = torch.autograd.grad(memory.energy(x), (x, patterns))
    np.testing.assert_allclose(along_x, memory.gradient(x).detach())
    assert along_patterns.abs().min() > 0
    assert not memory.retrieve(x, path=True).energies.requires_grad  # a retrieval is numbers


def test_nothing_given_is_changed() -> None:
    x, known = np.ones((4, 2)), np.array([True, False])
    memory = Halfway(D2)
    found = memory.retrieve(x, known=known)
    memory.update(x)
    assert (x == 1).all()
    assert not np.shares_memory(found.state, x)


# --- known coordinates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [[True, False], [[True, False]] * 5, np.array([[True]] * 5) & [True, False]])
def test_known_coordinates_stay(mask: Any) -> None:
    x = np.random.default_rng(1).normal(size=(5, 2))
    memory = Halfway(D2)
    moved = memory.update(x, known=mask)
    assert (moved[:, 0] == x[:, 0]).all()
    assert (moved[:, 1] == memory.update(x)[:, 1]).all()
    found = memory.retrieve(x, known=mask, max_steps=200)
    assert (found.state[:, 0] == x[:, 0]).all()
    np.testing.assert_allclose(found.state[:, 1], np.mean(D2, axis=0)[1], rtol=1e-8)


def test_every_query_has_its_own_known_coordinates() -> None:
    x, mask = np.zeros((2, 2)), np.array([[True, False], [False, True]])
    assert ((Halfway(D2).update(x, known=mask) == 0) == mask).all()


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ([1, 0], r"known has dtype int64, expected booleans"),
        (torch.ones(2), r"known has dtype torch.float32, expected booleans"),
        ([True, False, True], r"known has shape \(3,\), expected one that broadcasts to \(4, 2\)"),
        ([[True, False]] * 3, r"known has shape \(3, 2\), expected one that broadcasts to \(4, 2\)"),
    ],
)
def test_known_is_refused(known: Any, message: str) -> None:
    memory = Halfway(D2)
    for act in (memory.update, memory.retrieve):
        with pytest.raises(ValueError, match=message):
            act(np.zeros((4, 2)), known=known)


# --- retrieval ------------------------------------------------------------------------------------------------


def test_a_batch_settles_each_query_in_its_own_time() -> None:
    memory = Halfway([[1.0, 1.0]])
    x = np.array([[1.0, 1.0], [1.5, 1.0], [1.0, 9.0]])
    found = memory.retrieve(x, tolerance=1e-3, path=True)
    # Halving 0.5 and 8: a step is 0.25, 0.125, ... and 4, 2, ...; those above 0.001 are counted.
    assert found.steps.tolist() == [0, 8, 12]
    assert found.settled.tolist() == [True, True, True]
    for row, start in enumerate(x):
        alone = memory.retrieve(start, tolerance=1e-3)
        assert (found.state[row] == alone.state).all()
        assert found.steps[row] == alone.steps
        assert (found.states[:, row] == found.state[row])[int(found.steps[row]) + 1 :].all()


def test_the_path() -> None:
    memory, x = Halfway(D2), np.random.default_rng(2).normal(size=(3, 2))
    found = memory.retrieve(x, path=True)
    assert isinstance(found, Retrieval)
    assert (found.states[0] == x).all()
    assert (found.states[-1] == found.state).all()
    assert (found.states[1] == memory.update(x)).all()
    assert (found.energies == memory.energy(found.states)).all()
    assert (np.diff(found.energies, axis=0) <= 0).all()
    without = memory.retrieve(x)
    assert without.states is None
    assert without.energies is None
    assert (without.state == found.state).all()


def test_what_never_settles() -> None:
    found = Swing(D2).retrieve([[3.0, 3.0], np.mean(D2, axis=0)], max_steps=7)
    assert found.settled.tolist() == [False, True]
    assert found.steps.tolist() == [7, 0]


def test_the_tolerance_is_relative_to_the_patterns() -> None:
    small = Halfway([[1e-6, 0.0]]).retrieve([1.0, 0.0], tolerance=1e-2)
    assert abs(small.state[0] - 1e-6) < 1e-7
    zero = Halfway([[0.0, 0.0]]).retrieve([1.0, 0.0], tolerance=1e-2)
    assert 1e-3 < zero.state[0] < 2e-2


def test_a_tolerance_of_zero_is_what_the_dtype_resolves() -> None:
    single = Halfway(np.ones((1, 2), np.float32)).retrieve([5.0, 1.0], tolerance=0.0)
    double = Halfway(np.ones((1, 2))).retrieve([5.0, 1.0], tolerance=0.0)
    assert single.settled
    assert double.settled
    assert single.steps < 24 < double.steps < 53


def test_large_batches_are_worked_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(3).normal(size=(50, 2))
    known = x > 0.5
    memory = Halfway(D2)
    whole = memory.update(x), memory.update(x, known), memory.energy(x)
    monkeypatch.setattr(_arrays, "_BLOCK_CPU", 16)
    parts = memory.update(x), memory.update(x, known), memory.energy(x)
    for one, other in zip(whole, parts, strict=True):
        assert (one == other).all()


@pytest.mark.parametrize("max_steps", [0, -1, True, 2.5, "many", None])
def test_max_steps_is_refused(max_steps: Any) -> None:
    with pytest.raises(ValueError, match=r"max_steps is .*, expected a positive integer"):
        Halfway(D2).retrieve([0.0, 0.0], max_steps=max_steps)


@pytest.mark.parametrize("tolerance", [-1e-9, float("nan"), float("inf"), True, "small", None])
def test_tolerance_is_refused(tolerance: Any) -> None:
    with pytest.raises(ValueError, match=r"tolerance is .*, expected a finite number from 0 on"):
        Halfway(D2).retrieve([0.0, 0.0], tolerance=tolerance)


# --- patterns and queries that are refused ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        ([1.0, 2.0], r"patterns has shape \(2,\), expected \(d, n\)"),
        (np.zeros((0, 2)), r"patterns has shape \(0, 2\): no patterns"),
        (np.zeros((2, 0)), r"patterns has shape \(2, 0\), expected at least one coordinate"),
        ([[0.0, np.nan]], r"patterns\[0, 1\] is nan, expected finite"),
        ([[1.0], [1.0, 2.0]], r"patterns is not a rectangular array"),
        ([["a"]], r"patterns has dtype <U1, expected real numbers"),
    ],
)
def test_patterns_are_refused(patterns: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Halfway(patterns)


@pytest.mark.parametrize("entry", [0.0, 2.0, -1.5])
def test_a_binary_network_stores_signs(entry: float) -> None:
    assert Signs([[1, -1], [-1, -1]]).d == 2
    with pytest.raises(ValueError, match="patterns has entries other than -1 and 1"):
        Signs([[1.0, -1.0], [entry, 1.0]])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([0.0], r"x has shape \(1,\), expected \(\.\.\., 2\)"),
        (0.0, r"x has shape \(\), expected \(\.\.\., 2\)"),
        ([0.0, np.inf], r"x\[1\] is inf, expected finite"),
        (torch.zeros(2), r"expected all arrays of one kind"),
    ],
)
def test_queries_are_refused(x: Any, message: str) -> None:
    memory = Halfway(np.array(D2))
    for act in (memory.energy, memory.gradient, memory.update, memory.retrieve):
        with pytest.raises(ValueError, match=message):
            act(x)
