"""POJ-104 of CodeXGLUE: programs that solve the same problem have to find each other."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader

from wavspa.data.codexglue import common
from wavspa.data.loading.collate import collate_pairs
from wavspa.data.loading.partner_sampler import PartnerBatches, PartnerRows
from wavspa.data.preparation import store
from wavspa.data.sources.tables import open_table
from wavspa.data.text_datamodule import TextRow, Texts, TextSplit
from wavspa.errors import UserError

WHERE = ("poj104", "Clone-detection-POJ-104", "code_x_glue_cc_clone_detection_poj104")
TREE = "ProgramData"
COLUMNS = ("code", "label")
PROBLEMS = {"train": range(1, 65), "val": range(65, 81), "test": range(81, 105)}

# The fewest pairs of a batch that, in the benchmark's train split, is never of a single problem.
LEAST_PAIRS = 4


class Poj104(Texts):
    """500 solutions in C and C++ of each of 104 problems; the label is the number of the problem.

    Training batches are :class:`wavspa.data.PairBatch` of two solutions of one problem, in every
    epoch other two (see :mod:`wavspa.data.loading.partner_sampler`); evaluation batches are
    :class:`wavspa.data.Batch` of single programs. The splits have no problem in common, so there
    is no number of classes.

    Args:
        **options: See :class:`wavspa.data.Texts`, without ``classes``.

    Raises:
        UserError: An option is out of range.
    """

    downloads = (common.hub_files(*WHERE),)
    input_columns = COLUMNS[:1]

    def __init__(self, **options: Any) -> None:
        super().__init__(classes="auto", **options)
        if self.batch_tokens is not None:
            raise UserError(
                f"dataset.batch_tokens={self.batch_tokens} cannot bound pairs that are redrawn in "
                "every epoch: set dataset.batch_size"
            )

    def source_cache_key(self) -> Mapping[str, Any]:
        """The name of the data."""
        return {"data": "poj104", "version": 1}

    def read(self) -> Mapping[str, TextSplit]:
        """The splits by the numbers of the problems; the rest of their files is ignored."""
        reader = self._reader()
        return {split: TextSplit(partial(reader, split), None) for split in PROBLEMS}

    def card_facts(self, splits: store.Splits) -> store.Facts:
        """Source, licence, and what makes up the splits."""
        return {
            "source": "POJ-104 (Mou et al., 2016) as split by CodeXGLUE (Lu et al., 2021), "
            "Clone-detection-POJ-104",
            "licence": common.LICENCE,
            "problems": {split: f"{of[0]}-{of[-1]}" for split, of in PROBLEMS.items()},
            "left_out": "rows of a file whose problem belongs to another split: the hub's train "
            "holds problem 65 as well, its validation problem 81",
        }

    def train_dataloader(self) -> DataLoader[Any]:
        """Pairs of programs of this rank, in an order of (seed, epoch)."""
        rows = self._rows["train"]
        rank, world_size = self._rank()
        self._check_ranks("batch_size", self.batch_size)
        if self.batch_size < LEAST_PAIRS * world_size:
            raise UserError(
                f"dataset.batch_size={self.batch_size} leaves a device with so few pairs that all may "
                f"be of one problem: make it at least {LEAST_PAIRS * world_size}"
            )
        batches = PartnerBatches(
            rows.lengths, rows.labels, self.batch_size, self.seed, rank, world_size
        )
        if not len(batches):
            raise UserError(f"dataset.limit={self.limit} leaves no two programs of one problem")
        return self._training_loader(PartnerRows(rows), batches, collate_pairs)

    def _reader(self) -> common.Reader:
        """Return the reader of a split's rows from the existing files."""
        layouts = [
            *(
                common.Layout(
                    tables,
                    lambda files: lambda split: _from_tables(files[split], PROBLEMS[split]),
                )
                for tables in (common.JSONL, common.PARQUET)
            ),
            common.Layout(
                {TREE: TREE},
                lambda files: lambda split: _from_tree(files[TREE][0], PROBLEMS[split]),
                also_in=[""],
            ),
        ]
        return common.reader_of("POJ-104", self.data_root, WHERE, layouts)


def _from_tables(files: Sequence[Path], problems: range) -> Iterator[TextRow]:
    for path in files:
        table = open_table(path)
        for place, (code, label) in table.read(COLUMNS):
            problem = _number(label)
            if not 1 <= problem <= 104:
                raise UserError(
                    f"{table.at(place)}: the label {label!r} is not a problem from 1 to 104"
                )
            if problem in problems:
                yield TextRow((code,), problem)


def _from_tree(tree: Path, problems: range) -> Iterator[TextRow]:
    """The programs of the authors' archive, read as the benchmark's own script does."""
    for problem in problems:
        paths = sorted((tree / str(problem)).glob("*.txt"), key=_by_number)
        if not paths:
            raise UserError(f"{tree / str(problem)} holds no programs (*.txt)")
        for path in paths:
            try:
                code = path.read_text("latin-1")
            except OSError as error:
                raise UserError(f"{path} cannot be read ({error.strerror})") from error
            if not code:
                raise UserError(f"{path} is empty")
            yield TextRow((code,), problem)


def _by_number(path: Path) -> tuple[int, str]:
    return _number(path.stem), path.stem


def _number(value: object) -> int:
    """A number of a problem or a program; 0 for what is none."""
    text = str(value)
    return int(text) if text.isdecimal() else 0
