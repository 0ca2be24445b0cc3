"""The user's own files of sources and targets."""

from collections.abc import Iterator, Mapping
from typing import Any

from wavspa.data.custom import Files
from wavspa.data.preparation import store
from wavspa.data.seq2seq.datamodule import SourceTargets
from wavspa.data.sources.tables import open_table
from wavspa.data.targets.classes import Classes

# The one label that all rows have, so that what is held out is drawn from all rows equally.
LABEL = "0"


class _NoLabels(Classes):
    def check(self, counts: Mapping[str, int], where: str, classes: int | None) -> None:
        """There are no classes."""


class FileSeq2Seq(SourceTargets, Files):
    """As :class:`wavspa.data.Files`, with a source and a target in each row, and no label.

    What is held out keeps rows of equal sources together.

    Args:
        source: The column of the sources.
        target: The column of the targets.
        **options: See :class:`wavspa.data.Files` and :class:`SourceTargets`.
    """

    def __init__(self, *, source: str = "source", target: str = "target", **options: Any) -> None:
        super().__init__(text=source, **options)
        self.target = _NoLabels(())
        self.target_column = str(target)

    def source_cache_key(self) -> Mapping[str, Any]:
        """The content of the files, and how rows are made of it."""
        return {
            **super().source_cache_key(),
            "data": "file_seq2seq",
            "text": [*self.input_columns, self.target_column],
            "label": None,
        }

    def card_facts(self, splits: store.Splits) -> store.Facts:
        """The files, and what was held out."""
        return {
            name: fact for name, fact in super().card_facts(splits).items() if name != "label_names"
        }

    def _check_label_options(self) -> None:
        """There is no label."""

    def _grouped(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        return texts[:1]

    def _read(self, split: str) -> Iterator[tuple[str, tuple[str, ...], str]]:
        table = open_table(self.paths[split], **self.table_options)
        columns = [*self.input_columns, self.target_column]
        for place, values in table.read(columns):
            where = table.at(place)
            yield where, self.parse_input(values, where, columns), LABEL
