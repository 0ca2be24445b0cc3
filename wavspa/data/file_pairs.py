"""The user's own files of labelled pairs of texts."""

from typing import Any

from wavspa.checks import OptionError
from wavspa.data.custom import Files
from wavspa.data.text_datamodule import TextPairs
from wavspa.errors import UserError


class FilePairs(TextPairs, Files):
    """As :class:`Files`, with two texts in each row: whether they belong together, or how close they are.

    With ``label_kind=class`` they are for ``task=matching``, with ``number`` for ``task=regression`` and
    ``model/encoder=dual``.

    Args:
        text: The column of the first texts.
        text2: The column of the second texts.
        **options: See :class:`Files`.

    Raises:
        UserError: An option is out of range, or there is no label.
    """

    def __init__(self, *, text: str = "text", text2: str = "text2", **options: Any) -> None:
        super().__init__(text=text, **options)
        if not self.has_labels:
            raise UserError(
                "dataset.label must be a column, got None: pairs are labelled; dataset=files reads single "
                "texts without labels"
            )
        self.input_columns = [*self.input_columns, str(text2)]

    def _check_columns(self) -> None:
        """Name both options where they name one column."""
        first, second = self.input_columns
        if first == second:
            raise OptionError(
                "dataset.text2", f" must be another column than dataset.text, got {second!r}"
            )
        super()._check_columns()
