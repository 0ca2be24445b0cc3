"""Handwritten digits read pixel by pixel: real data that need no download."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from wavspa.checks import whole_number
from wavspa.data.image_datamodule import Pictures
from wavspa.data.preparation import store

WHITE = 16


class Digits(Pictures):
    """scikit-learn's 1,797 scans of 8 × 8 pixels, row by row: 64 tokens, 10 classes.

    A pixel of brightness 0..16 is the token brightness + 1. The split is 60 : 20 : 20, stratified. New
    pictures are white on black, and their 256 grey levels become the nearest of the 17.

    Args:
        data_seed: Seed of the split, independent of the training seed.
        **options: See :class:`SequenceDataModule`.
    """

    side = 8

    def __init__(self, *, data_seed: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.data_seed = whole_number("data_seed", data_seed, least=0)

    def cache_key(self) -> Mapping[str, Any]:
        """The seed of the split."""
        return {"data": "digits", "version": 1, "data_seed": self.data_seed}

    def build(self) -> Mapping[str, store.Source]:
        """The three splits, 1,078, 359 and 360 scans."""
        # Imported here: scikit-learn takes a second to load and is needed only once.
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        pixels, labels = load_digits(return_X_y=True)
        tokens = pixels.astype(np.uint8) + np.uint8(1)
        train, rest = train_test_split(
            np.arange(len(labels)), test_size=0.4, stratify=labels, random_state=self.data_seed
        )
        val, test = train_test_split(
            rest, test_size=0.5, stratify=labels[rest], random_state=self.data_seed
        )
        return {
            split: store.Source([_table(tokens[rows], labels[rows])], len(rows))
            for split, rows in (("train", train), ("val", val), ("test", test))
        }

    def pixels(self, picture: Image.Image) -> np.ndarray:
        """[8, 8] uint8."""
        brightness = np.rint(super().pixels(picture) * (WHITE / 255))
        return brightness.astype(np.uint8) + np.uint8(1)

    def card_facts(self, splits: store.Splits) -> store.Facts:
        """Source and licence."""
        return {
            "source": "scikit-learn's load_digits: the test part of UCI Optical Recognition of "
            "Handwritten Digits (Alpaydin and Kaynak, 1998)",
            "licence": "CC BY 4.0",
        }


def _table(tokens: np.ndarray, labels: np.ndarray) -> pa.Table:
    return store.token_table(list(tokens), labels)
