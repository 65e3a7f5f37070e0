"""Capacity, measured: how many patterns each network of the zoo retrieves, and how that grows with their dimension.

`design` says what is measured, `cell` measures one cell, `work` many of them, `crossing` finds critical numbers of
patterns with intervals, `record` keeps it all, and `theory` has the curves to hold it against.
"""

from .cell import Cell, Measured, measure
from .design import FAMILIES, PRESETS, family
from .record import KIND, check, record
from .series import Family, Series
from .work import Kept, measure_all

__all__ = [
    "FAMILIES",
    "KIND",
    "PRESETS",
    "Cell",
    "Family",
    "Kept",
    "Measured",
    "Series",
    "check",
    "family",
    "measure",
    "measure_all",
    "record",
]
