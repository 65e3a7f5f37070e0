"""A zoo of Hopfield networks: every associative memory the paper names (Table 1, Appendix A), in one common shape.

Each network is made from stored patterns (d, n) and has `energy`, `gradient`, `update` and `retrieve` (see `memory`).
"""

from .classical import ClassicalHopfield
from .dense import DenseMemory
from .energy_transformer import EnergyTransformer
from .exponential import ExponentialMemory
from .graded import GradedHopfield
from .hierarchical import HierarchicalNetwork, Layer, NetworkRetrieval, Synapse
from .hierarchical_memory import HierarchicalMemory
from .lagrangians import (
    ExponentialLagrangian,
    IdentityLagrangian,
    Lagrangian,
    LayerNormLagrangian,
    PowerLagrangian,
    SoftmaxLagrangian,
    SphericalLagrangian,
    TanhLagrangian,
)
from .memory import Memory, Retrieval
from .predictive import PredictiveCodingMemory

__all__ = [
    "ClassicalHopfield",
    "DenseMemory",
    "EnergyTransformer",
    "ExponentialLagrangian",
    "ExponentialMemory",
    "GradedHopfield",
    "HierarchicalMemory",
    "HierarchicalNetwork",
    "IdentityLagrangian",
    "Lagrangian",
    "Layer",
    "LayerNormLagrangian",
    "Memory",
    "NetworkRetrieval",
    "PowerLagrangian",
    "PredictiveCodingMemory",
    "Retrieval",
    "SoftmaxLagrangian",
    "SphericalLagrangian",
    "Synapse",
    "TanhLagrangian",
]
