"""A zoo of Hopfield networks: every associative memory the paper names (Table 1, Appendix A), in one common shape.

Each network is made from stored patterns (d, n) and has `energy`, `gradient`, `update` and `retrieve` (see `memory`).
"""

from .classical import ClassicalHopfield
from .dense import DenseMemory
from .exponential import ExponentialMemory
from .graded import GradedHopfield
from .memory import Memory, Retrieval

__all__ = ["ClassicalHopfield", "DenseMemory", "ExponentialMemory", "GradedHopfield", "Memory", "Retrieval"]
