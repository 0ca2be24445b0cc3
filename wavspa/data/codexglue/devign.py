"""Defect detection of CodeXGLUE (Devign): whether a C function is vulnerable."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from wavspa.data.codexglue import common
from wavspa.data.labels import binary
from wavspa.data.preparation import store
from wavspa.data.sources.tables import open_table
from wavspa.data.text_datamodule import TextRow, Texts, TextSplit
from wavspa.errors import UserError

WHERE = ("defect", "Defect-detection", "code_x_glue_cc_defect_detection")
FUNCTIONS = "function.json"
CSV = {"train": "train.csv", "val": "valid.csv", "test": "test.csv"}
INDICES = {"train": "train.txt", "val": "valid.txt", "test": "test.txt"}


class Devign(Texts):
    """21,854 / 2,732 / 2,732 functions of FFmpeg and QEMU; 1 is vulnerable.

    Args:
        **options: See :class:`wavspa.data.Texts`.
    """

    downloads = (common.hub_files(*WHERE),)
    input_columns = ("func",)

    def source_cache_key(self) -> Mapping[str, Any]:
        """The name of the data."""
        return {"data": "devign", "version": 1}

    def read(self) -> Mapping[str, TextSplit]:
        """The splits of the first layout found."""
        reader = self._reader()
        return {split: TextSplit(partial(reader, split), None) for split in common.JSONL}

    def card_facts(self, splits: store.Splits) -> store.Facts:
        """Source and licence."""
        return {
            "source": "Devign (Zhou et al., 2019) as split by CodeXGLUE (Lu et al., 2021), "
            "Defect-detection",
            "licence": common.LICENCE,
        }

    def _reader(self) -> common.Reader:
        """Return the reader of a split's rows from the existing files."""
        layouts = [
            *(
                common.Layout(tables, lambda files: lambda split: _from_tables(files[split]))
                for tables in (common.JSONL, common.PARQUET, CSV)
            ),
            common.Layout(
                {FUNCTIONS: FUNCTIONS, **INDICES},
                lambda files: lambda split: _from_indices(files[FUNCTIONS][0], files[split][0]),
            ),
        ]
        return common.reader_of("Devign", self.data_root, WHERE, layouts)


def _from_tables(files: Sequence[Path]) -> Iterator[TextRow]:
    for path in files:
        table = open_table(path)
        for place, (function, target) in table.read(["func", "target"]):
            yield TextRow((function,), binary(target, table.at(place)))


def _from_indices(functions: Path, indices: Path) -> Iterator[TextRow]:
    """The functions of a list whose numbers, from 0, a text file holds, in the order of the list."""
    wanted = _indices(indices)
    table = open_table(functions)
    for place, (function, target) in table.read(["func", "target"]):
        if place - 1 in wanted:
            wanted.remove(place - 1)
            yield TextRow((function,), binary(target, table.at(place)))
    if wanted:
        raise UserError(f"{functions} has no item {min(wanted)}, which {indices} names")


def _indices(path: Path) -> set[int]:
    table = open_table(path, kind="tsv", names=["index"], quoted=False)
    indices = set()
    for place, (text,) in table.read(["index"]):
        if not text.strip().isdecimal():
            raise UserError(f"{table.at(place)}: {text!r} is not the number of a function")
        indices.add(int(text))
    return indices
