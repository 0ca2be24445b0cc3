"""Code summarization of CodeXGLUE: the first paragraph of a function's documentation."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from wavspa.checks import one_of
from wavspa.data.codexglue import common
from wavspa.data.preparation import store
from wavspa.data.seq2seq.datamodule import SourceTargets
from wavspa.data.sources.downloads import HubFiles
from wavspa.data.sources.tables import open_table
from wavspa.data.text_datamodule import TextRow, TextSplit
from wavspa.errors import UserError

LANGUAGES = ("go", "java", "javascript", "php", "python", "ruby")
HUB = "code_x_glue_ct_code_to_text"
COLUMNS = ("code_tokens", "docstring_tokens")


class Summarization(SourceTargets):
    """Functions of CodeSearchNet, cleaned by CodeXGLUE, with their descriptions.

    As in the benchmark, source and target are the tokens of its files, joined by blanks. Rows without a
    token on one of the sides are left out, and counted on the card.

    Args:
        language: ``go``, ``java``, ``javascript``, ``php``, ``python`` or ``ruby``.
        **options: See :class:`wavspa.data.SourceTargets`.

    Raises:
        UserError: An option is out of range.
    """

    def __init__(self, *, language: str = "python", **options: Any) -> None:
        super().__init__(**options)
        self.language = one_of("language", language, LANGUAGES)
        # Each language has its own folder: files of one must not be taken for those of another.
        folder = f"codexglue/summarization/{language}"
        self.downloads = (HubFiles(f"google/{HUB}", (f"{language}/*.parquet",), folder),)

    def source_cache_key(self) -> Mapping[str, Any]:
        """The name of the data, and the language."""
        return {"data": "codexglue-summarization", "version": 1, "language": self.language}

    def read(self) -> Mapping[str, TextSplit]:
        """The splits of the first layout found."""
        self._left_out = dict.fromkeys(common.JSONL, 0)
        reader = self._reader()
        return {split: TextSplit(partial(reader, split), None) for split in common.JSONL}

    def card_facts(self, splits: store.Splits) -> store.Facts:
        """Source, licence, and how many rows were left out."""
        return {
            "source": f"CodeSearchNet (Husain et al., 2019), {self.language}, as cleaned by CodeXGLUE (Lu et "
            "al., 2021), code-to-text",
            "licence": f"{common.LICENCE}; the functions are under the licences of their repositories",
            "left_out": {"rows without code or documentation": self._left_out},
        }

    def _reader(self) -> common.Reader:
        language = self.language
        where = (f"summarization/{language}", "Code-Text/code-to-text", HUB)
        also_in = [
            f"{place}/{language}"
            for place in (
                *(f"codexglue/summarization/{language}", "Code-Text/code-to-text/dataset"),
                *("CodeXGLUE/Code-Text/code-to-text/dataset", "code-to-text/dataset"),
                *(HUB, f"google/{HUB}", f"datasets--google--{HUB}/snapshots/*"),
            )
        ]
        layouts = [
            common.Layout(
                tables, lambda files: lambda split: self._read(split, files[split]), also_in
            )
            for tables in (common.JSONL, common.PARQUET)
        ]
        return common.reader_of(f"code summarization, {language}", self.data_root, where, layouts)

    def _read(self, split: str, files: Sequence[Path]) -> Iterator[TextRow]:
        self._left_out[split] = 0
        for path in files:
            table = open_table(path)
            for place, tokens in table.read(COLUMNS, blank=COLUMNS):
                code, documentation = (
                    _joined(side, column, table.at(place))
                    for side, column in zip(tokens, COLUMNS, strict=True)
                )
                if code and documentation:
                    yield TextRow((code, documentation), 0)
                else:
                    self._left_out[split] += 1


def _joined(tokens: object, column: str, where: str) -> str:
    """Tokens as one line, with single blanks."""
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise UserError(f"{where}: the column {column!r} must be a list of texts")
    return " ".join(" ".join(tokens).split())
