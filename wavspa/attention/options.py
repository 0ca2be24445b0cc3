"""The options of the attention bases: the one place of every default."""

from dataclasses import dataclass

from wavspa.checks import one_of

FEATURES = ("relu", "favor")


@dataclass(frozen=True)
class AttentionOptions:
    """The options that build a base of some width and heads; a base ignores those it does not have.

    Attributes:
        qkv_dim: Width Q of queries, keys and values together; None means the model's.
        dropout: Rate, from 0 to 1; the base's docstring describes where it is applied.
        max_len: Longest possible sequence (required by linformer).
        window: Positions that a query of longformer sees.
        rank: Mixtures of linformer.
        features: ``relu`` or ``favor`` (performer).
        random_features: Number of features of ``favor``; None chooses by the head width.
        rotary: Rotary positions of queries and keys; linear and performer rotate their features.
    """

    qkv_dim: int | None = None
    dropout: float = 0.0
    max_len: int | None = None
    window: int = 512
    rank: int = 128
    features: str = "relu"
    random_features: int | None = None
    rotary: bool = False

    def __post_init__(self) -> None:
        """Refuse impossible values, also of options that the chosen base ignores.

        Raises:
            ValueError: There is one.
        """
        for name in ("max_len", "window", "rank", "random_features"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if not 0 <= self.dropout <= 1:
            raise ValueError(f"dropout must be from 0 to 1, got {self.dropout}")
        one_of("features", self.features, FEATURES)
