"""The film reviews of IMDB: the places where users have them, and their readers."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from wavspa.data.labels import binary
from wavspa.data.sources.archives import open_tar
from wavspa.data.sources.locate import FilesNotFound, below, find_folder, find_splits
from wavspa.data.sources.tables import open_table
from wavspa.data.text_datamodule import TextRow
from wavspa.errors import UserError

SPLITS = ("train", "test")
LABELS = ("neg", "pos")

TREE = [f"{split}/{label}" for split in SPLITS for label in LABELS]
TREE_PLACES = ("aclImdb", "*/aclImdb", "*imdb*", "")
ARCHIVES = ("aclImdb*.tar*", "*/aclImdb*.tar*")
MEMBER = re.compile(r"(?:^|/)(train|test)/(neg|pos)/[^/]+\.txt$")
PARQUET = {split: f"{split}-*.parquet" for split in SPLITS}
PARQUET_PLACES = [
    *below(("imdb", "stanfordnlp/imdb", "*imdb*", "*imdb*/snapshots/*"), "plain_text", ""),
    "plain_text",
    "",
]

Reviews = dict[str, list[TextRow]]


def find_reviews(root: Path) -> tuple[Reviews, Path]:
    """All labelled reviews: of the official tree, its archive, or the hub's parquet files.

    Args:
        root: The data root.

    Returns:
        The rows of train and test (0: negative, 1: positive), and where they were found.

    Raises:
        UserError: They are not found, or a file cannot be read.
    """
    if folder := find_folder(root, TREE_PLACES, TREE):
        return _read_tree(folder), folder
    for pattern in ARCHIVES:
        for archive in sorted(root.glob(pattern)):
            return _read_archive(archive), archive
    files = find_splits(root, PARQUET_PLACES, PARQUET)
    # Other data sets of the hub have files of the same names.
    if files and "text" in open_table(files["train"][0]).columns():
        return {split: list(_read_parquet(files[split])) for split in SPLITS}, files["train"][
            0
        ].parent
    raise FilesNotFound(
        "IMDB",
        root,
        ["aclImdb/train/pos", "aclImdb_v1.tar.gz", "imdb/plain_text/train-*.parquet"],
        "get aclImdb_v1.tar.gz from https://ai.stanford.edu/~amaas/data/sentiment and put it "
        "there, packed or unpacked, or the hub's stanfordnlp/imdb to imdb/",
    )


def _read_tree(folder: Path) -> Reviews:
    return {
        split: [
            _row(_content(path), label, path)
            for label, name in enumerate(LABELS)
            for path in (folder / split / name).glob("*.txt")
        ]
        for split in SPLITS
    }


def _read_archive(archive: Path) -> Reviews:
    """Read the members in the order of the archive, without unpacking it to disk."""
    reviews: Reviews = {split: [] for split in SPLITS}
    try:
        with open_tar(archive) as tar:
            for member in tar:
                found = MEMBER.search(member.name)
                content = tar.extractfile(member) if found else None
                if found and content:
                    label = LABELS.index(found[2])
                    reviews[found[1]].append(_row(content.read(), label, archive / member.name))
    except OSError as error:
        raise _unreadable(archive, error) from error
    return reviews


def _read_parquet(files: Iterable[Path]) -> Iterator[TextRow]:
    for path in files:
        table = open_table(path)
        for place, (text, label) in table.read(["text", "label"]):
            yield TextRow((text,), binary(label, table.at(place)))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path} cannot be read ({error.strerror})")


def _row(content: bytes, label: int, path: Path) -> TextRow:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8: {error}") from error
    if not text:
        raise UserError(f"{path} is empty")
    return TextRow((text,), label)
