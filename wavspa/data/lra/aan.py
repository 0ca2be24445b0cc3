"""Retrieval of the Long Range Arena: pairs of papers of the ACL Anthology Network."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from wavspa.data.labels import binary
from wavspa.data.preparation import store
from wavspa.data.sources.downloads import LRA
from wavspa.data.sources.locate import LRA_PLACES, FilesNotFound, below, find_splits
from wavspa.data.sources.tables import open_table
from wavspa.data.text_datamodule import TextPairs, TextRow, TextSplit

FILES = {
    "train": "new_aan_pairs.train.tsv",
    "val": "new_aan_pairs.eval.tsv",
    "test": "new_aan_pairs.test.tsv",
}
PLACES = below((*LRA_PLACES, "data", "lra/data"), "tsv_data", "tsv_data/tsv_data", "aan", "")
COLUMNS = ("label", "id1", "id2", "text1", "text2")
# Upstream cuts each text before it makes tokens of it.
LONGEST_TEXT = 10_000


class Aan(TextPairs):
    """Whether one of two papers cites the other: 147,086 pairs to train on, 18,090 and 17,437.

    Args:
        **options: See :class:`wavspa.data.Texts`.

    Raises:
        UserError: An option is out of range.
    """

    downloads = (LRA,)

    def source_cache_key(self) -> Mapping[str, Any]:
        """The name of the data."""
        return {"data": "aan", "version": 1}

    def read(self) -> Mapping[str, TextSplit]:
        """The pairs of the three files, row by row."""
        files = find_splits(self.data_root, PLACES, FILES)
        if files is None:
            remedy = (
                "get the archive of the Long Range Arena, https://storage.googleapis.com/"
                "long-range-arena/lra_release.gz (a tar of 8 GB), and unpack it there, or put the "
                "three files into aan/"
            )
            raise FilesNotFound("AAN", self.data_root, list(FILES.values()), remedy)
        return {
            split: TextSplit(partial(self._read, path), None) for split, (path,) in files.items()
        }

    def card_facts(self, splits: store.Splits) -> store.Facts:
        """Source and licence."""
        return {
            "source": "ACL Anthology Network (Radev et al., 2013) in pairs of the Long Range Arena "
            "(Tay et al., 2020), new_aan_pairs",
            "licence": "none stated for the texts",
            "label_names": ["unrelated", "one cites the other"],
            "longest_text": f"{LONGEST_TEXT:,} characters; longer texts are cut at the end, as in the "
            "benchmark",
        }

    def parse_input(
        self, values: Sequence[object], where: str, columns: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """The heads of the two texts."""
        texts = super().parse_input(values, where, columns)
        return tuple(text[:LONGEST_TEXT] for text in texts)

    def _read(self, path: Path) -> Iterator[TextRow]:
        table = open_table(path, kind="tsv", names=COLUMNS, quoted=False)
        for place, (label, *values) in table.read(["label", *self.input_columns]):
            where = table.at(place)
            yield TextRow(self.parse_input(values, where), binary(label, where))
