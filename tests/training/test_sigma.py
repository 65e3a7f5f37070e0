"""The exponent over σ²: flat where the law is one, sloped where it is not, and only where sizes can be compared."""

from __future__ import annotations

import math

import numpy as np
import pytest

from beyond_scaling.training.dstar import exponent
from beyond_scaling.training.rows import rows
from beyond_scaling.training.sigma import SIGMA2, swept, thresholds

from .made_cells import SIZES, cell, d_star, law


def test_every_threshold_is_the_exponent_there() -> None:
    table = rows(law(2.0, noise=0.08))
    found = swept(table, [0.02, 0.04, 0.08], draws=60)
    for place, sigma2 in enumerate(found.sigma2):
        alone = exponent(table, float(sigma2), draws=60)
        assert found.p[place] == pytest.approx(alone.p)
        assert (found.low[place], found.high[place]) == pytest.approx(alone.interval)
        assert (found.student_low[place], found.student_high[place]) == pytest.approx(alone.student)
        np.testing.assert_allclose(found.D[:, place], [star.interpolated.D for star in alone.stars])
        assert found.sizes[place] == 5


def test_two_decades_by_default() -> None:
    found = swept(rows(law(2.0, noise=0.05)), draws=100)
    assert len(found.sigma2) == 41
    assert found.sigma2[[0, -1]] == pytest.approx([1e-2, 1.0])
    assert found.sigma2[0] < SIGMA2 < found.sigma2[-1]
    np.testing.assert_array_equal(np.isnan(found.p), found.sizes < 3)
    assert (found.sizes < 3).any()  # the gap of these runs goes from 0.1 to 0.6: beyond that all are censored
    assert (found.sizes[found.at] == found.sizes.max()).all()
    assert abs(found.trend) < 0.1
    assert found.trend in found.trend_interval
    assert found.trend_interval.low < 0 < found.trend_interval.high
    np.testing.assert_array_equal(thresholds(), found.sigma2)


def test_an_exponent_that_moves_is_seen_to() -> None:
    """The curves' slopes differ by size: the larger the model, the flatter, and p depends on the threshold."""
    cells = []
    for run in law(2.0):
        steep = 1 + 0.2 * math.log(run.N / SIZES[32])
        cells.append(cell(run.N, run.D, run.seed, 0.2 * (d_star(run.N, 2.0) / run.D) ** (0.8 * steep)))
    found = swept(rows(cells), [0.03, 0.035, 0.04, 0.045, 0.05], draws=30)
    assert found.p[2] == pytest.approx(2.0, rel=1e-2)
    assert abs(found.trend) > 0.1
    assert found.trend == pytest.approx(np.polyfit(np.log10(found.sigma2), found.p, 1)[0])


def test_too_little_to_say_anything() -> None:
    nothing = swept(())
    assert nothing.D.shape == (0, 41)
    assert np.isnan(nothing.p).all()
    assert (nothing.sizes == 0).all()
    assert math.isnan(nothing.trend)
    two = swept(rows([run for run in law(2.0) if run.N < 15_000]), draws=10)
    assert np.isnan(two.p).all()
    assert two.trend_interval is None
    assert two.sizes.max() == 2
    alone = swept(rows(law(2.0, seeds=1)), [0.04], draws=10)
    assert np.isfinite(alone.p).all()
    assert np.isnan(alone.low).all()


@pytest.mark.parametrize("sigma2", [[], [0.1, -1], [[0.1]], [math.nan]])
def test_thresholds_that_are_none(sigma2) -> None:
    with pytest.raises(ValueError, match=r"sigma2 has shape .*, expected \(T,\) positive numbers"):
        swept(rows(law(2.0, seeds=1)), sigma2)
    with pytest.raises(ValueError, match="size is 'M'"):
        swept((), size="M")  # type: ignore[arg-type]
