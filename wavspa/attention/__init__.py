"""The five attention bases: bidirectional, within the real positions of each row."""

from wavspa.attention.attribution import attention_received
from wavspa.attention.base import Attention
from wavspa.attention.linear import Linear
from wavspa.attention.linformer import Linformer
from wavspa.attention.longformer import Longformer
from wavspa.attention.options import AttentionOptions
from wavspa.attention.performer import Performer
from wavspa.attention.softmax import Softmax

BASES: dict[str, type[Attention]] = {
    "softmax": Softmax,
    "longformer": Longformer,
    "linformer": Linformer,
    "linear": Linear,
    "performer": Performer,
}

__all__ = [
    "BASES",
    "Attention",
    "AttentionOptions",
    "Linear",
    "Linformer",
    "Longformer",
    "Performer",
    "Softmax",
    "attention_received",
    "build_attention",
]


def build_attention(
    name: str, dim: int, heads: int, options: AttentionOptions = AttentionOptions()
) -> Attention:
    """Build the base ``name``; options that the base does not have are ignored.

    Raises:
        ValueError: An unknown name, or values that the base refuses.
    """
    if name not in BASES:
        raise ValueError(f"attention={name!r} is unknown; choose one of {', '.join(BASES)}")
    return BASES[name](dim, heads, options)
