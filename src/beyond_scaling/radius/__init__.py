"""The radius of a pattern: activations of a language model and their exact nearest-neighbour distances."""

from .measure import KIND, Settings, check, hypothesised_distance, measure_radius
from .neighbours import nearest_distances, subset_order, subset_rows

__all__ = [
    "KIND",
    "Settings",
    "check",
    "hypothesised_distance",
    "measure_radius",
    "nearest_distances",
    "subset_order",
    "subset_rows",
]
