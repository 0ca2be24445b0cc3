"""Checks of option values; an error is one line that names the option and the way out."""

import math
from collections.abc import Collection, Sequence
from typing import TypeVar

from wavspa.config_options import did_you_mean
from wavspa.errors import UserError

T = TypeVar("T")


class OptionError(UserError):
    """The value of an option is impossible.

    Args:
        option: The option's name, as the checking code knows it.
        message: The text after the name.
    """

    def __init__(self, option: str, message: str) -> None:
        super().__init__(f"{option}{message}")
        self.option = option
        self.message = message


def true_or_false(option: str, value: object) -> bool:
    """Return ``value`` if it is true or false.

    Raises:
        OptionError: It is not, such as ``no``, ``off``, or ``false`` in quotes.
    """
    if not isinstance(value, bool):
        raise OptionError(option, f" must be true or false, got {value!r}")
    return value


def parse_bool(option: str, value: object) -> bool:
    """The boolean that a word on the command line spells, or ``value`` itself if it is one.

    Raises:
        OptionError: It is neither, such as ``yes`` or ``off``.
    """
    words = {"true": True, "false": False}
    return (
        words[value] if isinstance(value, str) and value in words else true_or_false(option, value)
    )


def whole_number(option: str, value: object, least: int = 1, most: int | None = None) -> int:
    """Return ``value`` if it is a whole number that is neither too small nor too large.

    Raises:
        OptionError: It is not.
    """
    legal = isinstance(value, int) and not isinstance(value, bool)
    if not legal or value < least or (most is not None and value > most):  # type: ignore[operator]
        span = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise OptionError(option, f" must be a whole number {span}, got {value!r}")
    return value  # type: ignore[return-value]


def whole_number_or_none(option: str, value: object, least: int = 1) -> int | None:
    """Return ``value`` if it is None or a whole number that is not too small.

    Raises:
        OptionError: It is not.
    """
    return None if value is None else whole_number(option, value, least)


def number(
    option: str, value: object, least: float | None = None, most: float | None = None
) -> float:
    """Return ``value`` if it is a finite number in a range; true and false are not numbers.

    Raises:
        OptionError: It is not.
    """
    legal = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    low, high = (-math.inf if least is None else least), (math.inf if most is None else most)
    if not legal or not low <= value <= high:  # type: ignore[operator]
        span = "" if least is None else f" of at least {least}"
        span += "" if most is None else f" and at most {most}"
        raise OptionError(option, f" must be a number{span}, got {value!r}")
    return value  # type: ignore[return-value]


def at_least(option: str, value: float, least: float) -> float:
    """Return ``value`` if it is at least ``least``.

    Raises:
        OptionError: It is not; NaN never is.
    """
    if not value >= least:
        raise OptionError(option, f" must be at least {least}, got {value!r}")
    return value


def positive(option: str, value: float) -> float:
    """Return ``value`` if it is above 0.

    Raises:
        OptionError: It is not; NaN never is.
    """
    if not value > 0:
        raise OptionError(option, f" must be above 0, got {value!r}")
    return value


def share(option: str, value: object) -> float:
    """Return ``value`` if it is a number strictly between 0 and 1.

    Raises:
        OptionError: It is not.
    """
    if not isinstance(value, int | float) or not 0 < value < 1:
        raise OptionError(option, f" must be a number between 0 and 1, got {value!r}")
    return value


def one_of(option: str, value: T, legal: Collection[T]) -> T:
    """Return ``value`` if it is one of ``legal``.

    Args:
        option: The option's name.
        value: The given value; None is typed ``null``.
        legal: The possible values.

    Raises:
        OptionError: It is not; the message suggests a similar name.
    """
    if value not in legal:
        names = ["null" if choice is None else str(choice) for choice in legal]
        hint = did_you_mean(str(value), names)
        raise OptionError(option, f"={value!r} is unknown; choose one of {', '.join(names)}{hint}")
    return value


def different_names(option: str, names: Sequence[str]) -> list[str]:
    """Return ``names`` as a list if there is at least one and none occurs twice.

    Raises:
        OptionError: There is none, or one occurs twice.
    """
    if not names:
        raise OptionError(option, " must name at least one column, got []")
    if twice := [name for name in names if names.count(name) > 1]:
        raise OptionError(option, f" names {twice[0]!r} twice: leave one out")
    return list(names)


def shown(value: object, longest: int = 80) -> str:
    """A value as a message shows it, cut if it is long."""
    text = ascii(value) if isinstance(value, str) and not is_writable(value) else repr(value)
    return text if len(text) <= longest else f"{text[:longest]}…"


def is_writable(text: str) -> bool:
    """Whether a text has no half of a surrogate pair, which no file can hold."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
