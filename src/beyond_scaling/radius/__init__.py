"""The radius of a pattern: activations of a language model and their exact nearest-neighbour distances."""

from .check import check
from .measure import measure_radius
from .neighbours import nearest_distances, subset_order, subset_rows
from .settings import CONTROLS, KIND, Settings, hypothesised_distance

__all__ = [
    "CONTROLS",
    "KIND",
    "Settings",
    "check",
    "hypothesised_distance",
    "measure_radius",
    "nearest_distances",
    "subset_order",
    "subset_rows",
]
