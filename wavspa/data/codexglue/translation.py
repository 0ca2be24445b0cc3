"""Code translation of CodeXGLUE: a Java method in C#, or a C# method in Java."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from wavspa.checks import one_of
from wavspa.data.codexglue import common
from wavspa.data.preparation import store
from wavspa.data.seq2seq.datamodule import SourceTargets
from wavspa.data.sources.tables import open_table
from wavspa.data.sources.text_files import opened
from wavspa.data.text_datamodule import TextRow, TextSplit
from wavspa.errors import UserError

WHERE = ("translation", "code-to-code-trans", "code_x_glue_cc_code_to_code_trans")
DIRECTIONS = ("java-cs", "cs-java")
# A checkout of the benchmark holds these files, in a folder of another name than that of other tasks.
ALSO_IN = (
    *("data", "Code-Code/code-to-code-trans/data", "CodeXGLUE/Code-Code/code-to-code-trans/data"),
    "code-to-code-trans/data",
)
SPLITS = {"train": "train", "val": "valid", "test": "test"}


class Translation(SourceTargets):
    """10,295 / 499 / 1,000 methods written in both languages, each on one line.

    Args:
        direction: ``java-cs`` or ``cs-java``: from which language to which.
        **options: See :class:`wavspa.data.SourceTargets`.

    Raises:
        UserError: An option is out of range.
    """

    downloads = (common.hub_files(*WHERE),)

    def __init__(self, *, direction: str = "java-cs", **options: Any) -> None:
        super().__init__(**options)
        self.direction = one_of("direction", direction, DIRECTIONS)

    def source_cache_key(self) -> Mapping[str, Any]:
        """The name of the data, and the direction."""
        return {"data": "codexglue-translation", "version": 1, "direction": self.direction}

    def read(self) -> Mapping[str, TextSplit]:
        """The splits of the first layout found."""
        reader = self._reader()
        return {split: TextSplit(partial(reader, split), None) for split in SPLITS}

    def card_facts(self, splits: store.Splits) -> store.Facts:
        """Source and licence."""
        return {
            "source": f"code-to-code-trans of CodeXGLUE (Lu et al., 2021), {self.direction}",
            "licence": common.LICENCE,
        }

    def _reader(self) -> common.Reader:
        languages = self.direction.split("-")
        lines = {
            f"{split} {language}": f"{name}.java-cs.txt.{language}"
            for split, name in SPLITS.items()
            for language in languages
        }
        layouts = [
            common.Layout(
                lines,
                lambda files: (
                    lambda split: _from_lines(
                        *(files[f"{split} {language}"][0] for language in languages)
                    )
                ),
                ALSO_IN,
            ),
            common.Layout(
                common.PARQUET,
                lambda files: lambda split: _from_tables(files[split], languages),
            ),
        ]
        return common.reader_of("code translation", self.data_root, WHERE, layouts)


def _from_lines(sources: Path, targets: Path) -> Iterator[TextRow]:
    counts = [_count_lines(path) for path in (sources, targets)]
    if counts[0] != counts[1]:
        raise UserError(
            f"{sources} has {counts[0]:,} lines and {targets} has {counts[1]:,}: they must have the same "
            "number"
        )
    with opened(sources, "\n") as first, opened(targets, "\n") as second:
        for number, lines in enumerate(zip(first, second, strict=True), start=1):
            texts = tuple(line.strip() for line in lines)
            for path, text in zip((sources, targets), texts, strict=True):
                if not text:
                    raise UserError(f"{path}, line {number}: the line is empty")
            yield TextRow(texts, 0)


def _count_lines(path: Path) -> int:
    with opened(path, "\n") as file:
        return sum(1 for _ in file)


def _from_tables(files: Sequence[Path], languages: Sequence[str]) -> Iterator[TextRow]:
    for path in files:
        for _, texts in open_table(path).read(languages):
            yield TextRow(tuple(text.strip() for text in texts), 0)
