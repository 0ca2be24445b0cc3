"""Collect what tables and figures need from finished runs: ``python -m scripts.evidence.collect``.

It adds new runs to ``results/``, and drops those that no study contains any longer::

    runs/DATA/ARM/sSEED/   config.yaml, status.json, card.json, metrics.csv (of evaluations), run.json (facts)
    rates.csv              the validation result of each learning rate that was tried
    filters.npz            filters of some runs before and after training
    cost/                  lengths.csv, steps.csv

Paths on the training machine are removed.
"""

import argparse
import csv
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from scripts.evidence.load import RESULTS
from scripts.evidence.pieces import Settings, chosen_runs, runs_of, selection
from scripts.evidence.studies import all_cells
from wavspa.errors import UserError
from wavspa.launching.analysis.trained_run import TrainedRun
from wavspa.launching.record.record import read_starts
from wavspa.launching.run.freeze import read_config
from wavspa.reports.runs.collect import Run, read_run
from wavspa.run_folder import layout
from wavspa.run_folder.metrics import FIXED_COLUMNS, read_rows

RUNS = Path("runs/evidence")
FILES = (layout.CONFIG, layout.STATUS, layout.CARD, layout.METRICS, layout.RECORD)
# The paths of all files of a results folder.
WRITTEN = re.compile(
    r"rates\.csv|filters\.npz|cost/[^/]+\.csv|runs/[^/]+/[^/]+/s\d+/"
    f"({'|'.join(map(re.escape, FILES))})"
)
KEPT_METRICS = ("val/", "test/", "energy/", "orthogonality/")
PACKAGES = ("torch", "numba", "numpy", "PyWavelets", "pytorch-lightning")
FILTERS = [
    *(
        (data, f"softmax-{mode}")
        for data in ("digits", "image", "text")
        for mode in ("ada", "ortho")
    ),
    ("digits", "softmax-conv"),
]


def collect(settings: Settings) -> int:
    """Write the results of finished runs, and keep those collected before.

    Returns:
        The number of runs.

    Raises:
        UserError: The results' folder holds something else, or a damaged run, which would be lost.
    """
    place = settings.results.resolve()  # a link stays, and what it leads to is replaced
    refuse_others(place)
    refuse_damage(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        made = Path(folder) / "results"
        kept = _write(settings, made)
        _replace(place, made)
    return kept


def refuse_others(results: Path) -> None:
    """Refuse a folder that holds a file which is not collected.

    Raises:
        UserError: It does, or is not a folder.
    """
    if results.exists() and not results.is_dir():
        raise UserError(f"--results must be a folder, got the file {results}")
    for path in results.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            continue
        if not WRITTEN.fullmatch(path.relative_to(results).as_posix()):
            raise UserError(
                f"--results {results} would be replaced, but {path} is not a collected result; "
                "choose a new folder, or move the file"
            )


def refuse_damage(results: Path) -> None:
    """Refuse a folder that holds an incomplete or damaged run.

    Raises:
        UserError: It does.
    """
    for folder in sorted(results.glob("runs/*/*/*")):
        missing = [name for name in FILES if not (folder / name).exists()]
        run = read_run(folder)
        if missing or run.state != "finished":
            damage = run.damage or (f"{missing[0]} is missing" if missing else run.state)
            raise UserError(
                f"{folder} would be lost: {damage}; restore it, or delete the folder and collect again"
            )


def has_any(settings: Settings) -> bool:
    """Whether the runs' folder holds a finished run of a study, or costs."""
    return any((settings.runs / "cost").glob("*.csv")) or any(
        run.folder.is_relative_to(settings.runs)
        for cell in all_cells()
        for run in runs_of(cell, settings).values()
    )


def _replace(place: Path, made: Path) -> None:
    """Let a new folder take the place of an old one, which is deleted last."""
    old = place.with_name(f".{place.name}.{os.getpid()}.old")
    try:
        if place.exists():
            place.rename(old)
        made.rename(place)
    except BaseException:
        if old.exists() and not place.exists():
            old.rename(place)
        raise
    if old.exists():
        shutil.rmtree(old)


def was_collected(run: Run, settings: Settings) -> bool:
    """Whether only the results of a run are left."""
    return run.folder.is_relative_to(settings.results)


def _write(settings: Settings, results: Path) -> int:
    results.mkdir()
    places = {str(settings.runs): "runs", str(settings.runs.absolute()): "runs"}
    if settings.data_root:
        places[settings.data_root] = "DATA_ROOT"
    kept, rates = 0, []
    for cell in all_cells():
        runs = chosen_runs(cell, settings)
        if cell.arm.rate_of is None:
            values = selection(cell, settings)
            rates += [[cell.data, cell.arm.name, rate, value] for rate, value in values.items()]
        for seed in settings.seeds_of(cell):
            if run := runs.get(seed):
                folder = results / "runs" / cell.data / cell.arm.name / f"s{seed}"
                if was_collected(run, settings):
                    shutil.copytree(run.folder, folder)
                else:
                    keep(run, folder, places)
                kept += 1
    if kept:
        _write_csv(results / "rates.csv", ["data", "arm", "rate", "best_val"], rates)
        filters = dict(_filters(settings))
        if filters:
            np.savez_compressed(results / "filters.npz", allow_pickle=False, **filters)
    for costs in (settings.results / "cost", settings.runs / "cost"):
        for path in sorted(costs.glob("*.csv")):
            (results / "cost").mkdir(exist_ok=True)
            shutil.copyfile(path, results / "cost" / path.name)
    return kept


def keep(run: Run, folder: Path, places: Mapping[str, str]) -> None:
    """Write the needed parts of a run, without paths of the machine."""
    folder.mkdir(parents=True)
    words = [
        w
        for w in run.config["frozen"]["overrides"]
        if not w.startswith(("runs=", "data_root=", "jobs="))
    ]
    # The configuration also contains the resolved data root.
    roots = {**places, str(Path(run.config["dataset"]["data_root"]).absolute()): "DATA_ROOT"}
    config = run.config | {"frozen": run.config["frozen"] | {"overrides": words}}
    files = {
        layout.CONFIG: yaml.safe_dump(config, sort_keys=False),
        layout.STATUS: json.dumps(run.status, indent=1) + "\n",
        layout.CARD: json.dumps(run.card, indent=1) + "\n",
        layout.METRICS: _metrics(run.folder / layout.METRICS),
        layout.RECORD: json.dumps(facts(run.folder), indent=1) + "\n",
    }
    for name, text in files.items():
        for place, word in sorted(roots.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(place, word)
        # A card names the file and the command that prepared the data, with their paths.
        text = re.sub(r"(read from |wavspa-run )/[^ \"]*/", r"\1", text)
        (folder / name).write_text(text, encoding="utf-8")


def facts(folder: Path) -> dict[str, Any]:
    """The commit, hardware and versions that trained a run."""
    told: dict[str, Any] = {}
    for start in read_starts(folder):
        told |= start
    machine, packages = told.get("machine", {}), told.get("packages", {})
    return {
        "commits": [each["commit"] for each in told.get("git", {}).values()],
        "clean": not any(each["diff"] for each in told.get("git", {}).values()),
        "processor": machine.get("processor"),
        "threads": machine.get("threads"),
        "python": told.get("python"),
        "packages": {name: packages.get(name) for name in PACKAGES},
    }


def _metrics(path: Path) -> str:
    """The columns of evaluations, in the rows that contain some."""
    columns, rows = read_rows(path)
    evaluated = [name for name in columns if name.startswith(KEPT_METRICS)]
    kept = [row for row in rows if any(row[name] for name in evaluated)]
    text = io.StringIO()
    names = [*FIXED_COLUMNS, *evaluated]
    writer = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(kept)
    return text.getvalue()


def _filters(settings: Settings) -> Iterator[tuple[str, np.ndarray]]:
    path = settings.results / "filters.npz"
    collected: dict[str, np.ndarray] = {}
    if path.exists():
        with np.load(path, allow_pickle=False) as arrays:
            collected = dict(arrays)
    cells = {(cell.data, cell.arm.name): cell for cell in all_cells()}
    for data, arm in FILTERS:
        cell = cells[data, arm]
        run = chosen_runs(cell, settings).get(settings.seeds_of(cell)[0])
        if run is None:
            continue
        if was_collected(run, settings):
            prefix = f"{data}|{arm}|"
            yield from ((key, of) for key, of in collected.items() if key.startswith(prefix))
            continue
        for layer in TrainedRun(run.folder, read_config(run.folder), "val").filters:
            yield f"{data}|{arm}|{layer.title}|learned", layer.learned
            if layer.initial is not None:
                yield f"{data}|{arm}|{layer.title}|initial", layer.initial


def _write_csv(path: Path, columns: list[str], rows: list[list[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])


def main(words: Sequence[str] | None = None) -> None:
    """Collect, and print the number and size of the results."""
    parser = argparse.ArgumentParser(prog="python -m scripts.evidence.collect", description=__doc__)
    parser.add_argument("--runs", type=Path, help=f"the folder of the runs (default: {RUNS})")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(words)
    settings = Settings(options.runs or RUNS, results=options.results)
    # Without runs, what was collected before is only renewed; not if their folder was typed.
    renews = options.runs is None and any(options.results.glob("*"))
    if not renews and not has_any(settings):
        parser.error(
            f"--runs {settings.runs} holds neither a finished run of a study nor costs; "
            "python -m scripts.evidence.run makes them"
        )
    try:
        kept = collect(settings)
    except UserError as error:
        parser.error(str(error))
    size = sum(path.stat().st_size for path in options.results.rglob("*") if path.is_file())
    print(f"{kept} runs, {size / 1e6:.1f} MB: {options.results}")


if __name__ == "__main__":
    main()
