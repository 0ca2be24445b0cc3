"""Wavelet space attention: analysis, an attention of its own on every band, synthesis."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from wavspa.attention import build_attention
from wavspa.wavelets import build_mode
from wavspa.wavelets.primitives import zero_pads

PADDINGS = ("mask", "upstream")


class WavSpAttention(nn.Module):
    """Attend in the wavelet space of a sequence.

    Shapes: B batch, N length, D = ``dim``. Source: WavSpA (Zhuang et al. 2023), arXiv:2210.01989.
    Options that the chosen base or mode does not have are ignored, so that a sweep may set them.

    Args:
        dim: model width D.
        heads: number of heads.
        attention: a base (``softmax``, ``longformer``, ``linformer``, ``linear``, ``performer``) for all
            bands, or a list of one base per band, coarsest first.
        wavelet: ``none``, ``ada``, ``ortho``, ``lift``, or an ablation: ``fixed``, ``lift_fixed``,
            ``fourier``.
        taps: filter length, even.
        level: number of levels J; there are J + 1 bands (one band with ``none`` and ``fourier``).
        boundary: ``zero``, ``reflect``, ``periodic`` or ``upstream`` (modes ada, ortho, fixed).
        padding: ``mask``: outputs at real positions depend on nothing but the row's own real
            positions; ``upstream``: ``lengths`` are ignored, pads are attended to as the original does.
        wavelet_name: the PyWavelets wavelet of mode ``fixed``; None means db(taps / 2).
        qkv_dim: width of queries, keys and values; None means D.
        max_len: longest sequence that can come (linformer must know).
        window: places that longformer sees.
        rank: mixtures of linformer.
        features: ``relu`` or ``favor`` (performer).
        random_features: number of features of ``favor``; None chooses by the head width.
        rotary: rotary positions in the softmax base.
        dropout: rate inside the attention, where the base applies it.
        mirror_low: the original's channel flip, for its checkpoints.

    Raises:
        ValueError: an option with an impossible value; the message names it.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        attention: str | Sequence[str] = "softmax",
        wavelet: str = "ada",
        taps: int = 16,
        level: int = 1,
        boundary: str = "zero",
        *,
        padding: str = "mask",
        wavelet_name: str | None = None,
        qkv_dim: int | None = None,
        max_len: int | None = None,
        window: int = 512,
        rank: int = 128,
        features: str = "relu",
        random_features: int | None = None,
        rotary: bool = False,
        dropout: float = 0.0,
        mirror_low: bool = False,
    ) -> None:
        super().__init__()
        if padding not in PADDINGS:
            raise ValueError(f"padding {padding!r} is unknown; choose one of {', '.join(PADDINGS)}")
        self.padding = padding
        self.wavelet = build_mode(wavelet, dim, taps, level, boundary, wavelet_name, mirror_low)
        longest = self.wavelet.band_lengths(max_len if max_len is not None else 1)
        bases = [attention] * len(longest) if isinstance(attention, str) else list(attention)
        if len(bases) != len(longest):
            raise ValueError(
                f"attention lists {len(bases)} bases, but wavelet={wavelet} with level={level} "
                f"has {len(longest)} bands"
            )
        self.attentions = nn.ModuleList(
            build_attention(
                base,
                dim,
                heads,
                qkv_dim,
                max_len=rows if max_len is not None else None,
                window=window,
                rank=rank,
                features=features,
                random_features=random_features,
                rotary=rotary,
                dropout=dropout,
            )
            for base, rows in zip(bases, longest, strict=True)
        )

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Attend within each row of ``x [B, N, D]`` -> [B, N, D].

        Args:
            x: float32, float64, or a half type (the transform itself then runs in float32).
            lengths: real positions of each row, int64 [B], each >= 1; None means all N. The output
                is zero beyond them.
        """
        if self.padding == "upstream":
            lengths = None
        if lengths is None and torch.compiler.is_exporting():
            # The same in other words: ONNX has no remainder by a length that is no tensor.
            lengths = torch.full((x.shape[0],), x.shape[1], device=x.device)
        filters = self.wavelet.filters()
        bands = self.wavelet.analyse(x, filters, lengths)
        masks = self._masks(bands, lengths)
        attended = [
            attention(band.to(x.dtype), mask)
            for attention, band, mask in zip(self.attentions, bands, masks, strict=True)
        ]
        y = self.wavelet.synthesise(attended, filters, x.shape[1], lengths)
        return zero_pads(y.to(x.dtype), lengths)

    def _masks(self, bands: list[Tensor], lengths: Tensor | None) -> list[Tensor | None]:
        """Which coefficients of each band belong to the row, [B, band length] bool."""
        if lengths is None:
            return [None] * len(bands)
        return [
            torch.arange(band.shape[1], device=band.device) < real[:, None]
            for band, real in zip(bands, self.wavelet.band_lengths(lengths), strict=True)
        ]
