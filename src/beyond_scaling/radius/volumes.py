"""What a measured radius means in the theory's own quantity: the radii it asks for, and the exact log Z at ours.

A radius is half a nearest-neighbour distance. Formulas and their accuracy are `partition`'s; here they are put side by
side for a report, as plain numbers.
"""

from __future__ import annotations

import math

from ..partition import (
    log_ball_volume,
    log_partition,
    log_patterns_for_unit_partition,
    paper_radius,
    unit_integral_radius,
    volume_radius,
)


def reference_radii(n: int) -> dict[str, float]:
    """The three radii that "volume of order one" may mean in dimension n; a distance is twice a radius.

    Returns:
        `paper`, sqrt(n / (2πe)) (equation 14); `unit_volume`, where the ball's volume is exactly 1; `unit_integral`,
        where the corrected integral of exp(-|y|²) over the ball (equation 12) is exactly 1.

    Raises:
        ValueError: n is not an integer from 1 to 2**53.
    """
    return {
        "paper": float(paper_radius(n)),
        "unit_volume": float(volume_radius(n)),
        "unit_integral": float(unit_integral_radius(n)),
    }


def log_partitions(radius: float, n: int, patterns: int) -> dict[str, float]:
    """Natural log Z for `patterns` disjoint balls of `radius` in dimension n (equations 12 to 14), all forms.

    Returns:
        `radius`, as given; `corrected`, with the true integral of exp(-|y|²); `printed`, with the one of equation 12
        as printed; `upper`, patterns times volume; `corrected_lower` and `printed_lower`, that times e^-r² and e^-r;
        `log_volume` of one ball; `log_patterns_for_unit`, the log of the number of patterns that would make the
        corrected Z = 1 (negative: Z > 1 even for one). At radius 0 every logarithm is infinite, and only `radius` is
        there.

    Raises:
        ValueError: a radius outside 0...1e100, n not an integer from 1 to 2**53, patterns below 1.
    """
    logs = {form: float(log_partition(patterns, n, radius, form)) for form in
            ("corrected", "printed", "upper", "corrected_lower", "printed_lower")}
    logs["log_volume"] = float(log_ball_volume(n, radius))
    logs["log_patterns_for_unit"] = float(log_patterns_for_unit_partition(n, radius))
    return {"radius": float(radius), **{name: value for name, value in logs.items() if math.isfinite(value)}}
