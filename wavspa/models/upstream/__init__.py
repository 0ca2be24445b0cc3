"""Bring models of the original (JAX/Flax) implementation over, with or without its defects."""

from wavspa.models.upstream.build import build_from_flax
from wavspa.models.upstream.checkpoint import load_flax_checkpoint

__all__ = ["build_from_flax", "load_flax_checkpoint"]
