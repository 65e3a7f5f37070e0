"""A zoo of Hopfield networks: every associative memory the paper names (Table 1, Appendix A), in one common shape.

Each network is made from stored patterns (d, n) and has `energy`, `gradient`, `update` and `retrieve` (see `memory`).
"""

from .classical import ClassicalHopfield
from .clustering import Clustering, ClusteringByMemory
from .dense import DenseMemory
from .distance import DistanceMemory
from .energy_transformer import EnergyTransformer
from .exponential import ExponentialMemory
from .graded import GradedHopfield
from .hierarchical import HierarchicalNetwork, Layer, NetworkRetrieval, Synapse
from .hierarchical_memory import HierarchicalMemory
from .kernelised import KernelisedHopfield, learn_kernel, separation_gradient, separation_loss
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
from .modern import ModernHopfield, RamsauerCapacity, attention, ramsauer_capacity
from .outlier import OutlierEfficientHopfield, softmax_1
from .predictive import PredictiveCodingMemory
from .sparse import SparseHopfield, entmax, tsallis_entropy
from .universal import UniversalHopfield

__all__ = [
    "ClassicalHopfield",
    "Clustering",
    "ClusteringByMemory",
    "DenseMemory",
    "DistanceMemory",
    "EnergyTransformer",
    "ExponentialLagrangian",
    "ExponentialMemory",
    "GradedHopfield",
    "HierarchicalMemory",
    "HierarchicalNetwork",
    "IdentityLagrangian",
    "KernelisedHopfield",
    "Lagrangian",
    "Layer",
    "LayerNormLagrangian",
    "Memory",
    "ModernHopfield",
    "NetworkRetrieval",
    "OutlierEfficientHopfield",
    "PowerLagrangian",
    "PredictiveCodingMemory",
    "RamsauerCapacity",
    "Retrieval",
    "SoftmaxLagrangian",
    "SparseHopfield",
    "SphericalLagrangian",
    "Synapse",
    "TanhLagrangian",
    "UniversalHopfield",
    "attention",
    "entmax",
    "learn_kernel",
    "ramsauer_capacity",
    "separation_gradient",
    "separation_loss",
    "softmax_1",
    "tsallis_entropy",
]
