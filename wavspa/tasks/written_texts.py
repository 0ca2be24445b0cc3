"""The texts that a model wrote for the examples of a split, as a file."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from wavspa import atomic
from wavspa.errors import UserError
from wavspa.tasks.seq2seq import Text

KINDS = ("csv", "jsonl", "txt")
COLUMNS = ("source", "reference", "text", "score", "ended")


def check_output(output: Path) -> None:
    """Refuse a file that :func:`write_texts` cannot write.

    Raises:
        UserError: Its name has another end, or its folder is missing.
    """
    if output.suffix.removeprefix(".") not in KINDS:
        raise UserError(
            f"output={output}: its name has to end in {', '.join(f'.{kind}' for kind in KINDS)}"
        )
    if not output.parent.is_dir():
        raise UserError(f"output={output}: there is no folder {output.parent}")


def write_texts(output: Path, texts: Sequence[Text]) -> None:
    """Write texts in their order; the file appears when it is complete.

    Args:
        output: ``.jsonl`` or ``.csv`` with source, reference, score and whether the text has an end; or
            ``.txt``, one text per line and nothing else.
        texts: What was written.

    Raises:
        UserError: The disk refuses.
    """
    write = {"csv": _csv, "jsonl": _jsonl, "txt": _lines}[output.suffix.removeprefix(".")]
    try:
        atomic.write_text(output, write(texts))
    except OSError as error:
        raise UserError(f"output={output} cannot be written ({error.strerror or error})") from error


def on_one_line(text: str) -> str:
    """A text with its line breaks replaced by blanks."""
    return " ".join(text.splitlines())


def _row(text: Text) -> dict[str, object]:
    return {column: getattr(text, column) for column in COLUMNS}


def _jsonl(texts: Sequence[Text]) -> str:
    return "".join(json.dumps(_row(text), ensure_ascii=False) + "\n" for text in texts)


def _csv(texts: Sequence[Text]) -> str:
    rows = [COLUMNS, *(tuple(_row(text).values()) for text in texts)]
    return "".join(map(_csv_line, rows))


def _csv_line(values: Sequence[object]) -> str:
    """A row of csv, whose texts are quoted where they hold a carriage return, which readers end a row at.

    The writer of older Pythons quotes it only where its own rows end in one.
    """
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerow(values)
    return file.getvalue().removesuffix("\r\n") + "\n"


def _lines(texts: Sequence[Text]) -> str:
    return "".join(on_one_line(text.text) + "\n" for text in texts)
