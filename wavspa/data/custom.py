"""The user's own files: texts with labels or without."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from wavspa.checks import different_names, one_of, true_or_false, whole_number
from wavspa.data.joined_text import joined_text
from wavspa.data.preparation import store
from wavspa.data.preparation.checksum import OwnFiles, named_paths
from wavspa.data.preparation.holdout import divide, folds_of, shares_of
from wavspa.data.preparation.overlap import digest_of_equal, digest_of_similar
from wavspa.data.preparation.packing import packed as packed_rows
from wavspa.data.preparation.packing import split_of
from wavspa.data.sources.documents import DOCUMENTS, TEXT, files_of, read_documents
from wavspa.data.sources.tables import TableFile, open_table
from wavspa.data.sources.text_files import UTF_8, check_encoding, plain_suffix
from wavspa.data.targets.choose import CollateTargets, target_of
from wavspa.data.targets.classes import Classes
from wavspa.data.text_datamodule import CHUNK, TextRow, Texts, TextSplit
from wavspa.errors import UserError


class Files(OwnFiles, Texts):
    """Files of rows (see :func:`wavspa.data.sources.tables.open_table`) with a text and a label in each.

    Without a label the texts are for pre-training, and may be plain text, or many files: nothing but the
    checksums of the texts is kept in memory. Their hold-out depends on each text alone.

    Labels that are classes may be of any kind. Their ids count from 0 in the order of the labels of train:
    that of numbers if all of them are numbers (``nan`` is not), else that of their text. Labels can also be
    numbers, or several in a row: see :mod:`wavspa.data.targets`. A split without a file is held out of train:
    by label, and rows with equal texts stay together.

    Prepared data are found again by the content of the files, not by their times: a copy of a file
    is the same data, even if its time has changed. Reading 1 GB for its checksum
    takes seconds, once for a run: the run keeps it, and needs the files no longer when they have
    been prepared.

    Args:
        train: A file, relative to the working folder as all paths; without a label also a folder, or a
            pattern such as ``corpus/*.txt``.
        val: A file; None: held out of train.
        test: A file; None: held out of train.
        text: The column of the texts, or several whose texts are joined.
        join: The separator of the texts of several columns.
        label: The column of the labels, or for numbers several; None: there are none, for ``task=masked``.
        label_kind: What the labels are, as the task needs: ``class``, ``number`` or ``labels`` (any number).
        separator: The separator of ``labels`` in csv and tsv.
        documents: What a text is in plain text without labels: a ``line`` or a ``file``.
        packed: Without labels, rows of ``max_length`` tokens from many concatenated texts, each ended
            by the tokenizer's end or a line feed; False: a text is a row.
        val_share: Share of the rows of train held out for val, if it has no file.
        test_share: The same for test.
        folds: A number, at least 2: divide train into this many folds, one of which is test; None:
            test is a file, or held out.
        fold: The one that is test, from 1; val is held out of the others.
        data_seed: Seed of the hold-out, independent of the training seed.
        together: Which rows a hold-out keeps on one side: ``similar``, those whose texts are equal
            except for case, blanks and the order of a pair; ``equal``, as in early runs, those whose
            texts are equal in the same order.
        encoding: The encoding of csv, tsv and json files.
        quoting: In csv and tsv, ``csv`` takes quotes as those of a csv writer, ``none`` as plain
            characters; ``strict`` is ``csv``, and refuses lines that a quote has made one row by
            mistake.
        checksum: The required checksum of the files; ``auto``: any.
        **options: See :class:`wavspa.data.Texts`.

    Raises:
        UserError: An option is out of range.
    """

    def __init__(
        self,
        *,
        train: str | Path,
        val: str | Path | None = None,
        test: str | Path | None = None,
        text: str | Sequence[str] = "text",
        join: str = " ",
        label: str | Sequence[str] | None = "label",
        label_kind: str = Classes.kind,
        separator: str = ";",
        documents: str = "line",
        packed: bool = False,
        val_share: float = 0.1,
        test_share: float = 0.1,
        folds: int | None = None,
        fold: int | None = None,
        data_seed: int = 0,
        together: str = "equal",
        encoding: str = UTF_8,
        quoting: str = "strict",
        checksum: str = "auto",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.paths = named_paths(train=train, val=val, test=test)
        self.input_columns = [text] if isinstance(text, str) else different_names("text", text)
        self.joins, self.join = len(self.input_columns) > 1, join
        self.target = target_of(label_kind, label, separator)
        if self.target.kind != Classes.kind:
            collate: Any = CollateTargets(type(self).collate, self.target, self.classes or 0)
            self.collate = collate
        self.has_labels = label is not None
        self.label_column = self.target.columns[0] if self.has_labels else None
        self.documents = one_of("documents", documents, DOCUMENTS)
        self.packed = true_or_false("packed", packed)
        self.folds, self.fold = folds, fold
        self.shares = shares_of(val_share, test_share, [*self.paths, *(["test"] if folds else [])])
        self._check_folds()
        self._check_label_options()
        self.data_seed = whole_number("data_seed", data_seed, least=0)
        self.together = one_of("together", together, ("equal", "similar"))
        self.encoding = check_encoding("dataset.encoding", encoding)
        self.quoting = one_of("quoting", quoting, ("strict", "csv", "none"))
        self._checksum = checksum

    def _check_folds(self) -> None:
        if self.folds is None:
            if self.fold is not None:
                raise UserError(f"dataset.fold={self.fold} needs dataset.folds, how many there are")
            return
        whole_number("folds", self.folds, least=2)
        whole_number("fold", self.fold, most=self.folds)
        if "test" in self.paths:
            raise UserError(
                f"dataset.test cannot be combined with dataset.folds={self.folds}, whose test is a fold of "
                "train: leave one out"
            )
        if (of_val := self.shares.get("val", 0.0)) + 1 / self.folds >= 1:
            raise UserError(
                f"dataset.val_share={of_val} and the test of dataset.folds={self.folds} leave nothing of "
                "train: lower the share"
            )

    def _check_label_options(self) -> None:
        if not self.has_labels:
            if self.folds is not None:
                raise UserError(
                    f"dataset.folds={self.folds} divides rows by their labels: name dataset.label"
                )
            if self.joins:
                raise UserError(
                    f"dataset.text must be one column where dataset.label=null, got {self.input_columns}"
                )
            if self.packed and self.stored_length is not None:
                raise UserError(
                    "dataset.stored_length is of a text, and dataset.packed=true keeps all of each: leave "
                    "one out"
                )
            return
        if self.packed:
            raise UserError(
                "dataset.packed=true is for texts without labels: set dataset.label=null"
            )
        for split, path in self.paths.items():
            if path.is_dir() or plain_suffix(path) == TEXT:
                raise UserError(
                    f"dataset.{split}={path} holds no labels: dataset.label=null reads it for task=masked"
                )

    def source_cache_key(self) -> Mapping[str, Any]:
        """The content of the files, and how rows are made of it."""
        # Only what differs from how the first data were prepared, which are found again by this.
        divides = self.shares or self.folds
        later = {
            "together": self.together if self.together != "equal" and divides else None,
            "encoding": self.encoding if self.encoding != UTF_8 else None,
            "quoting": self.quoting if self.quoting != "strict" else None,
            "join": self.join if self.joins else None,
            "label_kind": self.target.kind if self.target.kind != Classes.kind else None,
            "separator": getattr(self.target, "separator", None),
            "documents": None if self.has_labels else self.documents,
            "packed": self.max_length if self.packed else None,
            "fold": [self.fold, self.folds] if self.folds else None,
        }
        return {
            **{name: value for name, value in later.items() if value is not None},
            "data": "files",
            "version": 1,
            "checksum": self.checksum,
            "text": self.input_columns,
            "label": self.target.columns if len(self.target.columns) > 1 else self.label_column,
            "shares": self.shares,
            "data_seed": self.data_seed,
        }

    def infer_auto(self) -> dict[str, Any]:
        """With the checksum, by which a run knows its files again."""
        return {**super().infer_auto(), "checksum": self.checksum}

    def read(self) -> Mapping[str, TextSplit]:
        """The splits, row by row; train has been read once before, for its labels."""
        self.check_content()
        self._check_columns()
        if not self.has_labels:
            return {
                split: TextSplit(partial(self._unlabelled, split), None)
                for split in ("train", "val", "test")
            }
        labels, groups = self._look_at_train()
        strata = self.target.learn(labels, str(self.paths["train"]), self.classes)
        test = None if self.folds is None else self._test_fold(strata, groups)
        train = self.paths["train"]
        kept = divide(strata, groups.tolist(), self.shares, self.data_seed, train, test)
        splits = {}
        for split in ("train", "val", "test"):
            rows = partial(self._rows_of, split, kept.get(split))
            splits[split] = TextSplit(rows, int(kept[split].sum()) if split in kept else None)
        return splits

    def _check_columns(self) -> None:
        """Refuse a column that is read twice, as two texts or as a text and the answer."""
        different_names("dataset.text", self.input_columns)
        if both := [column for column in self.input_columns if column in self.target.columns]:
            raise UserError(
                f"dataset.text names {both[0]!r}, which is dataset.label: the model would read the answer"
            )

    def card_facts(self, splits: store.Splits) -> store.Facts:
        """The files, what the labels are, and what was held out."""
        self.check_unchanged()
        facts = self.source_facts()
        if not self.has_labels:
            held = {
                split: f"{of:.0%} of the texts of train, by their content (seed {self.data_seed})"
                for split, of in self.shares.items()
            }
            return {**facts, "held_out": held}
        return {
            **facts,
            **self.target.facts(splits),
            "held_out": {
                split: f"{of:.0%} of the rows of train, by label, rows with {self.together} texts "
                f"together (seed {self.data_seed})"
                for split, of in self.shares.items()
            }
            | ({"test": f"fold {self.fold} of {self.folds} of train"} if self.folds else {}),
        }

    def hashed_files(self) -> Iterator[tuple[str, Path]]:
        """The file of each split, or those of its folder."""
        return ((split, file) for split in self.paths for file in self._files(split))

    def _files(self, split: str) -> list[Path]:
        path = self.paths[split]
        return [path] if self.has_labels else files_of(f"dataset.{split}", path)

    def _unlabelled(self, split: str) -> Iterator[TextRow]:
        """The texts of a split, each with the label 0."""
        digest = digest_of_equal if self.together == "equal" else digest_of_similar
        source = split if split in self.paths else "train"
        rows = others = 0
        for path in self._files(source):
            column = self.input_columns[0]
            for text in read_documents(path, self.documents, column, self.table_options):
                held = source == "train" and split_of(digest([text]), self.shares, self.data_seed)
                if held and held != split:
                    others += 1
                    continue
                rows += 1
                yield TextRow((text,), 0)
        if not rows:
            what = f"dataset.{source}={self.paths[source]}"
            raise UserError(
                f"{what}: none of its {others} texts falls into {split}, by their content; name a file with "
                f"dataset.{split}=…, or choose another share or dataset.data_seed"
                if others
                else f"{what} holds no texts"
            )

    def _tables(self, rows: Iterable[TextRow]) -> Iterator[pa.Table]:
        if not self.packed:
            yield from super()._tables(rows)
            return
        packs = packed_rows(self._ended(iter(rows)), self.max_length)
        while chunk := list(itertools.islice(packs, CHUNK)):
            yield store.token_table(chunk, np.zeros(len(chunk), np.int64))

    def _ended(self, rows: Iterator[TextRow]) -> Iterator[np.ndarray]:
        """The tokens of each text, with its end or else a line feed."""
        while chunk := list(itertools.islice(rows, CHUNK)):
            end = "" if self.tokenizer.end else "\n"
            yield from self.tokenizer.encode([row.texts[0] + end for row in chunk])

    def _look_at_train(self) -> tuple[list[Any], np.ndarray]:
        """The label of each row of train, and [rows] a number that rows have in common that stay together."""
        labels, groups = [], bytearray()
        digest = digest_of_equal if self.together == "equal" else digest_of_similar
        for _, texts, label in self._read("train"):
            labels.append(label)
            groups += digest(self._grouped(texts))
        return labels, np.frombuffer(groups, np.uint64)

    def _grouped(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """The texts of a row that decide which rows a hold-out keeps together."""
        return texts

    def _test_fold(self, labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """Which rows of train, [rows] bool, are the fold that is test."""
        assert self.folds is not None
        assert self.fold is not None
        try:
            fold = folds_of(labels, self.folds, self.data_seed, groups.tolist())
        except UserError as error:
            raise UserError(
                f"dataset.folds={self.folds}: {self.paths['train']}: {error}"
            ) from error
        is_test: np.ndarray = fold == self.fold - 1
        return is_test

    def _rows_of(self, split: str, kept: np.ndarray | None) -> Iterator[TextRow]:
        source = split if split in self.paths else "train"
        rows = self._read(source)
        for where, texts, label in rows if kept is None else itertools.compress(rows, kept):
            yield TextRow(texts, self.target.encode(label, where))

    def _read(self, split: str) -> Iterator[tuple[str, tuple[str, ...], Any]]:
        """The place, the texts and the label of every row of a file."""
        table = open_table(self.paths[split], **self.table_options)
        yield from self.labelled_rows(table, self.input_columns, self.target.columns)

    def labelled_rows(
        self, table: TableFile, texts: Sequence[str], labels: Sequence[str]
    ) -> Iterator[tuple[str, tuple[str, ...], Any]]:
        """The place, the texts and the label of every row of a table.

        Args:
            table: The table.
            texts: The columns of the texts.
            labels: Those of the labels.

        Raises:
            UserError: A row cannot be used.
        """
        blank = [*(texts if self.joins else ()), *(labels if self.target.may_be_blank else ())]
        for place, values in table.read([*texts, *labels], blank):
            where = table.at(place)
            told = self.target.read(values[len(texts) :], where)
            yield where, self.parse_input(values[: len(texts)], where, texts), told

    def parse_input(
        self, values: Sequence[object], where: str, columns: Sequence[str] = ()
    ) -> tuple[Any, ...]:
        """The text of a row, joined of several columns."""
        if self.joins:
            columns, values = columns or self.input_columns, list(values)
            joined = joined_text(values, columns, where, self.join)
            values, columns = [joined], [", ".join(columns)]
        return super().parse_input(values, where, columns)

    @property
    def table_options(self) -> dict[str, Any]:
        """How :func:`wavspa.data.sources.tables.open_table` reads the files."""
        return {
            "quoted": self.quoting != "none",
            "stray_quotes": self.quoting == "strict",
            "encoding": self.encoding,
        }
