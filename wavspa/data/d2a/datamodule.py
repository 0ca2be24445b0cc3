"""D2A, the leaderboard's data: whether what a static analyzer reports is a real bug."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from wavspa.checks import one_of, share, whole_number
from wavspa.data.d2a.files import COLUMNS, GROUPS, find_files, group_of, text_of
from wavspa.data.labels import binary
from wavspa.data.preparation import store
from wavspa.data.preparation.holdout import hold_out
from wavspa.data.sources.downloads import HubFiles
from wavspa.data.sources.tables import open_table
from wavspa.data.text_datamodule import TextRow, Texts, TextSplit


class D2A(Texts):
    """Reports of Infer on five C projects, and the functions they are about; 1 is a real bug.

    The labels of the benchmark's test split are not public: its dev split is the test here. By
    default, a part of train is held out for validation. Upstream validates on dev as well.

    Args:
        kind: What is read of each report: its ``trace``, the ``code`` of its functions, both
            (``code_trace``); or ``function``, another set of functions before and after a fix.
        protocol: ``default``, or ``upstream``: train on all of train, validate on dev.
        val_share: Share of train that is held out for validation.
        data_seed: Seed of the hold-out, independent of the training seed.
        **options: See :class:`wavspa.data.Texts`.

    Raises:
        UserError: An option is out of range.
    """

    downloads = (HubFiles("claudios/D2A", ("*.parquet",), "d2a"),)

    def __init__(
        self,
        *,
        kind: str,
        protocol: str = "default",
        val_share: float = 0.1,
        data_seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.kind = one_of("kind", kind, tuple(COLUMNS))
        self.input_columns = COLUMNS[self.kind]
        self.protocol = one_of("protocol", protocol, ("default", "upstream"))
        self.val_share = share("val_share", val_share)
        self.data_seed = whole_number("data_seed", data_seed, least=0)

    def source_cache_key(self) -> Mapping[str, Any]:
        """What makes the texts and the splits."""
        return {
            "data": "d2a",
            "version": 1,
            "kind": self.kind,
            "protocol": self.protocol,
            "val_share": self.val_share,
            "data_seed": self.data_seed,
        }

    def parse_input(
        self, values: Sequence[object], where: str, columns: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """One text of all parts, some of which may be blank."""
        return (text_of(columns or self.input_columns, values, where),)

    def read(self) -> Mapping[str, TextSplit]:
        """The rows in the order of the files."""
        files = find_files(self.data_root, self.kind)
        train, dev = partial(self._texts, files["train"]), partial(self._texts, files["dev"])
        splits: dict[str, Callable[[], Iterable[TextRow]]]
        if self.protocol == "upstream":
            splits = {"train": train, "val": dev, "test": dev}
        else:
            is_held = self._held_out(files["train"])
            splits = {
                "train": lambda: itertools.compress(train(), ~is_held),
                "val": lambda: itertools.compress(train(), is_held),
                "test": dev,
            }
        return {name: TextSplit(rows, None) for name, rows in splits.items()}

    def card_facts(self, splits: store.Splits) -> store.Facts:
        """Source, licence, what the text of a row is, and what validation and test are."""
        validation = {
            "default": f"val is {self.val_share:g} of the benchmark's train, held out by label "
            f"(seed {self.data_seed}); rows with the same {GROUPS[self.kind].name} stay together",
            "upstream": "val is the benchmark's dev split, which is the test as well",
        }
        return {
            "source": "D2A leaderboard data v1 (Zheng et al., 2021), https://github.com/IBM/D2A",
            "licence": "that of IBM's download page; the hub's copy, claudios/D2A, is tagged "
            "Apache-2.0",
            "text": f"{', '.join(COLUMNS[self.kind])}, an empty line between them",
            "protocol": self.protocol,
            "validation": validation[self.protocol],
            "test": "the benchmark's dev split: the labels of its test split are not public",
        }

    def _texts(self, files: Sequence[Path]) -> Iterator[TextRow]:
        columns = self.input_columns
        for path in files:
            table = open_table(path)
            for place, (label, *values) in table.read(["label", *columns], blank=columns):
                where = table.at(place)
                yield TextRow(self.parse_input(values, where), binary(label, where))

    def _held_out(self, files: Iterable[Path]) -> np.ndarray:
        """[rows] whether a row of train belongs to val."""
        labels: list[int] = []
        groups: list[tuple[str, ...]] = []
        for path in files:
            table = open_table(path)
            column = GROUPS[self.kind].column
            for place, (label, value) in table.read(["label", column], blank=[column]):
                labels.append(binary(label, table.at(place)))
                groups.append(group_of(self.kind, value or ""))
        is_held = np.zeros(len(labels), dtype=bool)
        is_held[hold_out(labels, self.val_share, self.data_seed, groups)[1]] = True
        return is_held
