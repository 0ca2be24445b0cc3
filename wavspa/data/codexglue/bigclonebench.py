"""Clone detection of CodeXGLUE (BigCloneBench): whether two Java functions do the same."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from wavspa.checks import share, whole_number
from wavspa.data.codexglue import common
from wavspa.data.labels import binary
from wavspa.data.preparation import store
from wavspa.data.preparation.holdout import hold_out
from wavspa.data.sources.tables import open_table
from wavspa.data.text_datamodule import PooledPairs, TextRow, TextSplit

WHERE = (
    "clone",
    "Clone-detection-BigCloneBench",
    "code_x_glue_cc_clone_detection_big_clone_bench",
)
FUNCTIONS = "data.jsonl"
INDICES = {"train": "train.txt", "val": "valid.txt", "test": "test.txt"}
INDEX_COLUMNS = ("idx1", "idx2", "label")
TEXT_COLUMNS = ("func1", "func2", "label")


class BigCloneBench(PooledPairs):
    """901,028 / 415,416 / 415,416 pairs of 9,134 functions; 1 is a pair of clones.

    The benchmark's own baselines train and validate on a tenth of the pairs and test on all.

    Args:
        train_share: Share of the training pairs that is used, with each label in proportion; None: all.
        val_share: The same for the validation pairs.
        data_seed: Seed of the choice of pairs, independent of the training seed.
        **options: See :class:`wavspa.data.Texts`.

    Raises:
        UserError: An option is out of range.
    """

    downloads = (common.hub_files(*WHERE),)
    input_columns = TEXT_COLUMNS[:2]

    def __init__(
        self,
        *,
        train_share: float | None = None,
        val_share: float | None = None,
        data_seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.shares = {
            "train": None if train_share is None else share("train_share", train_share),
            "val": None if val_share is None else share("val_share", val_share),
            "test": None,
        }
        self.data_seed = whole_number("data_seed", data_seed, least=0)

    def source_cache_key(self) -> Mapping[str, Any]:
        """The shares of the pairs and their seed."""
        return {
            "data": "bigclonebench",
            "version": 1,
            "shares": self.shares,
            "data_seed": self.data_seed,
        }

    def read(self) -> Mapping[str, TextSplit]:
        """The splits of the first layout found."""
        reader = self._reader()
        return {split: TextSplit(partial(reader, split), None) for split in self.shares}

    def card_facts(self, splits: store.Splits) -> store.Facts:
        """Source, licence, and how much of the benchmark's pairs this is."""
        return {
            "source": "BigCloneBench (Svajlenko et al., 2014) as filtered by Wang et al. (2020) and "
            "split by CodeXGLUE (Lu et al., 2021), Clone-detection-BigCloneBench",
            "licence": common.LICENCE,
            "used": {
                split: "all pairs" if part is None else f"a share of {part:g}, by label"
                for split, part in self.shares.items()
            },
            "left_out": f"{self._unknown} pairs of functions that {FUNCTIONS} lacks, as the "
            "benchmark's own script does",
        }

    def _reader(self) -> common.Reader:
        """Return the reader of a split's pairs from the existing files."""
        self._unknown = 0
        layouts = [
            common.Layout({FUNCTIONS: FUNCTIONS, **INDICES}, self._from_indices),
            common.Layout(
                common.PARQUET,
                lambda files: lambda split: self._pairs(split, files[split], TEXT_COLUMNS),
            ),
        ]
        return common.reader_of("BigCloneBench", self.data_root, WHERE, layouts)

    def _from_indices(self, files: Mapping[str, Sequence[Path]]) -> common.Reader:
        functions = _functions(files[FUNCTIONS][0])
        return lambda split: self._known(self._pairs(split, files[split], INDEX_COLUMNS), functions)

    def _pairs(
        self, split: str, files: Sequence[Path], columns: Sequence[str]
    ) -> Iterable[TextRow]:
        """The pairs of functions, or of their indices, that are used of a split."""
        rows = (TextRow((first, second), label) for first, second, label in _read(files, columns))
        part = self.shares[split]
        if part is None:
            return rows
        labels = [label for (label,) in _read(files, ["label"])]
        chosen = np.zeros(len(labels), dtype=bool)
        chosen[hold_out(labels, part, self.data_seed)[1]] = True
        return itertools.compress(rows, chosen)

    def _known(self, pairs: Iterable[TextRow], functions: Mapping[str, str]) -> Iterator[TextRow]:
        for (first, second), label in pairs:
            if first in functions and second in functions:
                yield TextRow((functions[first], functions[second]), label)
            else:
                self._unknown += 1


def _functions(path: Path) -> dict[str, str]:
    return {str(index): function for _, (index, function) in open_table(path).read(["idx", "func"])}


def _read(files: Sequence[Path], columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Values of some columns, the last of them ``label``, of parquet files or lists of indices."""
    for path in files:
        if path.suffix == ".parquet":
            table = open_table(path)
        else:
            table = open_table(path, kind="tsv", names=INDEX_COLUMNS, quoted=False)
        for place, (*values, label) in table.read(columns):
            yield *values, binary(label, table.at(place))
