"""The encoder–decoder: a wavelet encoder of any cell under a causal Transformer decoder."""

import math
from collections.abc import Mapping
from typing import Unpack

import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import override

from wavspa.attention.options import AttentionOptions
from wavspa.models.encoder import Encoder
from wavspa.models.options import LayerOptions
from wavspa.models.seq2seq.decoder import Decoder, Memory

# The token before the first one of every target: the pad, which no target holds.
START = 0


class ScaledEmbedding(nn.Embedding):
    """Embeddings that are ``sqrt(dim)`` times the table, whose deviation is initially ``1 / sqrt(dim)``.

    The table then makes logits of deviation 1 of normalised states, and a step of Adam changes both equally.
    """

    def reset_parameters(self) -> None:
        """Initialise the table again."""
        nn.init.normal_(self.weight, std=1 / math.sqrt(self.embedding_dim))

    @override
    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input) * math.sqrt(self.embedding_dim)


class EncoderDecoder(nn.Module):
    """Writes a target sequence from a source sequence; both have one vocabulary.

    Shapes: B batch, N source length, M target length, D = ``dim``, V = ``vocab_size``. The decoder is a
    standard Transformer (softmax attention, pre-norm): wavelet space attention looks both ways, and a decoder
    must not. Source, target and output share one table of embeddings (:class:`ScaledEmbedding`).

    Args:
        vocab_size: Number of token ids V; 0 is the pad.
        max_len: Longest source N.
        max_target_len: Longest target M.
        dim: Model width D.
        depth: Number of encoder blocks.
        decoder_depth: Number of decoder blocks; None means ``depth``.
        heads: Number of attention heads.
        mlp_dim: Hidden width of the MLPs.
        positions: As in :class:`~wavspa.models.encoder.Encoder`; the decoder adds ``learned`` ones where the
            encoder does, else sinusoidal ones.
        dropout: Rate on embeddings, branches and in MLPs.
        attention_dropout: Rate inside the attentions; None means ``dropout``.
        norm_mlp: LayerNorm before each MLP of the encoder.
        padding: As in :class:`~wavspa.models.encoder.Encoder`; the decoder never looks at pads.
        drop_path: As in :class:`~wavspa.models.encoder.Encoder`, of the encoder.
        layer_scale: As in :class:`~wavspa.models.encoder.Encoder`, of the encoder.
        pool: Without effect, as ``head_dim``: nothing is pooled.
        head_dim: Without effect.
        **layer: Options of :class:`~wavspa.models.wavelet_attention.WavSpAttention`, of the encoder.

    Raises:
        ValueError: An option with an impossible value; the message names it.
    """

    def __init__(
        self,
        vocab_size: int,
        *,
        max_len: int,
        max_target_len: int,
        dim: int = 128,
        depth: int = 4,
        decoder_depth: int | None = None,
        heads: int = 4,
        mlp_dim: int = 256,
        positions: str = "sinusoidal",
        dropout: float = 0.1,
        attention_dropout: float | None = None,
        norm_mlp: bool = True,
        padding: str = "mask",
        drop_path: float = 0.0,
        layer_scale: float | None = None,
        pool: str = "mean",
        head_dim: int | None = None,
        **layer: Unpack[LayerOptions],
    ) -> None:
        super().__init__()
        for name, size in {
            "max_target_len": max_target_len,
            "decoder_depth": decoder_depth,
        }.items():
            if size is not None and size < 1:
                raise ValueError(f"{name} must be at least 1, got {size}")
        self.encoder = Encoder(
            vocab_size,
            max_len=max_len,
            dim=dim,
            depth=depth,
            heads=heads,
            mlp_dim=mlp_dim,
            positions=positions,
            dropout=dropout,
            attention_dropout=attention_dropout,
            norm_mlp=norm_mlp,
            padding=padding,
            drop_path=drop_path,
            layer_scale=layer_scale,
            pool=pool,
            head_dim=head_dim,
            **layer,
        )
        self.encoder.embedding = ScaledEmbedding(vocab_size, dim)
        self.decoder = Decoder(
            dim,
            decoder_depth or depth,
            heads,
            mlp_dim,
            max_target_len,
            "learned" if positions == "learned" else "sinusoidal",
            dropout,
            AttentionOptions(dropout=dropout if attention_dropout is None else attention_dropout),
        )
        self.max_target_len = max_target_len

    def forward(self, tokens: Tensor, targets: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Logits of every target token, given those before it.

        Args:
            tokens: Ids of the sources, int64 [B, N].
            targets: Ids of the targets, int64 [B, M], padded on the right with any id.
            lengths: Real tokens of each source, int64 [B]; None means all N.

        Returns:
            [B, M, V]; those at ``[:, i]`` depend on ``targets[:, :i]`` alone.
        """
        before = F.pad(targets[:, :-1], (1, 0), value=START)
        states = self.decoder(
            self.encoder.embedding(before), self.encoder(tokens, lengths), lengths
        )
        return self._logits(states)

    def weights_of_encoder(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The weights of an :class:`~wavspa.models.encoder.Encoder` by the names that they have here.

        Its embeddings are its table, those here ``sqrt(dim)`` times the table; with what this returns, the
        encoder's states are the same.

        Args:
            weights: By their names in an encoder without a head.
        """
        table = "embedding.weight"
        taken = dict(weights)
        if table in taken:
            taken[table] = taken[table] / math.sqrt(taken[table].shape[1])
        return {f"encoder.{name}": weight for name, weight in taken.items()}

    def begin(self, tokens: Tensor, lengths: Tensor | None, length: int) -> Memory:
        """Read sources ``tokens [B, N]`` with ``lengths [B]``, to write ``length`` tokens at most."""
        return self.decoder.begin(self.encoder(tokens, lengths), lengths, length)

    def step(self, last: Tensor, memory: Memory) -> Tensor:
        """Logits [B, V] of the next token after ``last`` int64 [B]; of the first, after :data:`START`."""
        states = self.decoder.step(self.encoder.embedding(last[:, None]), memory)
        return self._logits(states[:, 0])

    def _logits(self, states: Tensor) -> Tensor:
        return F.linear(states, self.encoder.embedding.weight)
