"""One level of lifting as operators: ``plain`` (torch, the formula) and ``triton_*`` side by side."""

from wavspa.wavelets.operators.lifting.gradients import LiftingAnalysis, LiftingSynthesis
from wavspa.wavelets.operators.lifting.level import lift_level, unlift_level

__all__ = ["LiftingAnalysis", "LiftingSynthesis", "lift_level", "unlift_level"]
