"""The table of released configurations, ``released.csv``: one row for each of upstream's files.

The cells hold the files' values; what upstream's code does with them is in ``remarks``. Upstream does not
state which row led to which published number.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

ROOT = "paper"
"""The folder of all presets, below ``experiment``."""

DATASETS = {
    "d2a": ("d2a/function", "d2a_classification"),
    "image": ("lra/image", "image"),
    "listops": ("lra/listops", "listops"),
    "pathfinder32": ("lra/pathfinder32", "pathfinder"),
    "pathfinder64": ("lra/pathfinder64", "pathfinder"),
    "pathfinder128": ("lra/pathx", "pathfinder"),
    "pathfinder256": ("lra/pathx256", "pathfinder"),
    "retrieval": ("lra/retrieval", "matching"),
    "text": ("lra/text", "text_classification"),
}
"""The data set of each task, and upstream's folder of its files."""

_DEVIGN = "codexglue/defect"
_UNTOLD_TAPS = 16  # for two files without taps: those of the pre-training on code that they follow

_WAVELETS = {"": "none", "db": "ada", "db2": "ada", "ortho": "ortho", "fix": "fixed"}
_LIFTS = ("lift", "life")


@dataclass(frozen=True)
class Released:
    """A released configuration. Pool, wavelet and schedule have upstream's names."""

    task: str
    name: str
    batch_size: int
    steps: int
    eval_every: int
    lr: float
    weight_decay: float
    warmup: int
    schedule: str
    cycle: int | None
    max_length: int | None
    dim: int
    heads: int
    depth: int
    qkv_dim: int
    mlp_dim: int
    dropout: float
    attention_dropout: float
    pool: str
    attention: str
    wavelet: str
    taps: int | None
    level: int | None

    @property
    def option(self) -> str:
        """The value of ``experiment=`` that chooses it."""
        return f"{ROOT}/{self.task}/{self.name}"

    @property
    def dataset(self) -> str:
        """The value of ``dataset=`` that chooses its data set."""
        return _DEVIGN if self.name.endswith("devign") else DATASETS[self.task][0]

    @property
    def source(self) -> str:
        """Upstream's file."""
        folder = DATASETS[self.task][1]
        inner = f"{self.task}/" if folder == "pathfinder" else ""
        return f"lra_benchmarks/{folder}/configs/{inner}{self.name}.py"

    @property
    def is_plain(self) -> bool:
        """Whether it is a baseline without a transform."""
        return not self.wavelet

    @property
    def is_lifting(self) -> bool:
        """Whether it means lifting, even if misspelt."""
        return self.wavelet in _LIFTS

    @property
    def mode(self) -> str:
        """The wavelet mode that it means."""
        return "lift" if self.is_lifting else _WAVELETS[self.wavelet]

    @property
    def filter_length(self) -> int | None:
        """The taps of its filters; None without a transform."""
        return None if self.is_plain else self.taps or _UNTOLD_TAPS


@cache
def released() -> tuple[Released, ...]:
    """Every released configuration, in the order of the table."""
    text = files(__package__).joinpath("released.csv").read_text(encoding="utf-8")
    return tuple(_parsed(row) for row in csv.DictReader(text.splitlines()))


@cache
def by_option() -> dict[str, Released]:
    """Every released configuration by its value of ``experiment=``."""
    return {row.option: row for row in released()}


def _parsed(row: dict[str, str]) -> Released:
    words = ("task", "name", "schedule", "pool", "attention", "wavelet")
    rates = ("lr", "weight_decay", "dropout", "attention_dropout")
    values: dict[str, str | int | float | None] = {}
    for key, value in row.items():
        if key in words:
            values[key] = value
        elif key in rates:
            values[key] = float(value)
        else:
            values[key] = int(value) if value else None
    return Released(**values)  # type: ignore[arg-type]  # the csv's columns are its fields
