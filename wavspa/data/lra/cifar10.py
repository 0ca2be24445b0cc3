"""Image of the Long Range Arena: CIFAR-10's pictures, grey, pixel by pixel."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from wavspa.data.image_datamodule import Pictures
from wavspa.data.lra.cifar10_files import (
    CLASSES,
    COLUMNS,
    OFFICIAL,
    SIDE,
    PictureSplit,
    find_pictures,
    grey_of,
)
from wavspa.data.preparation import store
from wavspa.data.sources.downloads import File
from wavspa.errors import UserError

CHUNK = 1000
ARCHIVE = File(
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    md5="c58f30108f718f92721af3b95e74349a",
)


class Cifar10(Pictures):
    """50,000 pictures of 32 × 32 pixels to train on and 10,000 to test on, in ten classes.

    A token is a grey level, 0..255, row by row; there is no pad among them, for lengths are explicit.
    As in the benchmark, the last tenth of train is validation, in the order of the files.

    Args:
        **options: See :class:`SequenceDataModule`; ``workers`` are also the threads that prepare.

    Raises:
        UserError: An option is out of range.
    """

    downloads = (ARCHIVE,)
    input_columns = COLUMNS[:1]
    side = SIDE

    def cache_key(self) -> Mapping[str, Any]:
        """Nothing but the data set itself."""
        return {"data": "cifar10", "version": 1}

    def build(self) -> Mapping[str, store.Source]:
        """The three splits: all pictures are read into memory, 60 MB, and then written.

        Raises:
            UserError: The files are not below the data root, or one cannot be read.
        """
        self._found = find_pictures(self.data_root, threads=max(1, self.workers))
        train, test = self._found.splits["train"], self._found.splits["test"]
        held = len(train.labels) // 10
        if not held:
            raise UserError(
                f"{self._found.place} holds too few pictures to hold out a tenth of them"
            )
        return {
            "train": _source(PictureSplit(*(column[:-held] for column in train))),
            "val": _source(PictureSplit(*(column[-held:] for column in train))),
            "test": _source(test),
        }

    def pixels(self, picture: Image.Image) -> np.ndarray:
        """[32, 32] uint8."""
        return grey_of(picture)

    def card_facts(self, splits: store.Splits) -> store.Facts:
        """Source, licence, classes, and a name that differs where the pictures are not the official ones."""
        formats = self._found.formats - {OFFICIAL}
        changed = f" (CIFAR-10 as {', '.join(sorted(formats))})" if formats else ""
        return {
            "name": self.name + changed,
            "source": "CIFAR-10 (Krizhevsky, 2009), https://www.cs.toronto.edu/~kriz/cifar.html, read "
            f"from {self._found.place}",
            "licence": "none stated; cite Krizhevsky (2009)",
            "label_names": list(CLASSES),
            "validation": "the last tenth of train, in the order of the files",
        }


def _source(pictures: PictureSplit) -> store.Source:
    tokens, labels = pictures
    tables = (
        store.token_table(list(tokens[start : start + CHUNK]), labels[start : start + CHUNK])
        for start in range(0, len(labels), CHUNK)
    )
    return store.Source(tables, len(labels))
