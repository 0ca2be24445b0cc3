"""Text files: unpacked, decoded, and named in what goes wrong with reading them."""

import bz2
import codecs
import gzip
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa

from wavspa.errors import UserError

OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
UTF_8, WITH_MARK = "utf-8", "utf-8-sig"

# The bytes to look at to find UTF-8 where an encoding was named that reads any bytes.
_PROBE = 2**20


def plain_suffix(path: Path) -> str:
    """The end of a file's name in lower case, without its dot; of a compressed file, the one before."""
    stem = path.with_suffix("") if path.suffix.lower() in OPENERS else path
    return stem.suffix.removeprefix(".").lower()


def check_encoding(option: str, name: object) -> str:
    """``name``, if it is the name of an encoding of text.

    Raises:
        UserError: It is not; the message names ``option``.
    """
    try:
        "".encode(codecs.lookup(str(name)).name)  # some codecs are not of text
    except LookupError as error:
        raise UserError(
            f"{option}={name!r} is unknown; choose an encoding that Python has, such as utf-8, "
            "latin-1, cp1252 or utf-16"
        ) from error
    return str(name)


@contextmanager
def opened(path: Path, newline: str | None = None, encoding: str = UTF_8) -> Iterator[TextIO]:
    """The text of a file, unpacked if its name ends as a compressed file's."""
    opener: Any = OPENERS.get(path.suffix.lower(), open)
    is_utf_8 = codecs.lookup(encoding).name in (UTF_8, WITH_MARK)
    with named(path, encoding):
        if not is_utf_8:
            _refuse_utf_8(path, opener, encoding)
        # A byte order mark is not a part of the first column's name.
        chosen = WITH_MARK if is_utf_8 else encoding
        with opener(path, "rt", encoding=chosen, newline=newline) as file:
            yield file


@contextmanager
def named(path: Path, encoding: str = UTF_8) -> Iterator[None]:
    """Name the file in what goes wrong with reading it."""
    try:
        yield
    except UserError:
        raise
    except UnicodeError as error:
        shown = "UTF-8" if encoding == UTF_8 else encoding
        raise UserError(
            f"{path} is not {shown}: {error}; convert it, or name the encoding of these files, such "
            "as dataset.encoding=latin-1"
        ) from error
    except (OSError, EOFError, pa.ArrowInvalid, lzma.LZMAError, zlib.error) as error:
        raise UserError(f"{path} cannot be read ({error}): is it complete?") from error


def _refuse_utf_8(path: Path, opener: Any, encoding: str) -> None:
    """UTF-8 read as latin-1 would be other characters without a word."""
    with opener(path, "rb") as file:
        start = file.read(_PROBE)
    try:
        # What may be cut at the end of the probe is not an error.
        text, _ = codecs.utf_8_decode(start, "strict", len(start) < _PROBE)
    except UnicodeDecodeError:
        return
    if not text.isascii() and "\0" not in text:
        raise UserError(
            f"{path} is UTF-8, and dataset.encoding={encoding} would read other characters: set "
            "dataset.encoding=utf-8"
        )
