"""Wavelet space attention in place of torch's ``nn.MultiheadAttention``."""

from collections.abc import Mapping
from typing import NoReturn, Unpack

import torch
from torch import Tensor, nn

from wavspa.models.options import LoneLayerOptions
from wavspa.models.wavelet_attention import WavSpAttention


class WavSpMultiheadAttention(nn.Module):
    """:class:`WavSpAttention`, built and called like ``nn.MultiheadAttention``.

    Shapes: B batch, N length, D = ``embed_dim``. It attends within one sequence, both ways: query, key and
    value are one tensor, and there is no ``attn_mask``. It replaces the ``self_attn`` of an
    ``nn.TransformerEncoderLayer``; :func:`swap_attention` puts it there.

    Args:
        embed_dim: Model width D.
        num_heads: Number of heads.
        dropout: Rate inside the attention, if the base applies it.
        batch_first: Inputs are [B, N, D]; otherwise [N, B, D].
        **layer: Further options of :class:`WavSpAttention`: ``attention``, ``wavelet``, ``taps``,
            ``level``, …

    Raises:
        ValueError: An option with an impossible value; the message names it.
    """

    # torch's encoder reads these to choose its fused path, which supports only torch's own attention. A
    # projection without bias is one of the conditions that rule it out.
    in_proj_bias = None
    _qkv_same_embed_dim = True

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        *,
        batch_first: bool = False,
        **layer: Unpack[LoneLayerOptions],
    ) -> None:
        super().__init__()
        self.embed_dim, self.num_heads = embed_dim, num_heads
        self.batch_first = batch_first
        self.attention = WavSpAttention(embed_dim, num_heads, dropout=dropout, **layer)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, None]:
        """Attend within each sequence.

        Args:
            query: [B, N, D] with ``batch_first``, else [N, B, D]; or one sequence [N, D].
            key: The same tensor, or a view of all of it, as backward hooks make of every argument.
            value: The same tensor, likewise.
            key_padding_mask: bool or float [B, N] (for one sequence [N]), True or negative at pads, which
                may be anywhere: the remaining positions, in order, are the sequence that is transformed.
            need_weights: Without effect: there is a matrix of weights for each band, not a common one.
            attn_mask: Must be None.
            average_attn_weights: Without effect.
            is_causal: Must be False.

        Returns:
            The output in the query's shape, zero at pads (with padding ``mask``), and None instead of the
            weights.

        Raises:
            ValueError: ``key`` or ``value`` is not ``query``, a mask over pairs of positions is given, or
                ``key_padding_mask`` has another dtype or shape.
        """
        if not (_is_same(key, query) and _is_same(value, query)):
            raise ValueError(
                "WavSpMultiheadAttention attends within one sequence: query, key and value must be one "
                "tensor (for attention across two, keep nn.MultiheadAttention)"
            )
        if attn_mask is not None or is_causal:
            raise ValueError(
                "WavSpMultiheadAttention attends both ways in wavelet space, where attn_mask and is_causal "
                "have no meaning: mask pads with key_padding_mask"
            )
        x = query if query.dim() == 3 else query.unsqueeze(0)
        if query.dim() == 3 and not self.batch_first:
            x = x.transpose(0, 1)
        y = self._attend(x, None if key_padding_mask is None else _real(key_padding_mask, x))
        if query.dim() == 2:
            return y.squeeze(0), None
        return (y if self.batch_first else y.transpose(0, 1)), None

    def _attend(self, x: Tensor, real: Tensor | None) -> Tensor:
        """Attend to the real positions [B, N] of ``x [B, N, D]``; None: all."""
        if real is None:
            attended: Tensor = self.attention(x)
            return attended
        order = torch.argsort(real.logical_not().byte(), dim=1, stable=True)
        places = order[..., None].expand_as(x)
        lengths = real.sum(dim=1)
        # A row that has only pads has no sequence; a zero is used as one, so that nothing is NaN.
        has_real = (lengths > 0)[:, None, None]
        y = self.attention(torch.where(has_real, x.gather(1, places), 0), lengths.clamp(min=1))
        y = torch.where(has_real, y, 0)
        return torch.zeros_like(y).scatter(1, places, y)

    @property
    def in_proj_weight(self) -> NoReturn:
        """Not available; torch asks for it when it would bypass this attention.

        Raises:
            RuntimeError: Always; the message names the way out.
        """
        raise RuntimeError(
            "nn.TransformerEncoder is about to take its fused path, which bypasses WavSpMultiheadAttention: "
            "build it with enable_nested_tensor=False, or let wavspa.swap_attention change it"
        )


def swap_attention(model: nn.Module, **layer: Unpack[LoneLayerOptions]) -> nn.Module:
    """Put a new :class:`WavSpMultiheadAttention` in place of every ``nn.MultiheadAttention``, in place.

    Width, heads, dropout, device, dtype and ``batch_first`` are kept; weights are newly initialised.

    Args:
        model: Any model whose attentions are within one sequence, such as ``nn.TransformerEncoder``.
        **layer: Options of :class:`WavSpAttention`: ``attention``, ``wavelet``, ``taps``, ``level``, …

    Returns:
        The same model.

    Raises:
        ValueError: There is nothing to swap, the model has a decoder (causal and across two sequences), or
            an option has an impossible value.
    """
    modules = list(model.named_modules())
    if any(isinstance(module, nn.TransformerDecoderLayer) for _, module in modules):
        raise ValueError(
            "a decoder attends causally and to another sequence, which wavelet space attention does "
            "not: swap only the attention of the encoder"
        )
    # One attention may have several names: all of them get the same new one.
    found = {
        name: module
        for name, module in model.named_modules(remove_duplicate=False)
        if isinstance(module, nn.MultiheadAttention) and module is not model
    }
    if not found:
        raise ValueError(
            f"{type(model).__name__} holds no nn.MultiheadAttention to swap (those of an encoder of "
            "transformers are swapped by wavspa.exports.swap.swap)"
        )
    new = {old: _like(old, layer) for old in found.values()}
    replace_modules(model, {name: new[old] for name, old in found.items()})
    for _, module in modules:
        if isinstance(module, nn.TransformerEncoder):
            module.use_nested_tensor = False
    return model


def replace_modules(model: nn.Module, modules: Mapping[str, nn.Module]) -> None:
    """Replace the modules of a model that have these names."""
    for name, new in modules.items():
        parent, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(parent), attribute, new)


def _like(old: nn.MultiheadAttention, layer: LoneLayerOptions) -> WavSpMultiheadAttention:
    new = WavSpMultiheadAttention(
        old.embed_dim, old.num_heads, old.dropout, batch_first=old.batch_first, **layer
    )
    return new.to(old.out_proj.weight).train(old.training)


def _is_same(x: Tensor, y: Tensor) -> bool:
    """Whether two arguments are one tensor, or views of it: backward hooks make one of each argument."""
    if x is y or torch.compiler.is_compiling():
        return x is y
    bases = [z if z._base is None else z._base for z in (x, y)]
    kinds = [(z.shape, z.stride(), z.storage_offset(), z.dtype) for z in (x, y)]
    return bases[0] is bases[1] and kinds[0] == kinds[1]


def _real(key_padding_mask: Tensor, x: Tensor) -> Tensor:
    """Where ``x [B, N, D]`` is real, bool [B, N], from a mask [B, N] or [N], True or negative at pads."""
    mask = key_padding_mask if key_padding_mask.dim() == 2 else key_padding_mask.unsqueeze(0)
    if mask.shape != x.shape[:2]:
        raise ValueError(
            f"key_padding_mask must be {list(x.shape[:2])}, got {list(key_padding_mask.shape)}"
        )
    if mask.dtype == torch.bool:
        return ~mask
    if not mask.is_floating_point():
        raise ValueError(
            f"key_padding_mask must be bool, True at pads (or float, -inf at pads), got {mask.dtype}; "
            "for a mask that is 1 at real positions, pass mask == 0"
        )
    return mask >= 0
