"""Lemmas 2-4 and Propositions 1-3 as bands: a value between a lower and an upper bound.

Paper: "Beyond Scaling Laws: Understanding Transformer Performance with Associative Memory", section 4.1 and
Appendix C. With R = max_i |ρ_i|² - min_i |ρ_i|², d patterns and natural logarithms:

    Proposition 1    E                          printed and corrected   [g - log d, g]
    Proposition 2    Δ = (2 MCHN - log d) - E   printed [-R, R]         corrected [0, R]
    Proposition 3    g - 2 MCHN                 printed [-R, R + log d] corrected [-R - log d, 0]

MCHN is taken at β = 2. Proposition 3 as printed is false: log d stands on the wrong side. Proposition 2 as
printed is true and half empty. Δ is computed without cancellation as -log Σ_i p_i(x) exp(|ρ_i|² - max|ρ|²),
and so are the distances from a value to its bounds. A zero is written 0 - x, never as the -0 of -x, which would
print as "-0.0000". Wrong input raises ValueError as in ``energy``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, NamedTuple

import array_api_compat

from ._arrays import Array, as_arrays, as_entries, as_points, map_rows, plain
from .energy import (
    Tilt,
    deficit,
    excess,
    norm_deficits,
    tilt_energy,
    tilt_values,
    weights,
)

Form = Literal["printed", "corrected"]


@dataclass(frozen=True)
class Band:
    """``lower`` ≤ ``value`` ≤ ``upper``, elementwise; all three of one shape (...).

    ``lower_slack`` = value - lower and ``upper_slack`` = upper - value keep their relative accuracy where
    the subtraction would lose it; a negative slack says by how much the bound is broken.
    """

    lower: Array
    value: Array
    upper: Array
    lower_slack: Array = None
    upper_slack: Array = None

    def __post_init__(self) -> None:
        if self.lower_slack is None:
            object.__setattr__(self, "lower_slack", self.value - self.lower)
        if self.upper_slack is None:
            object.__setattr__(self, "upper_slack", self.upper - self.value)

    @property
    def slack(self) -> Array:
        """The distance from the value to the nearer bound, shape (...); negative outside the band."""
        xp = array_api_compat.array_namespace(self.lower_slack, self.upper_slack)
        return xp.minimum(self.lower_slack, self.upper_slack)

    def holds(self, tolerance: float | None = None) -> Array:
        """Whether the value lies in the band, elementwise, shape (...).

        ``tolerance`` is relative to max(1, |lower|, |upper|) and forgives rounding; by default 64 machine
        epsilons.
        """
        xp = array_api_compat.array_namespace(self.lower_slack, self.upper_slack)
        if tolerance is None:
            tolerance = 64 * float(xp.finfo(self.lower_slack.dtype).eps)
        elif not (isinstance(tolerance, Real) and math.isfinite(tolerance) and tolerance >= 0):
            raise ValueError(f"tolerance is {tolerance!r}, expected a finite number of at least 0")
        scale = xp.maximum(xp.abs(self.lower), xp.abs(self.upper))
        scale = xp.maximum(scale, xp.ones_like(scale))
        return self.slack >= -tolerance * scale


# --- Propositions 1-3 -------------------------------------------------------------------------------------


def proposition_1(x: Any, patterns: Any, form: Form = "printed") -> Band:
    """g(x) - log d ≤ E(x) ≤ g(x), shape (...); Proposition 1.

    It holds as printed, so both forms are the same band. ``upper_slack`` is g - E, the logarithm of the
    effective number of neighbours.
    """
    _check_form(form)

    def rows_band(parts: _Parts) -> tuple[Array, ...]:
        # The pieces of E around the same g, so that the band keeps its order where E ~ 1e16.
        return (
            parts.nearest - parts.log_d,
            parts.nearest - parts.excess,
            parts.nearest,
            parts.deficit,
            parts.excess,
        )

    return _band(rows_band, x, patterns)


def proposition_2(x: Any, patterns: Any, form: Form = "printed") -> Band:
    """Δ(x) = (2 MCHN(x) - log d) - E(x) at β = 2, shape (...); Proposition 2.

    Printed: -R ≤ Δ ≤ R. Corrected: 0 ≤ Δ ≤ R.
    """
    _check_form(form)

    def rows_band(parts: _Parts) -> tuple[Array, ...]:
        value, room, full = parts.delta, parts.room, parts.spread
        if form == "printed":
            return 0 - full, value, full, full + value, room
        return 0 * full, value, full, value, room

    return _band(rows_band, x, patterns)


def proposition_3(x: Any, patterns: Any, form: Form = "printed") -> Band:
    """g(x) - 2 MCHN(x) at β = 2, shape (...); Proposition 3.

    Printed, and false: from -R to R + log d. Corrected: from -R - log d to 0.
    """
    _check_form(form)

    def rows_band(parts: _Parts) -> tuple[Array, ...]:
        below, full = parts.deficit + parts.delta, parts.spread
        value = 0 - below
        if form == "printed":
            return 0 - full, value, full + parts.log_d, parts.room - parts.deficit, full + parts.log_d + below
        return 0 - (full + parts.log_d), value, 0 * full, parts.excess + parts.room, below

    return _band(rows_band, x, patterns)


# --- Lemmas 2-4 -------------------------------------------------------------------------------------------


def lemma_2(y: Any) -> Band:
    """max y ≤ LogSumExp(y) ≤ max y + log n over the last axis (n), shape (...); Lemma 2.

    The paper writes < on the left, which needs n ≥ 2.
    """
    xp, values = as_entries(y, -1)
    tilt = tilt_values(xp, values)
    above, below = excess(xp, tilt), deficit(xp, tilt)
    return Band(tilt.base, tilt.base + above, tilt.base + math.log(values.shape[-1]), above, below)


def lemma_3(y: Any) -> Band:
    """min y - log n ≤ -LogSumExp(-y) ≤ min y over the last axis (n), shape (...); Lemma 3.

    The paper writes < on the right, which needs n ≥ 2.
    """
    xp, values = as_entries(y, -1)
    tilt = tilt_values(xp, -values)
    below, above = excess(xp, tilt), deficit(xp, tilt)
    least = 0 - tilt.base
    return Band(least - math.log(values.shape[-1]), least - below, least, above, below)


def lemma_4(y: Any, z: Any) -> Band:
    """LogSumExp(y) - LogSumExp(z) in [-|y - z|∞, |y - z|∞] over the last axis, shape (...); Lemma 4.

    y and z broadcast. The difference is taken as log Σ_i softmax(z)_i exp(y_i - z_i), so that close vectors
    keep their digits.
    """
    xp, first = as_entries(y, -1)
    xp, second = as_entries(z, -1, "z")
    xp, first, second = _together(first, second)
    apart = first - second
    bound = xp.max(xp.abs(apart), axis=-1)
    tilt = tilt_values(xp, second)
    value = _log_mean_exp(xp, tilt, apart)
    return Band(0 - bound, value, bound)


# --- what the propositions are made of --------------------------------------------------------------------


class _Parts(NamedTuple):
    nearest: Array  # (b,) g
    excess: Array  # (b,) g - E
    deficit: Array  # (b,) log d - (g - E)
    delta: Array  # (b,) Δ
    room: Array  # (b,) R - Δ
    spread: Array  # (b,) R
    log_d: float


def _band(function: Callable[[_Parts], tuple[Array, ...]], x: Any, patterns: Any) -> Band:
    xp, points, stored = as_points(x, patterns)
    to_largest = norm_deficits(xp, stored)  # (d,) max|ρ|² - |ρ_i|²
    spread = xp.max(to_largest)
    from_least = spread - to_largest  # (d,) |ρ_i|² - min|ρ|²

    def rows(part: Array) -> tuple[Array, ...]:
        tilt = tilt_energy(xp, part, stored)
        return function(
            _Parts(
                nearest=tilt.base,
                excess=excess(xp, tilt),
                deficit=deficit(xp, tilt),
                delta=0 - _log_mean_exp(xp, tilt, -to_largest[None, :]),
                room=_log_mean_exp(xp, tilt, from_least[None, :]),
                spread=spread + xp.zeros_like(tilt.base),
                log_d=math.log(stored.shape[0]),
            )
        )

    return Band(*map_rows(xp, rows, points, sum(stored.shape)))


def _log_mean_exp(xp: Any, tilt: Tilt, powers: Array) -> Array:
    """log Σ_i w_i exp(powers_i) with w = softmax(-gaps), shape (...): to full relative accuracy near zero."""
    cap = 0.4 * math.log(float(xp.finfo(tilt.gaps.dtype).max))  # exp(cap) times any sum of weights is finite
    mean = xp.sum(weights(xp, tilt) * xp.expm1(xp.clip(powers, -cap, cap)), axis=-1)
    direct = (xp.max(plain(powers), axis=-1) <= cap) & (plain(mean) > -0.5)
    # Clipped, so that no gradient of the branch not taken is infinite.
    near = xp.log1p(xp.clip(mean, -0.5, None))
    # Otherwise the sum is tiny or huge, and logarithms keep its digits.
    raised, level = tilt_values(xp, powers - tilt.gaps), tilt_values(xp, -tilt.gaps)
    far = (raised.base + excess(xp, raised)) - (level.base + excess(xp, level))
    return xp.where(direct, near, far)


def _together(first: Array, second: Array) -> tuple[Any, Array, Array]:
    xp, first, second = as_arrays(squared=False, y=first, z=second)
    try:
        first, second = xp.broadcast_arrays(first, second)
    except (ValueError, RuntimeError):
        raise ValueError(
            f"y has shape {tuple(first.shape)} and z {tuple(second.shape)}, expected shapes that broadcast"
        ) from None
    return xp, first, second


def _check_form(form: str) -> None:
    if not isinstance(form, str) or form not in ("printed", "corrected"):
        raise ValueError(f"form is {form!r}, expected 'printed' or 'corrected'")
