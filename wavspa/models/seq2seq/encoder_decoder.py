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

# The token before the first one of every target: the pad, which no target contains.
START = 0


class ScaledEmbedding(nn.Embedding):
    """Embeddings that are ``sqrt(dim)`` times the table, whose deviation is initially ``1 / sqrt(dim)``.

    With normalised states the logits then have deviation 1, and an Adam step changes both equally.
    """

    def reset_parameters(self) -> None:
        """Initialise the table again."""
        nn.init.normal_(self.weight, std=1 / math.sqrt(self.embedding_dim))

    @override
    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input) * math.sqrt(self.embedding_dim)


class EncoderDecoder(nn.Module):
    """Writes a target sequence from a source sequence; both share a vocabulary.

    Shapes: B batch, N source length, M target length, D = ``dim``, V = ``vocab_size``. The decoder is a
    standard Transformer (softmax attention, pre-norm), since wavelet space attention looks both ways and a
    decoder must not. Source, target and output share one table of embeddings (:class:`ScaledEmbedding`).

    Args:
        vocab_size: Number of token ids V; 0 is the pad.
        max_len: Longest source N.
        max_target_len: Longest target M.
        dim: Model width D.
        depth: Number of encoder blocks.
        decoder_depth: Number of decoder blocks; None means ``depth``.
        heads: Number of attention heads.
        mlp_dim: Hidden width of the MLPs.
        positions: As in :class:`~wavspa.models.encoder.Encoder`; the decoder adds ``learned`` ones if the
            encoder does, else sinusoidal ones.
        dropout: Rate on embeddings, branches and in MLPs.
        attention_dropout: Rate inside the attentions; None means ``dropout``.
        norm_mlp: LayerNorm before each MLP of the encoder.
        padding: As in :class:`~wavspa.models.encoder.Encoder`; the decoder never looks at pads
            whose place it knows by the lengths of the sources.
        drop_path: As in :class:`~wavspa.models.encoder.Encoder`, for the encoder only.
        layer_scale: As in :class:`~wavspa.models.encoder.Encoder`, for the encoder only.
        pool: Without effect, like ``head_dim``: nothing is pooled.
        head_dim: Without effect.
        **layer: Options of :class:`~wavspa.models.wavelet_attention.WavSpAttention`, for the encoder.

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
        """Logits of every target token, given the earlier ones.

        Args:
            tokens: Ids of the sources, int64 [B, N].
            targets: Ids of the targets, int64 [B, M], padded on the right with any id.
            lengths: Number of real tokens in each source, int64 [B]; None means all N.

        Returns:
            [B, M, V]; of the target, those at ``[:, i]`` depend only on ``targets[:, :i]``.
        """
        before = F.pad(targets[:, :-1], (1, 0), value=START)
        states = self.decoder(
            self.encoder.embedding(before), self.encoder(tokens, lengths), lengths
        )
        return self._logits(states)

    def weights_of_encoder(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The weights of an :class:`~wavspa.models.encoder.Encoder` under their names in this model.

        An encoder's embeddings are its table; here they are ``sqrt(dim)`` times the table. The returned
        weights account for that, so that the encoder's states are the same.

        Args:
            weights: Weights by their names in an encoder without a head.
        """
        table = "embedding.weight"
        taken = dict(weights)
        if table in taken:
            taken[table] = taken[table] / math.sqrt(taken[table].shape[1])
        return {f"encoder.{name}": weight for name, weight in taken.items()}

    def begin(self, tokens: Tensor, lengths: Tensor | None, length: int) -> Memory:
        """Read sources ``tokens [B, N]`` with ``lengths [B]``, to write at most ``length`` tokens."""
        return self.decoder.begin(self.encoder(tokens, lengths), lengths, length)

    def step(self, last: Tensor, memory: Memory) -> Tensor:
        """Logits [B, V] of the token after ``last``, int64 [B]; the first token follows :data:`START`."""
        states = self.decoder.step(self.encoder.embedding(last[:, None]), memory)
        return self._logits(states[:, 0])

    def _logits(self, states: Tensor) -> Tensor:
        return F.linear(states, self.encoder.embedding.weight)
