"""WavSpA: attention in a learnable wavelet space, for long sequences."""

from typing import Any

from wavspa.models import DualEncoder, Encoder, WavSpAttention
from wavspa.wavelets import lattice_filters, lifting_dec, lifting_rec, wavedec, waverec

__all__ = [
    "DualEncoder",
    "Encoder",
    "WavSpAttention",
    "lattice_filters",
    "lifting_dec",
    "lifting_rec",
    "load_model",
    "wavedec",
    "waverec",
]


def __getattr__(name: str) -> Any:
    # `load_model` needs the training stack, which costs seconds to import: only when asked for.
    if name == "load_model":
        from wavspa.training.checkpoints import load_model

        return load_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
