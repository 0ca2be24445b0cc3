"""One level of the wavelet transform as three operators that are each other's gradients.

Each has two implementations of one signature: ``plain`` (torch, the formula) and ``triton_*``. The
rooms ``lifting`` and ``lattice`` hold theirs in the same way.
"""

from wavspa.wavelets.operators.backend import backend, runs_triton, set_backend, use_backend
from wavspa.wavelets.operators.gradients import Analysis, FilterGradient, Synthesis
from wavspa.wavelets.operators.level import analyse_level, synthesise_level

__all__ = [
    "Analysis",
    "FilterGradient",
    "Synthesis",
    "analyse_level",
    "backend",
    "runs_triton",
    "set_backend",
    "synthesise_level",
    "use_backend",
]
