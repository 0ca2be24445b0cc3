"""The five attention bases: bidirectional, within the real positions of each row."""

from collections.abc import Callable
from typing import TypeVar

from torch import nn

from wavspa.attention.attribution import attention_received
from wavspa.attention.base import Attention
from wavspa.attention.linear import Linear
from wavspa.attention.linformer import Linformer
from wavspa.attention.longformer import Longformer
from wavspa.attention.options import AttentionOptions
from wavspa.attention.performer import Performer
from wavspa.attention.softmax import Softmax
from wavspa.registry import registering

AttentionFactory = Callable[[int, int, AttentionOptions], nn.Module]
"""What makes a base of width, heads and options: a class or a function. The base is called as
``base(x [B, N, D], lengths [B] or None)`` and returns [B, N, D]."""

F = TypeVar("F", bound=AttentionFactory)

BASES: dict[str, AttentionFactory] = {
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
    "register_attention",
]


def register_attention(name: str) -> Callable[[F], F]:
    """Decorate a class or function so that ``attention=name`` chooses it, in models and configurations.

    Args:
        name: Letters, digits and underscores.

    Raises:
        ValueError: The name has other characters, or is that of another base.
    """
    return registering("attention", BASES, name)


def build_attention(
    name: str | AttentionFactory,
    dim: int,
    heads: int,
    options: AttentionOptions = AttentionOptions(),
) -> nn.Module:
    """Build the base of a name, or by a class or function; options that the base does not have are ignored.

    Raises:
        ValueError: An unknown name, or values that the base refuses.
        TypeError: ``name`` is a module already, or what it makes is none.
    """
    if isinstance(name, str) and name not in BASES:
        raise ValueError(f"attention={name!r} is unknown; choose one of {', '.join(BASES)}")
    if isinstance(name, nn.Module):
        raise TypeError(
            f"attention must be a name, class or function, got a built {type(name).__name__}: every layer "
            "and band builds its own"
        )
    factory = BASES[name] if isinstance(name, str) else name
    base = factory(dim, heads, options)
    if not isinstance(base, nn.Module):
        raise TypeError(f"attention={name!r} must make a torch.nn.Module, got {base!r}")
    return base
