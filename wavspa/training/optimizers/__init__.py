"""Optimizers whose parameter groups know biases, norms and wavelet filters."""

from wavspa.training.optimizers.builtin import KINDS, adamw, of_torch
from wavspa.training.optimizers.groups import is_filter, parameter_groups
from wavspa.training.optimizers.joined import muon
from wavspa.training.optimizers.library import lion, schedule_free

__all__ = [
    "KINDS",
    "adamw",
    "is_filter",
    "lion",
    "muon",
    "of_torch",
    "parameter_groups",
    "schedule_free",
]
