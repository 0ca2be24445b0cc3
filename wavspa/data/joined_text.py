"""One text of several columns, such as a title and a body."""

from collections.abc import Sequence

from wavspa.checks import shown
from wavspa.errors import UserError


def joined_text(values: Sequence[object], columns: Sequence[str], where: str, join: str) -> str:
    """The texts of a row, one after the other; a column that is blank or null is left out.

    Args:
        values: Values of the columns.
        columns: Their names, for messages.
        where: How a message names the row.
        join: The separator of two texts.

    Raises:
        UserError: A value is not text, or all are blank.
    """
    texts = []
    for column, value in zip(columns, values, strict=True):
        if value is None or value == "":
            continue
        if not isinstance(value, str):
            raise UserError(
                f"{where}: the column {column!r} holds {shown(value)}, which is not text"
            )
        texts.append(value)
    if not texts:
        raise UserError(f"{where}: none of the columns {', '.join(columns)} holds a text")
    return join.join(texts)
