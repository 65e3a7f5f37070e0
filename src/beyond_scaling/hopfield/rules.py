"""Two rules that turn binary patterns into symmetric weights: Hebb's, and the projection on what the patterns span.

    Hebb             W = (1/n) Σ_μ ρ_μ ρ_μᵀ                      (Hopfield 1982)
    pseudo-inverse   W = Rᵀ (R Rᵀ)⁺ R, R the (d, n) patterns     (Personnaz, Guyon & Dreyfus 1985)

The diagonal is then set to zero: an entry does not vote for itself.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import array_api_compat

from .._arrays import Array, as_arrays, plain

Rule = Literal["hebb", "pseudo-inverse"]


class Couplings(NamedTuple):
    """W = ``matrix`` / ``scale``: Hebb's rule then has whole numbers, in which ties are exact."""

    matrix: Array  # (n, n), symmetric, diagonal zero
    scale: float
    bias: Array  # (n,), in the units of ``matrix``


def couplings(xp: Any, patterns: Array, rule: Rule, bias: Any = None) -> Couplings:
    """The weights of ``patterns`` (d, n), and ``bias`` (n,) beside them (zero if None).

    Raises:
        ValueError: an unknown rule; a bias that is not (n,); with the pseudo-inverse, patterns that span all n
            dimensions: the projection is then the identity, which keeps every state and remembers none.
    """
    n = int(patterns.shape[1])
    if rule == "hebb":
        matrix, scale = xp.matmul(xp.matrix_transpose(patterns), patterns), float(n)
    elif rule == "pseudo-inverse":
        matrix, scale = _projection(xp, patterns), 1.0
    else:
        raise ValueError(f"rule is {rule!r}, expected 'hebb' or 'pseudo-inverse'")
    matrix = matrix * (1 - xp.eye(n, dtype=patterns.dtype, device=array_api_compat.device(patterns)))
    if bias is None:
        return Couplings(matrix, scale, xp.zeros_like(patterns[0, :]))
    _, bias, _ = as_arrays(bias=bias, patterns=patterns)
    if tuple(bias.shape) != (n,):
        raise ValueError(f"bias has shape {tuple(bias.shape)}, expected ({n},): one number per coordinate")
    return Couplings(matrix, scale, xp.astype(bias, patterns.dtype, copy=False) * scale)


def _projection(xp: Any, patterns: Array) -> Array:
    """The orthogonal projection on the span of the rows, (n, n). Rows may depend on each other."""
    d, n = (int(size) for size in patterns.shape)
    _, sizes, directions = xp.linalg.svd(patterns, full_matrices=False)  # (k,), (k, n)
    floor = float(xp.max(plain(sizes))) * max(d, n) * float(xp.finfo(patterns.dtype).eps)
    rank = int(xp.sum(xp.astype(plain(sizes) > floor, xp.int64)))
    if rank == n:
        raise ValueError(
            f"patterns span all {n} dimensions, so that the projection is the identity, which remembers nothing; "
            f"expected fewer than {n} independent patterns"
        )
    basis = directions[:rank, :]
    matrix = xp.matmul(xp.matrix_transpose(basis), basis)
    # Coordinates that the patterns leave apart have couplings of 0, not what rounding leaves: no field comes from it.
    return xp.where(xp.abs(matrix) > n * float(xp.finfo(matrix.dtype).eps), matrix, xp.zeros_like(matrix))
