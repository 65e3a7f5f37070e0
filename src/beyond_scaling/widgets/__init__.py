"""The widgets of the book: one ES module each, over one shared energy.js; live in Jupyter and in the static page."""

from .ball_integral import BallIntegral
from .bands import Bands
from .bifurcations import SeparationThreshold, Triangle, TwoWells
from .chinchilla_surface import ChinchillaSurface
from .gauge import Gauge
from .grammar_tree import GrammarTree
from .held_fixed import HeldFixed
from .knife_edge import KnifeEdge
from .landscape_1d import Landscape1D
from .landscape_2d import Landscape2D
from .layer_descent import LayerDescent
from .loss_curves import LossCurves
from .memory_playground import MemoryPlayground
from .parameter_counter import ParameterCounter
from .rescale import Rescale
from .sample_size import SampleSize
from .separation_ladder import SeparationLadder
from .table_3 import Table3
from .width_runs import WidthRuns
from .width_threshold import WidthThreshold

__all__ = [
    "BallIntegral",
    "Bands",
    "ChinchillaSurface",
    "Gauge",
    "GrammarTree",
    "HeldFixed",
    "KnifeEdge",
    "Landscape1D",
    "Landscape2D",
    "LayerDescent",
    "LossCurves",
    "MemoryPlayground",
    "ParameterCounter",
    "Rescale",
    "SampleSize",
    "SeparationLadder",
    "SeparationThreshold",
    "Table3",
    "Triangle",
    "TwoWells",
    "WidthRuns",
    "WidthThreshold",
]
