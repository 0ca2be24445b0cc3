"""Labels as files and cards spell them."""

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from wavspa.checks import is_writable, shown
from wavspa.errors import UserError

# With more classes than MANY, each has to have at least LEAST_ROWS rows on average.
MANY = 10
LEAST_ROWS = 5
_SEPARATORS = (";", "|", ",")
# As Python writes truth values.
_TRUTH = {"False": "0", "True": "1"}


def plain_number(label: str) -> str:
    """The number of a class that is written as ``1.0`` or as a truth value; any other label as it is."""
    return _TRUTH.get(label, label).removesuffix(".0")


def binary(value: object, where: str) -> int:
    """0 or 1, from a number, a boolean, or the text of either.

    Args:
        value: As it was read.
        where: How a message names its place.

    Raises:
        UserError: It is something else.
    """
    label = plain_number(str(value).strip().capitalize())
    if label not in ("0", "1"):
        raise UserError(f"{where}: the label {value!r} is neither 0 nor 1")
    return int(label)


def class_names(card: Mapping[str, Any], classes: int) -> list[str]:
    """What the card of the data calls the classes; the number of a class that it has no name for."""
    names = list(card.get("label_names", ()))[:classes]
    for number in range(len(names), classes):
        names.append(f"class {number}" if str(number) in names else str(number))
    return names


def in_order(labels: Iterable[str]) -> list[str]:
    """Different labels in the one order that they always have: by number if all are numbers, else by text.

    ``nan`` is text: it is neither before nor after any number.
    """
    different = set(labels)
    numbers = {label: _number(label) for label in different}
    if None in numbers.values():
        return sorted(different)
    return sorted(different, key=lambda label: (numbers[label], label))


def check_classes(counts: Mapping[str, int], column: str, where: str) -> None:
    """Refuse labels that are not classes: measurements, several labels in one, one for each row.

    Args:
        counts: The rows of each label.
        column: The labels' column.
        where: How a message names the file.

    Raises:
        UserError: They look like that. The user knows better with ``dataset.classes``.
    """
    rows, classes = sum(counts.values()), len(counts)
    found = f"{where}: the column {column!r}"
    anyway = f"if they are classes nevertheless, set dataset.classes={classes}"
    if classes < 2:
        raise UserError(f"{found} holds the same label in each of the {rows} rows")
    numbers = [_number(label) for label in counts]
    fractions = [number for number in numbers if number is not None and number % 1 > 0]
    if fractions and None not in numbers:
        raise UserError(
            f"{found} holds numbers with fractions, such as {fractions[0]!r}: task=regression "
            f"predicts numbers, or replace them by classes, such as ranges; {anyway}"
        )
    if several := joined(counts):
        raise UserError(
            f"{found} holds several labels in one, such as {shown(several)}: task=multilabel takes "
            f"several (dataset.separator is their separator), or keep one; {anyway}"
        )
    if classes == rows:
        raise UserError(
            f"{found} holds a different label in each of the {rows} rows, and nothing can be learned about "
            f"a class from one row: is this the column of the labels? {anyway}"
        )
    if classes > MANY and rows < LEAST_ROWS * classes:
        raise UserError(
            f"{found} holds {classes} different labels in {rows} rows, less than {LEAST_ROWS} rows a "
            f"class: merge classes, or use task=regression if they are measurements; {anyway}"
        )


def alike(counts: Mapping[str, int]) -> list[dict[str, int]]:
    """Labels that differ only in blanks, case or how a character or number is written, with their rows."""
    groups: dict[object, dict[str, int]] = {}
    for label in in_order(counts):
        text = _as_it_looks(label)
        number = _number(text)
        groups.setdefault(text if number is None else number, {})[label] = counts[label]
    return [group for group in groups.values() if len(group) > 1]


def _as_it_looks(label: str) -> str:
    """One spelling of labels that look alike: accents composed, and no characters without a width."""
    text = unicodedata.normalize("NFKC", label).casefold()
    return " ".join("".join(sign for sign in text if unicodedata.category(sign) != "Cf").split())


def read_label(value: object, column: str, where: str) -> str:
    """A label of any kind as text.

    Args:
        value: As it was read.
        column: The labels' column.
        where: How a message names the row.

    Raises:
        UserError: It is a list, an object or bytes, or holds half of a surrogate pair, which JSON can
            spell and no other file can hold.
    """
    if isinstance(value, bytes):
        raise UserError(
            f"{where}: the column {column!r} holds bytes, {shown(value)}, which are not a label: write "
            f"text or numbers"
        )
    if isinstance(value, list | dict):
        raise UserError(
            f"{where}: the column {column!r} holds {shown(value)}, which is not a label"
        )
    label = str(value)
    if not is_writable(label):
        raise UserError(
            f"{where}: the label {shown(label)} holds half of a surrogate pair, which no file can hold"
        )
    return label


def _number(label: str) -> float | None:
    try:
        number = float(label)
    except ValueError:
        return None
    return None if math.isnan(number) else number


def joined(counts: Mapping[str, int]) -> str | None:
    """A label that is several, if one is: its parts are labels, or it shares a part with another."""
    for separator in _SEPARATORS:
        parts = {
            label: [part.strip() for part in label.split(separator)]
            for label in in_order(counts)
            if separator in label.strip(separator)
        }
        times = Counter(part for found in parts.values() for part in set(found))
        for label, found in parts.items():
            if all(part in counts for part in found):
                return label
            # A comma also occurs in plain names: "Smith, A" and "Smith, B".
            if separator != "," and any(times[part] > 1 for part in found):
                return label
    return None
