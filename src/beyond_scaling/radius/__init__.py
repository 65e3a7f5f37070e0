"""The radius of a pattern: activations of a language model and their exact nearest-neighbour distances."""

from .check import check
from .dimension import intrinsic_dimension
from .growth import fit_growth
from .measure import measure_radius
from .neighbours import nearest_distances, subset_order, subset_rows
from .settings import CONTROLS, KIND, Settings, hypothesised_distance
from .statistics import cloud, dependence, describe, scale_free
from .volumes import log_partitions, reference_radii

__all__ = [
    "CONTROLS",
    "KIND",
    "Settings",
    "check",
    "cloud",
    "dependence",
    "describe",
    "fit_growth",
    "hypothesised_distance",
    "intrinsic_dimension",
    "log_partitions",
    "measure_radius",
    "nearest_distances",
    "reference_radii",
    "scale_free",
    "subset_order",
    "subset_rows",
]
