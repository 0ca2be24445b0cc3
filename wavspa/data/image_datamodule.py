"""Pictures that are read pixel by pixel: what their files have to be, and how they become tokens."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from wavspa.data.datamodule import SequenceDataModule
from wavspa.data.loading.collate import Example
from wavspa.errors import UserError

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
# Of 8 bits and opaque. Pillow turns the others into these as well, but cuts values or drops a channel.
MODES = ("1", "L", "P", "RGB")


class Pictures(SequenceDataModule):
    """Square pictures of one size; a token is a pixel, row by row.

    A data set is a subclass that sets ``side``, and :meth:`pixels` if its tokens are not grey levels.
    """

    input_columns: Sequence[str] = ("image",)
    mask_rate = 0.5
    side: int

    def pixels(self, picture: Image.Image) -> np.ndarray:
        """The tokens [side, side] uint8 of a picture as :func:`open_picture` returns it."""
        return np.array(picture.convert("L"))

    def tokens_of(self, file: Path | BinaryIO, where: str) -> np.ndarray:
        """The tokens [side * side] uint8 of a picture; see :func:`open_picture`."""
        return self.pixels(open_picture(file, where, self.side)).reshape(-1)

    def parse_input(
        self, values: Sequence[object], where: str, columns: Sequence[str] = ()
    ) -> tuple[np.ndarray]:
        """The tokens of a picture, which :func:`file_of` finds."""
        (value,) = values
        return (self.tokens_of(*file_of(value, where)),)

    def encode_inputs(self, parts: Sequence[tuple[Any, ...]]) -> list[Example]:
        """As the loaders give them."""
        return [Example(tokens[: self.max_length], 0) for (tokens,) in parts]


def file_of(value: object, where: str) -> tuple[Path | BinaryIO, str]:
    """The file of a picture that a table names by its path, or holds as bytes or as the hub does.

    Args:
        value: What the table holds.
        where: How messages name its row.

    Returns:
        The file, and how messages name it.

    Raises:
        UserError: It is something else.
    """
    if isinstance(value, dict):
        value = value.get("path") if value.get("bytes") is None else value["bytes"]
    if isinstance(value, bytes):
        return io.BytesIO(value), where
    if isinstance(value, str) and value:
        return Path(value), f"{where}: {value}"
    raise UserError(f"{where}: {repr(value)[:80]} is neither a picture nor the path of one")


def open_picture(file: Path | BinaryIO, where: str, side: int) -> Image.Image:
    """A picture, decoded.

    Args:
        file: Its file.
        where: How messages name it.
        side: Its width and its height.

    Raises:
        UserError: It cannot be read, has another size or a mode that is none of :data:`MODES`, or is
            transparent.
    """
    try:
        with Image.open(file) as picture:
            if picture.size != (side, side):
                width, height = picture.size
                raise UserError(
                    f"{where}: a picture of {width} x {height} pixels, not {side} x {side}"
                )
            if picture.mode not in MODES or "transparency" in picture.info:
                raise UserError(
                    f"{where}: a picture of mode {picture.mode}, transparent or without 8 bits per "
                    "colour: save it as grey (L) or RGB"
                )
            picture.load()
            return picture
    except UserError:
        raise
    # Decoders raise all of these at broken files.
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        # Without an error of the system, Pillow describes the fault, and may name the file again.
        why = getattr(error, "strerror", None) or re.split(r" ['<]", str(error))[0]
        raise UserError(f"{where}: not a readable picture ({why})") from error
