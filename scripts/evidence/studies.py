"""The studies: which arms are trained on which data, each arm as options of ``wavspa-train``.

``wavspa-train experiment=evidence/DATA experiment_name=ARM OPTIONS`` trains an arm with every seed.
Studies that need the same arm share its runs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
# Every arm is trained with each seed. There are more where a run takes seconds, and where three seeds left a
# difference of several points undecided.
SEEDS = (1, 2, 3)
MORE_SEEDS = tuple(range(1, 9))
SHORT_RUNS = ("digits",)
UNDECIDED = tuple(
    ("text", f"softmax-{mode}-longer") for mode in ("none", "ada", "ortho", "fixed", "conv")
)
# The grid of learning rates. Every arm tries the first ones, then the neighbours of the best.
RATES = ("0.001", "0.003", "0.01", "0.03")
FIRST_RATES = RATES[1:3]
BASES = ("softmax", "longformer", "linformer", "linear", "performer")
# Fewer where so few steps teach too little to compare, or where the other bases would take hours.
FEWER_BASES = {
    "image": ("softmax", "linear"),
    "pathfinder": ("softmax",),
    "bbc": ("linear",),
}
MODES = ("none", "ada", "ortho", "lift")
DATA = ("digits", "listops", "text", "image", "pathfinder")
# The data of the ablations: their gain is large, and their runs are short.
ABLATED = "digits"

# Where a few hundred steps teach little, some arms are also trained longer.
LONGER_STEPS = 2000
LONGER = {"text": ("softmax", "linear"), "image": ("softmax",)}
LONGER_MODES = {
    "text": ("none", "ada", "ortho", "fixed", "conv"),
    "image": ("none", "ada", "ortho"),  # a run of softmax, as conv is, takes a quarter of an hour
}
# Where half of the steps go into pre-training.
PRETRAINED = ("digits", "listops")
PRETRAINED_MODES = ("none", "ada", "ortho")

# CPU time per step with ada, relative to the plain base (one thread, `--study cost`).
TIME_OF_ADA = {"softmax": 1.50, "linear": 1.53}
# With ada a layer has 8,448 parameters more than its base (two more attentions, and the taps); with linear
# attention, which has biases, 8,704. 130 or 134 more units in an MLP add 8,450 or 8,710, a block 8,416 or
# 8,544. The head keeps its width.
MLP = {"softmax": 194, "linear": 198}
DEEP = ("model.depth=4",)


@dataclass(frozen=True)
class Arm:
    """A model and how it is trained: the content of a cell in a table.

    ``rate_of`` names the arm whose learning rate it uses; None: it selects its own on validation.
    ``base`` names the arm it is compared with.
    """

    name: str
    words: tuple[str, ...]
    base: str
    rate_of: str | None = None


class Cell(NamedTuple):
    """An arm on one of the data sets."""

    data: str
    arm: Arm


class Study(NamedTuple):
    """The question of a study, and its cells in training order."""

    question: str
    cells: tuple[Cell, ...]


def arm_of(base: str, mode: str) -> Arm:
    """One of the 20 arms of the first study."""
    words = (f"model/attention={base}", f"model/wavelet={mode}")
    return Arm(f"{base}-{mode}", words, f"{base}-none")


def bases_of(data: str) -> Sequence[str]:
    """The bases that are trained in all modes on a data set."""
    return FEWER_BASES.get(data, BASES)


def experiment(data: str) -> dict[str, Any]:
    """The experiment file of a data set."""
    path = ROOT / f"conf/experiment/evidence/{data}.yaml"
    read: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read


def steps_of(data: str) -> int:
    """The steps of every arm on a data set."""
    steps: int = experiment(data)["trainer"]["max_steps"]
    return steps


def seeds_of(cell: Cell) -> tuple[int, ...]:
    """The seeds of a cell."""
    more = cell.data in SHORT_RUNS or (cell.data, cell.arm.name) in UNDECIDED
    return MORE_SEEDS if more else SEEDS


def _helps(base: str) -> Iterator[Arm]:
    """Plain bases and ablations of ada: which part of it helps?"""
    none, ada = arm_of(base, "none"), arm_of(base, "ada")

    def arm(name: str, *words: str, of: Arm, own_rate: bool = False) -> Arm:
        rate = None if own_rate else of.name
        return Arm(f"{base}-{name}", of.words + words, none.name, rate)

    wide = f"model.mlp_dim={MLP[base]}", "model.head_dim=64"
    yield arm("wide", *wide, of=none, own_rate=True)
    yield arm("deep", *DEEP, of=none, own_rate=True)
    quarter = round(steps_of(ABLATED) * TIME_OF_ADA[base] / 4)
    steps = f"trainer.max_steps={4 * quarter}", f"trainer.val_every={quarter}"
    yield arm("as-long", *steps, of=none)
    yield arm("rotary", "model.positions=rotary", of=none, own_rate=True)
    for mode in ("fixed", "fourier", "conv"):
        yield arm_of(base, mode)
    yield arm("ada-shared", "model.share_attention=true", of=ada)
    yield arm("ada-approximation", "model.keep_details=false", of=ada)
    for level in (1, 3):
        yield arm(f"ada-level-{level}", f"model.level={level}", of=ada)
    for taps in (4, 16, 40):
        yield arm(f"ada-taps-{taps}", f"model.taps={taps}", of=ada)
    yield arm("none-upstream", "model.padding=upstream", "dataset.pad=max", of=none)
    defects = "model.padding=upstream", "dataset.pad=max", "model.boundary=upstream"
    yield arm("ada-upstream", *defects, "model.norm_mlp=false", of=ada)


def longer_arm(base: str, mode: str) -> Arm:
    """An arm of the study of longer training, with the learning rate that it chose in the first study.

    The controls were not in that study: frozen filters take the rate of ada, the convolution that of plain.
    """
    arm, plain = arm_of(base, mode), arm_of(base, "none").name
    steps = f"trainer.max_steps={LONGER_STEPS}", f"trainer.val_every={LONGER_STEPS // 4}"
    rate_of = arm_of(base, {"fixed": "ada", "conv": "none"}.get(mode, mode)).name
    return Arm(f"{arm.name}-longer", arm.words + steps, f"{plain}-longer", rate_of)


def _pretrained(data: str, mode: str) -> Iterator[Arm]:
    """From scratch for half of the steps, and the two halves of pre-training.

    :mod:`scripts.evidence.pieces` adds the parents.
    """
    arm = arm_of("softmax", mode)
    half = f"trainer.max_steps={steps_of(data) // 2}"
    yield Arm(f"{arm.name}-half", (*arm.words, half), "softmax-none-half", arm.name)
    base = "softmax-none-finetuned"
    # Masked tokens are predicted where they are, however the classifier pools.
    masked = "task=masked", *(["model.pool=token"] if "pool" in experiment(data)["model"] else [])
    yield Arm(f"{arm.name}-pretrained", (*arm.words, *masked, half), base, arm.name)
    yield Arm(f"{arm.name}-finetuned", (*arm.words, half), base, arm.name)


def _studies() -> Iterator[tuple[str, Study]]:
    cells = tuple(
        Cell(data, arm_of(base, mode)) for data in DATA for base in bases_of(data) for mode in MODES
    )
    yield "cells", Study("Does wavelet space help?", cells)
    longer = tuple(
        Cell(data, longer_arm(base, mode))
        for data, bases in LONGER.items()
        for base in bases
        for mode in LONGER_MODES[data]
    )
    yield "longer", Study("Does it help where training is longer?", longer)
    references = [arm_of(base, mode) for base in ("softmax", "linear") for mode in ("none", "ada")]
    arms = (*references, *_helps("softmax"), *_helps("linear"))
    yield "helps", Study("What of it helps?", tuple(Cell(ABLATED, arm) for arm in arms))
    trained = [
        Cell(data, arm)
        for data in PRETRAINED
        for mode in PRETRAINED_MODES
        for arm in (arm_of("softmax", mode), *_pretrained(data, mode))
    ]
    yield "pretraining", Study("Does it still help when the base is pre-trained?", tuple(trained))
    long = tuple(Cell("bbc", arm_of(base, mode)) for base in bases_of("bbc") for mode in MODES)
    yield "long", Study("Does it help with texts that are really long?", long)
    lego = tuple(Cell("lego", arm_of("softmax", mode)) for mode in MODES)
    yield "lego", Study("Where does a chain break?", lego)


STUDIES: dict[str, Study] = dict(_studies())


def all_cells() -> list[Cell]:
    """The cells of all studies, without duplicates."""
    return list(dict.fromkeys(cell for study in STUDIES.values() for cell in study.cells))


def find(data: str, name: str) -> Arm:
    """The arm with a name on a data set.

    Raises:
        KeyError: No study has it.
    """
    for cell in all_cells():
        if (cell.data, cell.arm.name) == (data, name):
            return cell.arm
    raise KeyError(f"no study trains {name} on {data}")
