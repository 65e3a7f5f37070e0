"""Matrix products on a CPU whose rounding is known, whatever torch is set to."""

from __future__ import annotations

import numpy as np
import torch


def product(left: torch.Tensor, right: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
    """left @ right; float32 factors are not rounded first, and their products are summed in float32."""
    if left.dtype is not torch.float32 or keeps_float32():
        return torch.mm(left, right, out=out)
    result = np.matmul(left.numpy(), right.numpy(), out=None if out is None else out.numpy())
    return torch.from_numpy(result)


def keeps_float32() -> bool:
    """Whether torch multiplies float32 as such: its settings, or the environment's, may let it round to bfloat16."""
    size, value = 64, 1 + 2.0**-12  # lost in the 7 or 10 bits of a shorter format
    factor = torch.full((size, size), value, dtype=torch.float32)
    exact = size * value * value
    return bool(((torch.mm(factor, factor).double() - exact).abs() <= exact * size * 2.0**-23).all())
