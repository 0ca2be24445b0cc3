"""The five attention bases: bidirectional, each with a mask of real positions."""

from wavspa.attention.attribution import attention_received
from wavspa.attention.base import Attention
from wavspa.attention.linear import Linear
from wavspa.attention.linformer import Linformer
from wavspa.attention.longformer import Longformer
from wavspa.attention.performer import Performer
from wavspa.attention.softmax import Softmax

BASES = ("softmax", "longformer", "linformer", "linear", "performer")

__all__ = [
    "BASES",
    "Attention",
    "Linear",
    "Linformer",
    "Longformer",
    "Performer",
    "Softmax",
    "attention_received",
    "build_attention",
]


def build_attention(
    name: str,
    dim: int,
    heads: int,
    qkv_dim: int | None = None,
    *,
    max_len: int | None = None,
    window: int = 512,
    rank: int = 128,
    features: str = "relu",
    random_features: int | None = None,
    rotary: bool = False,
    dropout: float = 0.0,
) -> Attention:
    """Make the base ``name``; options that the base does not have are ignored.

    Raises:
        ValueError: an unknown name, linformer without ``max_len``, ``rotary`` with another base than
            softmax, or values that the base refuses.
    """
    if rotary and name != "softmax":
        raise ValueError(f"positions=rotary is a property of the softmax base, not of {name}")
    if name == "softmax":
        return Softmax(dim, heads, qkv_dim, dropout, rotary)
    if name == "longformer":
        return Longformer(dim, heads, qkv_dim, window, dropout)
    if name == "linformer":
        if max_len is None:
            raise ValueError("linformer needs max_len: its projections have that many rows")
        return Linformer(dim, heads, max_len, qkv_dim, rank, dropout=dropout)
    if name == "linear":
        return Linear(dim, heads, qkv_dim, dropout=dropout)
    if name == "performer":
        return Performer(dim, heads, qkv_dim, features, random_features)
    raise ValueError(f"attention {name!r} is unknown; choose one of {', '.join(BASES)}")
