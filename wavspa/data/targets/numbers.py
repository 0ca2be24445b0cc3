"""One number or several for each example, and their scale in train."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from wavspa.checks import shown
from wavspa.data.preparation.store import Facts, Splits
from wavspa.data.targets.base import Target
from wavspa.errors import UserError


class Scale(NamedTuple):
    """The mean and the standard deviation over train of each of K numbers, float64 [K]."""

    mean: np.ndarray
    deviation: np.ndarray


def scale_of(card: Mapping[str, Any], key: str) -> Scale:
    """What the card of prepared data keeps of its numbers.

    Args:
        card: The card.
        key: ``targets`` of the labels, ``channels`` of the values of series.
    """
    entries = card[key]
    return Scale(
        np.array([entry["mean"] for entry in entries]),
        np.array([entry["deviation"] for entry in entries]),
    )


def described(names: Sequence[str], values: np.ndarray) -> list[dict[str, Any]]:
    """An entry of a card for each column of values [n, K]: its name, mean, deviation, least and most."""
    # What is beyond float64 is infinite here, and refused where it is needed.
    with np.errstate(over="ignore", invalid="ignore"):
        return [
            {
                "name": name,
                "mean": float(column.mean()),
                "deviation": float(column.std()),
                "min": float(column.min()),
                "max": float(column.max()),
            }
            for name, column in zip(names, values.T.astype(np.float64), strict=True)
        ]


def check_scale(entries: Sequence[Mapping[str, Any]]) -> None:
    """Refuse numbers that cannot be standardised.

    Args:
        entries: The columns as :func:`described` has them, over what is left of train when val and test have
            been held out.

    Raises:
        UserError: They are all equal, or so large or small that they have no deviation.
    """
    for entry in entries:
        if not 0 < entry["deviation"] < math.inf:
            raise UserError(
                f"the numbers of dataset.label={entry['name']} have the standard deviation "
                f"{entry['deviation']:g} in train (from {entry['min']:g} to {entry['max']:g}): rescale them, "
                "or hold out others with dataset.data_seed"
            )


class Numbers(Target):
    """A number in each of K columns. They are stored as they are; a task standardises them by the card."""

    kind = "number"
    task = "regression"

    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__(columns)
        self.unlabelled = [0.0] * len(self.columns)

    def read(self, values: Sequence[object], where: str) -> tuple[float, ...]:
        """The numbers of a row."""
        pairs = zip(values, self.columns, strict=True)
        return tuple(_number(value, column, where) for value, column in pairs)

    def learn(self, labels: Sequence[Any], where: str, classes: int | None) -> np.ndarray:
        """One group of all rows; a column that holds the same number in each row is refused."""
        values = np.array(labels, np.float64)
        for column, numbers in zip(self.columns, values.T, strict=True):
            if numbers.min() == numbers.max():
                raise UserError(
                    f"{where}: the column {column!r} holds the number {numbers[0]:g} in each of the "
                    f"{len(numbers)} rows: there is nothing to learn from it"
                )
        if classes not in (None, len(self.columns)):
            raise UserError(
                f"dataset.classes must be auto for task=regression, which has an output for each of the "
                f"{len(self.columns)} columns of dataset.label, got {classes}"
            )
        return np.zeros(len(values), np.int64)

    def open(self, card: Mapping[str, Any]) -> None:
        """The columns are known."""

    def encode(self, label: tuple[float, ...], where: str) -> list[float]:
        """The numbers as they are."""
        return list(label)

    def facts(self, splits: Splits) -> Facts:
        """The scale of each column in train."""
        column = splits["train"].data.column("label").combine_chunks()
        values = column.flatten().to_numpy().reshape(len(column), -1)
        return {"label_names": self.columns, "targets": described(self.columns, values)}

    def outputs(self, card: Mapping[str, Any]) -> int:
        """One for each column."""
        return len(card["targets"])

    def array(self, labels: Sequence[Any]) -> pa.Array:
        """Lists of float64."""
        return pa.array(labels, pa.list_(pa.float64()))

    def collated(self, labels: Sequence[Any], width: int) -> np.ndarray:
        """Float64 [B, K]: of large numbers float32 would lose the difference."""
        return np.array(labels, np.float64).reshape(len(labels), -1)


def _number(value: object, column: str, where: str) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise UserError(
            f"{where}: the column {column!r} holds {shown(value)}, which is not a finite number"
        )
    return number
