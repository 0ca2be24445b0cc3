"""The user's own files: texts with labels or without, or labelled pairs of texts."""

import hashlib
import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from wavspa.checks import one_of, share, true_or_false, whole_number
from wavspa.data.labels import alike, check_classes, in_order, read_label
from wavspa.data.preparation import store
from wavspa.data.preparation.holdout import folds_of, hold_out
from wavspa.data.preparation.overlap import digest_of_equal, digest_of_similar
from wavspa.data.preparation.packing import packed as packed_rows
from wavspa.data.preparation.packing import split_of
from wavspa.data.sources.documents import DOCUMENTS, TEXT, files_of, read_documents
from wavspa.data.sources.tables import open_table
from wavspa.data.sources.text_files import UTF_8, check_encoding, plain_suffix
from wavspa.data.text_datamodule import CHUNK, TextPairs, TextRow, Texts, TextSplit
from wavspa.errors import UserError


class Files(Texts):
    """Files of rows (see :func:`wavspa.data.sources.tables.open_table`) with a text and a label in each.

    Without a label the texts are for pre-training, and may be plain text, or many files: nothing but the
    checksums of the texts is kept in memory. Their hold-out depends on each text alone.

    Labels may be of any kind. Their ids count from 0 in the order of the labels of train: that of
    numbers if all of them are numbers (``nan`` is not), else that of their text. A split without a
    file is held out of train: by label, and rows with equal texts stay together.

    Prepared data are found again by the content of the files, not by their times: a copy of a file
    is the same data, even if its time has changed. Reading 1 GB for its checksum
    takes seconds, once for a run: the run keeps it, and needs the files no longer when they have
    been prepared.

    Args:
        train: A file, as all paths relative to the working folder; without a label also a folder, or a
            pattern such as ``corpus/*.txt``.
        val: A file; None: held out of train.
        test: A file; None: held out of train.
        text: The column of the texts.
        label: The column of the labels; None: there are none, for ``task=masked``.
        documents: Of plain text without labels: a text is a ``line`` or a ``file``.
        packed: Without labels, rows of ``max_length`` tokens from many texts laid end to end, each ended
            by the tokenizer's end or a line feed; False: a text is a row.
        val_share: Of the rows of train that is held out for val, if it has no file.
        test_share: The same for test.
        folds: A number, at least 2: train is divided into this number of folds, one of which is test; None:
            test is a file, or held out.
        fold: Which of them is test, from 1; val is held out of the others.
        data_seed: Of what is held out; the training seed leaves it alone.
        together: Which rows a hold-out keeps on one side: ``similar``, those whose texts are equal
            but for case, blanks and the order of a pair; ``equal``, as the first runs, those whose
            texts are equal in the same order.
        encoding: Of csv, tsv and json files.
        quoting: Of csv and tsv: ``csv`` takes quotes for those of a csv writer, ``none`` for plain
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
        text: str = "text",
        label: str | None = "label",
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
        named = {"train": train, "val": val, "test": test}
        self.paths = {
            split: Path(os.path.expanduser(path)) for split, path in named.items() if path
        }
        self.input_columns = [str(text)]
        self.label_column = label
        self.documents = one_of("documents", documents, DOCUMENTS)
        self.packed = true_or_false("packed", packed)
        self.folds, self.fold = folds, fold
        self._check_folds()
        self._check_label_options()
        shares = {"val": share("val_share", val_share), "test": share("test_share", test_share)}
        elsewhere = {*self.paths, *(["test"] if self.folds else [])}
        self.shares = {split: of for split, of in shares.items() if split not in elsewhere}
        if sum(self.shares.values()) >= 1:
            raise UserError(
                f"dataset.val_share={val_share} and dataset.test_share={test_share} leave nothing of "
                "train"
            )
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
                f"dataset.test does not go with dataset.folds={self.folds}, whose test is a fold of train: "
                "leave one out"
            )

    def _check_label_options(self) -> None:
        if self.label_column is None:
            if self.folds is not None:
                raise UserError(
                    f"dataset.folds={self.folds} divides rows by their labels: name dataset.label"
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

    @property
    def checksum(self) -> str:
        """16 hexadecimal digits that identify the content of the files."""
        return self._found_checksum if self._checksum == "auto" else self._checksum

    def source_cache_key(self) -> Mapping[str, Any]:
        """The content of the files, and how rows are made of it."""
        # Only what differs from how the first data were prepared, which are found again by this.
        later = {
            "together": self.together if self.together != "equal" and self.shares else None,
            "encoding": self.encoding if self.encoding != UTF_8 else None,
            "quoting": self.quoting if self.quoting == "none" else None,
            "documents": self.documents if self.label_column is None else None,
            "packed": self.max_length if self.packed else None,
            "fold": [self.fold, self.folds] if self.folds else None,
        }
        return {
            **{name: value for name, value in later.items() if value is not None},
            "data": "files",
            "version": 1,
            "checksum": self.checksum,
            "text": self.input_columns,
            "label": self.label_column,
            "shares": self.shares,
            "data_seed": self.data_seed,
        }

    def infer_auto(self) -> dict[str, Any]:
        """With the checksum, by which a run knows its files again."""
        return {**super().infer_auto(), "checksum": self.checksum}

    def read(self) -> Mapping[str, TextSplit]:
        """The splits, row by row; train has been read once before, for its labels."""
        if self._found_checksum != self.checksum:
            raise UserError(
                f"{', '.join(map(str, self.paths.values()))}: the content is not that of "
                f"dataset.checksum={self.checksum}: bring it back, or start a new run with wavspa-train"
            )
        if self.label_column is None:
            return {
                split: TextSplit(partial(self._unlabelled, split), None)
                for split in ("train", "val", "test")
            }
        labels, groups = self._look_at_train()
        self._counts = Counter(labels)
        self._label_names = in_order(self._counts)
        ids = {name: number for number, name in enumerate(self._label_names)}
        kept = self._divide(np.array([ids[label] for label in labels]), groups)
        splits = {}
        for split in ("train", "val", "test"):
            rows = partial(self._rows_of, split, ids, kept.get(split))
            splits[split] = TextSplit(rows, int(kept[split].sum()) if split in kept else None)
        return splits

    def card_facts(self, splits: store.Splits) -> store.Facts:
        """The files, the names of the labels, and what was held out."""
        facts = {
            "source": "own files: "
            + ", ".join(f"{split} {os.path.abspath(path)}" for split, path in self.paths.items()),
            "licence": "that of the files",
        }
        if self.label_column is None:
            held = {
                split: f"{of:.0%} of the texts of train, by their content (seed {self.data_seed})"
                for split, of in self.shares.items()
            }
            return {**facts, "held_out": held}
        return {
            **facts,
            "label_names": self._label_names,
            "held_out": {
                split: f"{of:.0%} of the rows of train, by label, rows with {self.together} texts "
                f"together (seed {self.data_seed})"
                for split, of in self.shares.items()
            }
            | ({"test": f"fold {self.fold} of {self.folds} of train"} if self.folds else {}),
            **({"alike_labels": groups} if (groups := alike(self._counts)) else {}),
        }

    @cached_property
    def _found_checksum(self) -> str:
        whole = hashlib.sha256()
        files = [(split, file) for split in self.paths for file in self._files(split)]
        for split, path in files:
            try:
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise UserError(
                    f"dataset.{split}={path} cannot be read ({error.strerror})"
                ) from error
            # The ends of the name decide how the content is read.
            whole.update(f"{split} {''.join(path.suffixes)} {digest}\n".encode())
        return whole.hexdigest()[:16]

    def _files(self, split: str) -> list[Path]:
        path = self.paths[split]
        return [path] if self.label_column is not None else files_of(f"dataset.{split}", path)

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

    def _look_at_train(self) -> tuple[list[str], np.ndarray]:
        """The label of each row of train, and [rows] a number that rows have in common that stay together."""
        labels, groups = [], bytearray()
        digest = digest_of_equal if self.together == "equal" else digest_of_similar
        for _, texts, label in self._read("train"):
            labels.append(label)
            groups += digest(self._grouped(texts))
        self._check_classes(Counter(labels))
        return labels, np.frombuffer(groups, np.uint64)

    def _check_classes(self, labels: Mapping[str, int]) -> None:
        """Refuse labels of train, with their rows, that are not classes."""
        assert self.label_column is not None
        if len(labels) < 2 or self.classes is None:
            check_classes(labels, self.label_column, str(self.paths["train"]))

    def _grouped(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """The texts of a row that decide which rows a hold-out keeps together."""
        return texts

    def _divide(self, labels: np.ndarray, groups: np.ndarray) -> dict[str, np.ndarray]:
        """Which rows of train, [rows] bool, make up train and each split that has no file."""
        rest = np.arange(len(labels))
        kept = {}
        if self.folds is not None:
            kept["test"] = self._test_fold(labels, groups)
            rest = np.flatnonzero(~kept["test"])
        for split, of in self.shares.items():
            share_of_rest = of * len(labels) / len(rest)
            try:
                stay, leave = hold_out(
                    labels[rest], share_of_rest, self.data_seed, groups[rest].tolist()
                )
            except UserError as error:
                raise UserError(
                    f"{self.paths['train']}: {error}; name a file with dataset.{split}=…"
                ) from error
            kept[split] = np.isin(np.arange(len(labels)), rest[leave])
            rest = rest[stay]
        return {**kept, "train": np.isin(np.arange(len(labels)), rest)}

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

    def _rows_of(
        self, split: str, ids: Mapping[str, int], kept: np.ndarray | None
    ) -> Iterator[TextRow]:
        source = split if split in self.paths else "train"
        for number, (where, texts, label) in enumerate(self._read(source)):
            if kept is None or kept[number]:
                if label not in ids:
                    raise UserError(
                        f"{where}: the label {label!r} does not occur in {self.paths['train']}"
                    )
                yield TextRow(texts, ids[label])

    def _read(self, split: str) -> Iterator[tuple[str, tuple[str, ...], str]]:
        """The place, the texts and the label of every row of a file."""
        assert self.label_column is not None
        table = open_table(self.paths[split], **self.table_options)
        for place, (*values, label) in table.read([*self.input_columns, self.label_column]):
            where = table.at(place)
            yield (
                where,
                self.parse_input(values, where),
                read_label(label, self.label_column, where),
            )

    @property
    def table_options(self) -> dict[str, Any]:
        """How :func:`wavspa.data.sources.tables.open_table` reads the files."""
        return {
            "quoted": self.quoting != "none",
            "stray_quotes": self.quoting == "strict",
            "encoding": self.encoding,
        }


class FilePairs(TextPairs, Files):
    """As :class:`Files`, with two texts in each row.

    Args:
        text: The column of the first texts.
        text2: The column of the second texts.
        **options: See :class:`Files`.
    """

    def __init__(self, *, text: str = "text", text2: str = "text2", **options: Any) -> None:
        super().__init__(text=text, **options)
        if self.label_column is None:
            raise UserError(
                "dataset.label must be a column, got None: pairs are labelled; dataset=files reads single "
                "texts without labels"
            )
        self.input_columns = [*self.input_columns, str(text2)]
