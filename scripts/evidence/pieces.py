"""The pieces of a study: ``wavspa-train`` commands that take minutes, and which of them are done."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from scripts.evidence.load import RESULTS, best_rate, read_rates
from scripts.evidence.studies import (
    FIRST_RATES,
    RATES,
    Arm,
    Cell,
    Study,
    find,
    seeds_of,
)
from wavspa.reports.runs.collect import Run, read_run
from wavspa.run_folder import layout

# Options for where a run is, not for what it is; init=RUN is recorded as init.from.
PLACES = ("runs", "data_root", "jobs", "init.from", "name")
PHASES = ("pretrained", "finetuned")


@dataclass(frozen=True)
class Settings:
    """Where runs and data are, and options added to every command (to try the machinery).

    Runs in ``results`` count as trained: their folders may be gone, or on another machine.
    """

    runs: Path
    data_root: str | None = None
    results: Path = RESULTS
    jobs: int = 2
    seeds: Sequence[int] = ()
    extra: tuple[str, ...] = ()

    def seeds_of(self, cell: Cell) -> Sequence[int]:
        """The seeds that were named, or all seeds of the cell."""
        return self.seeds or seeds_of(cell)


class Piece(NamedTuple):
    """A command, and the learning rates and seeds that it trains."""

    cell: Cell
    words: list[str]
    rates: Sequence[str]
    seeds: Sequence[int]


def words_of(cell: Cell, settings: Settings) -> list[str]:
    """The options that all runs of a cell share, as typed."""
    words = [f"experiment=evidence/{cell.data}", f"experiment_name={cell.arm.name}"]
    return [*words, *cell.arm.words, *settings.extra]


def places_of(cell: Cell, settings: Settings) -> list[str]:
    """The options for where a cell's runs and data are."""
    root = [f"data_root={settings.data_root}"] if settings.data_root else []
    return [f"runs={settings.runs / cell.data}", *root]


def runs_of(cell: Cell, settings: Settings) -> dict[tuple[str, int], Run]:
    """The finished runs of a cell by learning rate and seed, without those trained with other options.

    If a run is both collected and in its own folder, the folder wins.
    """
    typed = _shaping(words_of(cell, settings))
    found = {}
    for path in (*_configs(settings.results / "runs", cell), *_configs(settings.runs, cell)):
        run = read_run(path.parent)
        if run.state != "finished":
            continue
        rest = [w for w in _shaping(run.config["frozen"]["overrides"]) if not w.startswith(_OWN)]
        if sorted(rest) == sorted(typed):
            found[_rate(run.config["optimizer"]["lr"]), run.config["seed"]] = run
    return found


def chosen_runs(cell: Cell, settings: Settings) -> dict[int, Run]:
    """The finished runs of a cell with its chosen learning rate, by seed."""
    rate = chosen_rate(cell, settings)
    return {seed: run for (of, seed), run in runs_of(cell, settings).items() if of == rate}


def chosen_rate(cell: Cell, settings: Settings) -> str | None:
    """The learning rate of an arm: the best one tried, on validation with the first seed.

    None while a run needed for the choice is missing.
    """
    if cell.arm.rate_of is not None:
        return chosen_rate(Cell(cell.data, find(cell.data, cell.arm.rate_of)), settings)
    values = selection(cell, settings)
    return None if untried(values) else best_rate(values)


def untried(values: Mapping[str, float]) -> list[str]:
    """The learning rates that an arm still has to try.

    Args:
        values: The validation results of those already tried.
    """
    if missing := [rate for rate in FIRST_RATES if rate not in values]:
        return missing
    best = RATES.index(best_rate(values))
    return [rate for rate in RATES[max(best - 1, 0) : best + 2] if rate not in values]


def selection(cell: Cell, settings: Settings) -> dict[str, float]:
    """The validation results of the tried rates with the first seed, the lowest rate first."""
    runs, seed = runs_of(cell, settings), settings.seeds_of(cell)[0]
    collected = read_rates(settings.results).get((cell.data, cell.arm.name), {})
    values = {}
    for rate in RATES:
        best = runs[rate, seed].status.get("best") if (rate, seed) in runs else None
        if best:
            values[rate] = best["value"]
        elif rate in collected:
            values[rate] = collected[rate]
    return values


def pieces(study: Study, settings: Settings) -> Iterator[Piece]:
    """The missing pieces of a study, in order; request each one when those before it are done."""
    for cell in study.cells:
        yield from _selecting(cell, settings)
        rate = chosen_rate(cell, settings)
        if rate is None:
            continue  # its runs failed, which has been reported
        done = chosen_runs(cell, settings)
        missing = [seed for seed in settings.seeds_of(cell) if seed not in done]
        if _phase(cell.arm):
            for seed in missing:
                yield from _parent(cell, settings, rate, seed)
                yield _piece(cell, settings, [rate], [seed])
        elif missing:
            yield _piece(cell, settings, [rate], missing)


def parent_of(arm: str) -> str | None:
    """The arm whose runs are the pre-training of an arm's; None if it is trained from scratch."""
    name, _, phase = arm.rpartition("-")
    return f"{name}-{PHASES[0]}" if phase == PHASES[1] else None


def command_of(piece: Piece) -> list[str]:
    """The command of a piece as typed: a run, or a sweep."""
    sweep = ["-m"] if len(piece.rates) * len(piece.seeds) > 1 else []
    grid = [f"optimizer.lr={','.join(piece.rates)}", f"seed={','.join(map(str, piece.seeds))}"]
    return ["wavspa-train", *sweep, *piece.words, *grid]


def executable(command: Sequence[str]) -> list[str]:
    """A command as this environment runs it."""
    return [sys.executable, "-m", "wavspa.commands.train", *command[1:]]


def _selecting(cell: Cell, settings: Settings) -> Iterator[Piece]:
    """The missing runs for choosing a cell's learning rate, which may be another arm's."""
    if cell.arm.rate_of is not None:
        cell = Cell(cell.data, find(cell.data, cell.arm.rate_of))
    before = None
    while (rates := untried(selection(cell, settings))) and rates != before:
        yield _piece(cell, settings, rates, settings.seeds_of(cell)[:1])
        before = rates  # failures are reported, and not tried again


def _parent(cell: Cell, settings: Settings, rate: str, seed: int) -> Iterator[Piece]:
    """The pre-training that a fine-tuning starts from, if only its results are left."""
    parent_arm = parent_of(cell.arm.name)
    if parent_arm is None or _parent_folder(cell, settings, seed).exists():
        return
    parent = Cell(cell.data, find(cell.data, parent_arm))
    if (rate, seed) in runs_of(parent, settings):
        yield _piece(parent, settings, [rate], [seed])


def _piece(cell: Cell, settings: Settings, rates: Sequence[str], seeds: Sequence[int]) -> Piece:
    words = [*words_of(cell, settings), *places_of(cell, settings)]
    if phase := _phase(cell.arm):
        (seed,) = seeds
        words.append(f"name=s{seed}")
        if phase == PHASES[1]:
            words.append(f"init={_parent_folder(cell, settings, seed)}")
    elif len(rates) * len(seeds) > 1:
        words.append(f"jobs={settings.jobs}")
    return Piece(cell, words, rates, seeds)


def _parent_folder(cell: Cell, settings: Settings, seed: int) -> Path:
    return settings.runs / cell.data / str(parent_of(cell.arm.name)) / f"s{seed}"


def _configs(runs: Path, cell: Cell) -> list[Path]:
    return sorted((runs / cell.data / cell.arm.name).glob(f"*/{layout.CONFIG}"))


def _phase(arm: Arm) -> str | None:
    """Which half of pre-training an arm is, or None."""
    ending = arm.name.rpartition("-")[2]
    return ending if ending in PHASES else None


_OWN = ("optimizer.lr=", "seed=")


def _shaping(words: Sequence[str]) -> list[str]:
    return [word for word in words if word.partition("=")[0] not in PLACES]


def _rate(rate: float) -> str:
    return next((typed for typed in RATES if float(typed) == rate), str(rate))
