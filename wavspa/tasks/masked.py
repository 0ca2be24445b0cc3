"""The task of masked tokens, predicted from those around them: the pre-training of an encoder."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torchmetrics import MeanMetric
from typing_extensions import override

from wavspa.checks import OptionError, one_of, share, whole_number
from wavspa.errors import UserError
from wavspa.models.masked_encoder import MaskedEncoder
from wavspa.tasks.base import Task, full_precision
from wavspa.tasks.masking import UNITS, MaskedBatch, Options, Unit, by_chance, by_content, mask
from wavspa.tasks.step_sums import Mean
from wavspa.training.schedules import Schedule

METRICS = ("loss", "accuracy", "perplexity")


class Perplexity(MeanMetric):
    """The exponential of a mean cross entropy."""

    @override
    def compute(self) -> Tensor:
        return super().compute().exp()


class Masked(Task):
    """Trains a model to predict masked tokens, with cross entropy; reports accuracy and perplexity.

    Training masks different tokens in each step. In evaluation a row's own tokens decide which of them are
    masked: the same ones in every run, batch and seed. Both sequences of a pair are rows. Logged:
    ``train/loss``, ``train/accuracy`` (of a step's batch) and ``lr``; over all of a split ``val/…`` and
    ``test/…`` of ``loss``, ``accuracy`` and ``perplexity``, each over the masked tokens.

    Args:
        model: ``model(tokens [B, N], lengths [B], places [B, P]) -> logits [B, P, V]``.
        optimizer: Builds the optimizer of a model.
        schedule: Factor of the learning rate at ``(step, total steps)``.
        vocab_size: Number of token ids of the data, V; the mask is the one after the last.
        rate: Share of each row's tokens that are masked, at least one.
        unit: The unit that is masked: ``token``, ``word`` (texts only) or ``span``.
        span: Mean length of a span.
        random_share: Share of the masked tokens that become a random token instead of the mask.
        kept_share: Share of the masked tokens that is left unchanged and still predicted.
        monitor: The metric that decides which checkpoint is the best one.
        mode: Whether its best value is the highest (``max``) or the lowest (``min``); None: the metric's own.

    Raises:
        ValueError: An option is out of range.
    """

    kinds: Tensor | None

    def __init__(
        self,
        model: nn.Module,
        optimizer: Callable[[nn.Module], Optimizer],
        schedule: Schedule,
        vocab_size: int,
        rate: float,
        unit: Unit = "token",
        span: float = 3.0,
        random_share: float = 0.1,
        kept_share: float = 0.1,
        monitor: str = "val/loss",
        mode: Literal["min", "max"] | None = None,
    ) -> None:
        super().__init__(model, optimizer, schedule, METRICS, monitor, mode)
        whole_number("vocab_size", vocab_size, least=2)
        one_of("unit", unit, UNITS)
        if span < 1:
            raise OptionError("span", f" must be a number of at least 1, got {span!r}")
        for name, value in (("random_share", random_share), ("kept_share", kept_share)):
            if not 0 <= value <= 1:
                raise OptionError(name, f" must be a number from 0 to 1, got {value!r}")
        if random_share + kept_share > 1:
            raise OptionError(
                "random_share",
                f"={random_share} and kept_share={kept_share} must be 1 at most together",
            )
        if not isinstance(model, MaskedEncoder):
            raise OptionError(
                "model",
                " must predict tokens: leave model/encoder to task=masked, or choose masked",
            )
        self.vocab_size = vocab_size
        self.options = Options(share("rate", rate), unit, span, random_share, kept_share)
        self.register_buffer("kinds", None, persistent=False)
        splits = ("val", "test")
        self.losses = nn.ModuleDict({split: MeanMetric() for split in splits})
        self.right = nn.ModuleDict({split: MeanMetric() for split in splits})
        self.perplexities = nn.ModuleDict({split: Perplexity() for split in splits})

    def forward(self, tokens: Tensor, lengths: Tensor | None, places: Tensor) -> Tensor:
        """Logits ``[B, P, V]`` at ``places [B, P]`` of ``tokens [B, N]`` with ``lengths [B]`` (None: all)."""
        logits: Tensor = self.model(tokens, lengths, places)
        return logits

    @override
    def setup(self, stage: str) -> None:
        if self.options.unit == "word":
            data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
            self.kinds = torch.from_numpy(data.word_kinds()).to(self.device)

    @override
    def check_dataset(self, data: Any) -> None:
        if self.options.unit == "word" and not data.has_words:
            raise UserError(
                "task.unit='word' needs texts, whose tokenizer knows where words begin: choose token or span"
            )
        if data.max_length < 2:
            raise UserError(
                f"dataset.max_length must be at least 2 for task=masked, got {data.max_length}: a token is "
                "predicted from the others"
            )

    @override
    def check_data(self, card: Mapping[str, Any]) -> None:
        for split, of in card["splits"].items():
            if of["length"]["max"] < 2:
                raise UserError(
                    f"task=masked needs sequences of at least 2 tokens, and all of {split} have one: a "
                    "token is predicted from the others"
                )

    @override
    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        tokens, lengths = rows_of(batch)
        masked = self._masked(tokens, lengths, by_chance(tokens))
        loss, right, count = self._scores(masked, lengths)
        return self.count_batch(
            batch_idx, len(tokens), Mean(loss, count), accuracy=Mean(right, count)
        )

    @override
    def evaluation_step(self, split: str, batch: Any) -> None:
        tokens, lengths = rows_of(batch)
        real = full_lengths(tokens) if lengths is None else lengths
        masked = self._masked(tokens, real, by_content(tokens, real))
        loss, right, count = self._scores(masked, lengths)
        for name, metrics, value in (
            ("loss", self.losses, loss),
            ("accuracy", self.right, right),
            ("perplexity", self.perplexities, loss),
        ):
            metric = metrics[split]
            assert isinstance(metric, MeanMetric)
            metric.update(value, count)
            self.log(f"{split}/{name}", metric, on_step=False, on_epoch=True)

    def _masked(
        self, tokens: Tensor, lengths: Tensor | None, draw: Callable[[int], Tensor]
    ) -> MaskedBatch:
        lengths = full_lengths(tokens) if lengths is None else lengths
        return mask(tokens, lengths, self.vocab_size, self.options, draw, self.kinds)

    def _scores(self, masked: MaskedBatch, lengths: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Mean loss, share of right predictions, and number of positions that count; scalars."""
        logits = full_precision(self(masked.tokens, lengths, masked.places))
        counts = masked.counts.to(logits.dtype)
        count = counts.sum()
        losses = F.cross_entropy(logits.flatten(0, 1), masked.targets.flatten(), reduction="none")
        right = (logits.argmax(dim=-1) == masked.targets).to(logits.dtype)
        return (losses * counts.flatten()).sum() / count, (right * counts).sum() / count, count


def rows_of(batch: Any) -> tuple[Tensor, Tensor | None]:
    """Tokens [B, N] and lengths [B] (None: all rows are full) of a batch; of B pairs, [2 B, N] and [2 B]."""
    if hasattr(batch, "tokens"):
        return batch.tokens, batch.lengths
    sides = ((batch.tokens1, batch.lengths1), (batch.tokens2, batch.lengths2))
    width = max(tokens.shape[1] for tokens, _ in sides)
    rows = torch.cat([F.pad(tokens, (0, width - tokens.shape[1])) for tokens, _ in sides])
    lengths = [full_lengths(tokens) if of is None else of for tokens, of in sides]
    return rows, torch.cat(lengths)


def full_lengths(tokens: Tensor) -> Tensor:
    """Lengths [B] of rows [B, N] without pads."""
    return torch.full((len(tokens),), tokens.shape[1], device=tokens.device)
