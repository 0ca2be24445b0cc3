"""Checks of the options of data sets."""

from collections.abc import Sequence

from wavspa.errors import UserError


def whole_number(option: str, value: object, least: int = 1) -> int:
    """``value``, if it is a whole number and large enough.

    Raises:
        UserError: it is not; the message names ``dataset.<option>``.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UserError(f"dataset.{option}={value} has to be a whole number of at least {least}")
    return value


def number_or_auto(option: str, value: object) -> int | None:
    """``value``, if it is a whole number of at least 1; None if it is ``auto``.

    Raises:
        UserError: it is neither; the message names ``dataset.<option>``.
    """
    return None if value == "auto" else whole_number(option, value)


def number_or_none(option: str, value: object) -> int | None:
    """``value``, if it is None or a whole number of at least 1.

    Raises:
        UserError: it is not; the message names ``dataset.<option>``.
    """
    return None if value is None else whole_number(option, value)


def share(option: str, value: object) -> float:
    """``value``, if it is a number between 0 and 1, neither of them.

    Raises:
        UserError: it is not; the message names ``dataset.<option>``.
    """
    if not isinstance(value, int | float) or not 0 < value < 1:
        raise UserError(f"dataset.{option}={value} has to be a number between 0 and 1")
    return value


def one_of(option: str, value: str, legal: Sequence[str]) -> str:
    """``value``, if it is one of ``legal``.

    Raises:
        UserError: it is not; the message names ``dataset.<option>``.
    """
    if value not in legal:
        raise UserError(f"dataset.{option}={value} is unknown: {', '.join(legal)}")
    return value
