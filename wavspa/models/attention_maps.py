"""Attention in wavelet space, mapped back to the positions of the input."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from wavspa.attention import Attention, attention_received
from wavspa.errors import UserError
from wavspa.models.dual_encoder import DualEncoder
from wavspa.models.introspection import band_names, layers_of, watch_bands
from wavspa.models.seq2seq.encoder_decoder import EncoderDecoder
from wavspa.models.wavelet_attention import WavSpAttention
from wavspa.wavelets.primitives import at_least_float32
from wavspa.wavelets.transforms import Bands

# A footprint is the mean over at most this many channels, since their filters are similar.
CHANNELS = 16
COEFFICIENTS = 32


class BandMap(NamedTuple):
    """The attention that a band of a layer receives, in units of an even share.

    ``coefficients`` [M]: of each coefficient, averaged over heads and queries; their mean is 1 (only roughly
    for linear attention and linformer). ``positions`` [N]: the same, mapped back to the input.
    """

    name: str
    coefficients: Tensor
    positions: Tensor


def attention_maps(model: nn.Module, tokens: Tensor) -> list[list[BandMap]]:
    """Map where the bands of every layer of a model look in one sequence.

    A position gets the mean of what the coefficients receive, weighted with the energy that each coefficient
    contributes there when it is synthesised alone (averaged over channels). So evenly spread attention is 1
    everywhere. A layer's output mixes positions: the maps of later layers refer to positions in the residual
    stream.

    Args:
        model: An encoder; a dual encoder, for either of its sequences; or an encoder–decoder, for its
            source.
        tokens: Ids of the sequence, int64 [N].

    Returns:
        For each layer the maps of its bands, coarsest first; a CLS token is left out of the positions.

    Raises:
        UserError: A third-party base is not an :class:`~wavspa.attention.base.Attention`.
    """
    encoder = model.encoder if isinstance(model, DualEncoder | EncoderDecoder) else model
    layers = layers_of(encoder)
    received: dict[tuple[int, int], Tensor] = {}

    def see(layer: int, band: int, x: Tensor, lengths: Tensor | None) -> None:
        attention = layers[layer].attention_of_bands[band]
        if not isinstance(attention, Attention):
            raise UserError(
                f"{type(attention).__name__} has no attention map: it is not a subclass of "
                "wavspa.attention.Attention"
            )
        received[layer, band] = attention_received(attention, x, lengths)[0].mean(dim=0)

    handles = watch_bands(encoder, see)
    try:
        with torch.no_grad():
            encoder(tokens[None], torch.tensor([len(tokens)], device=tokens.device))
    finally:
        for handle in handles:
            handle.remove()
    has_cls = getattr(encoder, "cls", None) is not None
    return [
        [
            _map(layer, band, received[number, band], len(tokens) + has_cls, int(has_cls))
            for band in range(layer.bands)
        ]
        for number, layer in enumerate(layers)
    ]


def _map(layer: WavSpAttention, band: int, received: Tensor, length: int, skipped: int) -> BandMap:
    weights = footprints(layer, band, length)
    shares = received.to(weights.dtype) * len(received)
    positions = shares @ weights / weights.sum(dim=0)
    return BandMap(band_names(layer)[band], shares, positions[skipped:])


@torch.no_grad()
def footprints(layer: WavSpAttention, band: int, length: int) -> Tensor:
    """The energy that each coefficient of a band contributes to each position when synthesised alone.

    Args:
        layer: The layer.
        band: The band's number, from 0, the coarsest first.
        length: Positions N.

    Returns:
        [M, N], averaged over channels; on the layer's device, float32 (float64 for a layer in float64).
    """
    mode = layer.wavelet
    like = at_least_float32(next(layer.parameters()))
    sizes = mode.band_lengths(length)
    chosen = torch.linspace(0, mode.dim - 1, min(CHANNELS, mode.dim)).round().long()
    transform = mode.bind([one[:, chosen] for one in mode.filters()])
    full: list[Tensor | None] = [None] * max(len(sizes), 2)
    parts = []
    for coefficients in torch.arange(sizes[band]).split(COEFFICIENTS):
        bands = [like.new_zeros(len(coefficients), size, len(chosen)) for size in sizes]
        bands[band][torch.arange(len(coefficients)), coefficients] = 1
        parts.append(transform.synthesise(Bands(bands, full, length)).square().mean(dim=2))
    return torch.cat(parts)
