"""WavSpA: attention in a learnable wavelet space, for long sequences."""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wavspa.attention import register_attention
    from wavspa.models import (
        DualEncoder,
        Encoder,
        EncoderDecoder,
        WavSpAttention,
        WavSpMultiheadAttention,
        swap_attention,
    )
    from wavspa.training.checkpoints.read import load_model
    from wavspa.wavelets import (
        lattice_filters,
        lifting_dec,
        lifting_rec,
        register_wavelet,
        wavedec,
        waverec,
    )

__all__ = [
    "DualEncoder",
    "Encoder",
    "EncoderDecoder",
    "WavSpAttention",
    "WavSpMultiheadAttention",
    "__version__",
    "lattice_filters",
    "lifting_dec",
    "lifting_rec",
    "load_model",
    "register_attention",
    "register_wavelet",
    "swap_attention",
    "wavedec",
    "waverec",
]

_HOMES = {
    **dict.fromkeys(
        (
            "DualEncoder",
            "Encoder",
            "EncoderDecoder",
            "WavSpAttention",
            "WavSpMultiheadAttention",
            "swap_attention",
        ),
        "wavspa.models",
    ),
    "load_model": "wavspa.training.checkpoints.read",
    "register_attention": "wavspa.attention",
}


def __getattr__(name: str) -> Any:
    # Importing torch takes seconds, and load_model's training stack takes longer: import them on demand.
    if name == "__version__":
        return version("wavspa")
    if name in __all__:
        return getattr(import_module(_HOMES.get(name, "wavspa.wavelets")), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
