"""The Long Range Arena's own files of ListOps, as its generator writes them."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from wavspa.data.lra.listops.grammar import encode
from wavspa.data.preparation import store
from wavspa.data.sources.locate import LRA_PLACES, below
from wavspa.data.sources.tables import open_table
from wavspa.errors import UserError

FILES = {"train": "basic_train.tsv", "val": "basic_val.tsv", "test": "basic_test.tsv"}
PLACES = below(LRA_PLACES, "listops-1000", "listops", "")
COLUMNS = ("Source", "Target")
# The parentheses nest each list in pairs, ( ( ( [SM 5 ) 5 ) ] ), and add nothing to its brackets.
PARENTHESES = str.maketrans("()", "  ")
CHUNK = 1000


def tokens_of(source: str, where: str) -> np.ndarray:
    """The ids [N] uint8 of an expression, with the parentheses of the official files or without.

    Args:
        source: The expression.
        where: How a message names its row.

    Raises:
        UserError: It holds a symbol that ListOps has not.
    """
    try:
        return encode(source.translate(PARENTHESES))
    except KeyError as error:
        raise UserError(f"{where}: {error} is not a symbol of ListOps") from error


def read_tables(path: Path) -> Iterator[pa.Table]:
    """The samples of a file, in pieces.

    Args:
        path: Tab-separated with the header ``Source``, ``Target``.

    Raises:
        UserError: A row is broken, holds a symbol that ListOps has not, or a target that is not a digit.
    """
    table = open_table(path, quoted=False)
    rows = table.read(COLUMNS)
    while chunk := list(itertools.islice(rows, CHUNK)):
        tokens, labels = [], []
        for place, (source, target) in chunk:
            tokens.append(tokens_of(source, table.at(place)))
            if len(target) != 1 or target not in "0123456789":
                raise UserError(f"{table.at(place)}: the target {target!r} is not a digit")
            labels.append(int(target))
        yield store.token_table(tokens, labels)
