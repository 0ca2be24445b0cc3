"""Wavelet space attention: analysis, attention on every band, synthesis."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from wavspa.attention import AttentionFactory, AttentionOptions, build_attention
from wavspa.tracing import is_exporting
from wavspa.wavelets import WaveletOptions, build_mode
from wavspa.wavelets.modes import WaveletFactory
from wavspa.wavelets.primitives import check_lengths, matmul_dtype
from wavspa.wavelets.transforms import lengths_of

PADDINGS = ("mask", "upstream")


class WavSpAttention(nn.Module):
    """Attention in the wavelet space of a sequence.

    Shapes: B batch, N length, D = ``dim``. Source: WavSpA (Zhuang et al. 2023), arXiv:2210.01989.
    Options that the chosen base or mode does not have are ignored, so that a sweep can set them.

    Args:
        dim: Model width D.
        heads: Number of heads.
        attention: A base (``softmax``, ``longformer``, ``linformer``, ``linear``, ``performer``, or one
            registered with :func:`~wavspa.attention.register_attention`) for all bands, or a list of one base
            per band, coarsest first. Instead of a name, a class or function that makes a module from
            (dim, heads, :class:`~wavspa.attention.options.AttentionOptions`).
        wavelet: ``none``, ``ada``, ``ortho``, ``lift``, or an ablation: ``fixed``, ``lift_fixed``,
            ``fourier``, ``conv``; or a mode registered with
            :func:`~wavspa.wavelets.modes.register_wavelet`, or a class or function that makes one from
            (dim, :class:`~wavspa.wavelets.options.WaveletOptions`).
        taps: Filter length, even.
        level: Number of levels J; there are J + 1 bands (one band with ``none``, ``fourier`` and ``conv``).
        boundary: ``zero``, ``reflect``, ``periodic`` or ``upstream`` (modes ada, ortho, fixed).
        padding: ``mask``: outputs at real positions depend only on the row's own real
            positions; ``upstream``: ``lengths`` are ignored, and pads are attended to, as in upstream.
        wavelet_name: The PyWavelets wavelet of mode ``fixed``; None means db(taps / 2).
        qkv_dim: Width of queries, keys and values; None means D.
        max_len: Longest possible sequence (required by linformer).
        window: Number of positions that a query of longformer sees.
        rank: Number of mixtures of linformer.
        features: ``relu`` or ``favor`` (performer).
        random_features: Number of features of ``favor``; None chooses it by the head width.
        rotary: Rotary positions within each band, for queries and keys, or for the features that linear and
            performer compute from them.
        dropout: Rate inside the attention, if the base applies it.
        mirror_low: Upstream's channel flip, for its checkpoints.
        share_attention: Ablation: one attention for all bands instead of one for each. Modes with one
            band have only one anyway.
        keep_details: False is an ablation: details are zero in the synthesis, and nothing attends to them.
            Modes with one band have no details.

    Raises:
        ValueError: An option with an impossible value; the message names it.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        attention: str | AttentionFactory | Sequence[str | AttentionFactory] = "softmax",
        wavelet: str | WaveletFactory = "ada",
        taps: int = WaveletOptions.taps,
        level: int = WaveletOptions.level,
        boundary: str = WaveletOptions.boundary,
        *,
        padding: str = "mask",
        wavelet_name: str | None = WaveletOptions.wavelet_name,
        qkv_dim: int | None = AttentionOptions.qkv_dim,
        max_len: int | None = AttentionOptions.max_len,
        window: int = AttentionOptions.window,
        rank: int = AttentionOptions.rank,
        features: str = AttentionOptions.features,
        random_features: int | None = AttentionOptions.random_features,
        rotary: bool = AttentionOptions.rotary,
        dropout: float = AttentionOptions.dropout,
        mirror_low: bool = WaveletOptions.mirror_low,
        share_attention: bool = False,
        keep_details: bool = True,
    ) -> None:
        super().__init__()
        if padding not in PADDINGS:
            raise ValueError(f"padding={padding!r} is unknown; choose one of {', '.join(PADDINGS)}")
        self.padding = padding
        self.share_attention, self.keep_details = share_attention, keep_details
        self.wavelet = build_mode(
            wavelet, dim, WaveletOptions(taps, level, boundary, wavelet_name, mirror_low)
        )
        options = AttentionOptions(
            qkv_dim, dropout, max_len, window, rank, features, random_features, rotary
        )
        longest = self.wavelet.band_lengths(1 if max_len is None else max_len)
        bands = len(longest) if keep_details else 1
        self.bands = bands
        if isinstance(attention, str) or callable(attention):
            bases = [attention] * bands
        else:
            bases = list(attention)
            if share_attention:
                raise ValueError(
                    "share_attention must be false if attention lists a base for each band, got True"
                )
        if len(bases) != bands:
            without = "" if keep_details else " without details"
            raise ValueError(
                f"attention lists {len(bases)} bases, but wavelet={wavelet} with level={level}{without} "
                f"has {bands} bands"
            )
        longest = longest[:bands]
        if share_attention:
            bases, longest = bases[:1], [max(longest)]
        self.attentions = nn.ModuleList(
            build_attention(
                base, dim, heads, replace(options, max_len=None if max_len is None else rows)
            )
            for base, rows in zip(bases, longest, strict=True)
        )

    @property
    def attention_of_bands(self) -> list[nn.Module]:
        """The attention of each band that is attended to, coarsest first; one may serve several."""
        return list(self.attentions) * (self.bands if self.share_attention else 1)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Attend within each row of ``x [B, N, D]`` -> [B, N, D].

        Args:
            x: float32, float64, or a half type (the transform itself then runs in float32).
            lengths: Number of real positions in each row, int64 [B], each in 1..N; None means all N.
                The output is zero beyond them. Values are checked only if they are on the host.

        Raises:
            ValueError: A shape, dtype or length does not fit.
        """
        if x.dim() != 3 or x.shape[1] < 1 or x.shape[2] != self.wavelet.dim:
            raise ValueError(
                f"x must be [batch, length >= 1, dim={self.wavelet.dim}], got {list(x.shape)}"
            )
        lengths = None if self.padding == "upstream" else check_lengths(lengths, x)
        if lengths is None and is_exporting():
            # Equivalent, because ONNX has no remainder by a length that is not a tensor.
            lengths = torch.full((x.shape[0],), x.shape[1], device=x.device)
        transform = self.wavelet.transform()
        bands = transform.analyse(x, lengths, matmul_dtype(x))
        attended = [
            attention(band, real)
            for attention, band, real in zip(
                self.attention_of_bands,
                bands.coefficients,
                lengths_of(bands),
                strict=self.keep_details,
            )
        ]
        attended += [torch.zeros_like(band) for band in bands.coefficients[self.bands :]]
        return transform.synthesise(bands._replace(coefficients=attended), x.dtype)
