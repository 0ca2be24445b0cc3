"""The base of data sets of sources and targets: two texts, the second of which is to be written."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wavspa.checks import whole_number
from wavspa.data.loading.collate import Seq2SeqExample, collate_seq2seq
from wavspa.data.loading.dataset import View
from wavspa.data.preparation import store
from wavspa.data.text_datamodule import Texts
from wavspa.data.tokenizers import cut
from wavspa.reporting import report, warn

SIDES = ("source", "target")
SHOWN = {"median": 0.5, "p95": 0.95, "max": 1.0}


class SourceTargets(Texts):
    """Pairs of a source and a target, read once and kept as tokens of one vocabulary.

    The loaders yield :class:`wavspa.data.Seq2SeqBatch`. Texts are kept uncut, so that what is written is
    compared with the target as it was read.

    Args:
        max_length: Tokens of a source; longer ones keep their head, and their number is printed.
        max_target_length: Tokens of a target that are learned, including its end.
        **options: See :class:`wavspa.data.Texts`.

    Raises:
        UserError: An option is out of range.
    """

    example = Seq2SeqExample
    collate = staticmethod(collate_seq2seq)
    columns = SIDES
    input_columns = ("source",)
    target_column = "target"

    def __init__(self, *, max_target_length: int, **options: Any) -> None:
        # Rows have a label, of which there is one.
        super().__init__(**{"classes": 1, **options})
        self.max_target_length = whole_number("max_target_length", max_target_length)
        self.cut_sources = 0

    def setup(self, stage: str | None = None) -> None:
        """Open the prepared data and their vocabulary; print how many sources are cut."""
        if self.tokenizer.learns:
            self.tokenizer.load(self.folder)
        super().setup(stage)
        if stage != "fit":
            return
        if not self.tokenizer.end:
            warn(
                "targets have no end, so that every written text stops at task.max_length; "
                "dataset.tokenizer.end=true adds one"
            )
        for split, rows in self._rows.items():
            if cut_rows := rows.cut("source"):
                report(
                    f"{cut_rows:,} of {len(rows):,} sources of {split} have more than "
                    f"dataset.max_length={self.max_length} tokens and keep their head"
                )

    def views(self, columns: Sequence[str]) -> list[View]:
        """The head of the source, what is learned of the target, and the uncut target."""
        return [
            View("source", self.max_length),
            View("target", self.max_target_length),
            View("target", None),
        ]

    def _lengths_of_rows(self) -> np.ndarray:
        """Of sources alone: lengths of rows are of the longer side."""
        lengths: np.ndarray = np.minimum(super()._lengths_of_rows(), self.max_length)
        return lengths

    def _padded_lengths(self, lengths: np.ndarray) -> np.ndarray:
        """As of sources alone, where buckets are."""
        if self.pad == "bucket":
            lengths = np.minimum(lengths, self.max_length)
        return super()._padded_lengths(lengths)

    @property
    def end_token(self) -> int | None:
        """The tokenizer's; known once its vocabulary is open."""
        return self.tokenizer.end_token

    def card_entries(self, splits: store.Splits) -> store.Facts:
        """With the lengths of sources and of targets, in tokens."""
        lengths = {
            split: {side: _quantiles(store.lengths(rows.data.column(side))) for side in SIDES}
            for split, rows in splits.items()
        }
        return {**super().card_entries(splits), "lengths_of_sides": lengths}

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of the tokens of a target; the vocabulary has to be open."""
        return self.tokenizer.decode(tokens)

    def encode_inputs(self, texts: Sequence[tuple[str, ...]]) -> list[Any]:
        """Examples of new sources, or of sources with their targets; counts sources that are cut."""
        sources = self.tokenizer.encode([row[0] for row in texts])
        self.cut_sources += sum(len(tokens) > self.max_length for tokens in sources)
        references = [np.empty(0, np.int32)] * len(texts)
        if len(texts[0]) > 1:
            references = self.tokenizer.encode([row[1] for row in texts])
        return [
            Seq2SeqExample(
                cut(source, self.max_length, self.end_token),
                cut(reference, self.max_target_length, self.end_token),
                reference,
                0,
            )
            for source, reference in zip(sources, references, strict=True)
        ]


def _quantiles(lengths: np.ndarray) -> dict[str, float]:
    return {name: float(np.quantile(lengths, at)) for name, at in SHOWN.items()}
