"""The encoder that predicts masked tokens from the surrounding ones."""

from typing import Unpack

from torch import Tensor
from typing_extensions import override

from wavspa.models.encoder import Encoder
from wavspa.models.options import EncoderOptions


class MaskedEncoder(Encoder):
    """An :class:`~wavspa.models.encoder.Encoder` with an additional mask token, and logits for all others.

    Args:
        vocab_size: Number of token ids in the data; the mask is the next id, ``vocab_size``.
        pool: ``token``: a masked token is predicted at its own position.
        mlp_dim: Hidden width of the MLPs.
        head_dim: Hidden width of the head; None means ``mlp_dim``.
        **encoder: Further options of :class:`~wavspa.models.encoder.Encoder`.

    Raises:
        ValueError: An option with an impossible value; the message names it.
    """

    def __init__(
        self,
        vocab_size: int,
        *,
        pool: str = "token",
        mlp_dim: int = 256,
        head_dim: int | None = None,
        **encoder: Unpack[EncoderOptions],
    ) -> None:
        if pool != "token":
            raise ValueError(f"pool must be token for masked tokens, got {pool!r}")
        super().__init__(
            vocab_size + 1, vocab_size, pool=pool, mlp_dim=mlp_dim, head_dim=head_dim, **encoder
        )

    @property
    def mask_token(self) -> int:
        """The id that replaces a token to be predicted."""
        tokens: int = self.embedding.num_embeddings
        return tokens - 1

    @override
    def forward(
        self, tokens: Tensor, lengths: Tensor | None = None, places: Tensor | None = None
    ) -> Tensor:
        """Predict tokens.

        Args:
            tokens: Ids, int64 [B, N], N <= max_len.
            lengths: Number of real tokens in each row, int64 [B]; see
                :class:`~wavspa.models.encoder.Encoder`.
            places: Positions to predict, int64 [B, P]; None means all N. The head, which is large for a
                large vocabulary, then skips the others.

        Returns:
            Logits [B, P, vocab_size], or [B, N, vocab_size].
        """
        if places is None:
            return super().forward(tokens, lengths)
        states, _ = self._encode(tokens, lengths)
        assert self.head is not None
        logits: Tensor = self.head(
            states.gather(1, places[:, :, None].expand(-1, -1, states.shape[2]))
        )
        return logits
