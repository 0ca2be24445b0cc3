"""The notes below the numbers."""

from collections.abc import Iterable, Sequence

from wavspa.metric_facts import direction, in_percent
from wavspa.reports import published
from wavspa.reports.runs.collect import Run
from wavspa.reports.runs.labels import is_masked, parent_of
from wavspa.reports.runs.progress import state_of
from wavspa.reports.tables.cell import Cell, short
from wavspa.reports.tables.comparison import MISPRINT, Comparison
from wavspa.reports.tables.significance import STATED


def notes(comparison: Comparison, cells: Sequence[Cell], runs: Sequence[Run]) -> list[str]:
    """Notes on what the tables mean, the level of guessing, and where caution is needed.

    Args:
        comparison: The tables.
        cells: The cells in them.
        runs: All runs.
    """
    return [
        _measure(comparison, cells),
        _bold(comparison),
        *_published(comparison),
        *_misprints(comparison),
        *chance_levels(cells),
        *_mixtures(cells),
        *_origins(cells),
        *_parents(cells),
        *_repetitions(cells),
    ]


def unfinished_runs(runs: Sequence[Run]) -> list[str]:
    """A line for each run that has not finished."""
    return [
        f"{state_of(run)}: {run.folder}: {reason(run)}" for run in runs if run.state != "finished"
    ]


def reason(run: Run) -> str:
    """Why a run has not finished, or its step."""
    return run.damage or run.status.get("reason") or f"step {run.status.get('step', 0)}"


def chance_levels(cells: Sequence[Cell]) -> list[str]:
    """A line for each data set, from its card: the accuracy of guessing, and how it was split."""
    lines = (
        f"{cell.data}: {_chance_level(run)}" for cell in cells for run in cell.finished if run.card
    )
    return list(dict.fromkeys(lines))


def _chance_level(run: Run) -> str:
    split = run.card["splits"]["test"]
    dataset, examples = run.config["dataset"], split["examples"]
    used = min(n for n in (examples, dataset.get("limit"), dataset.get("eval_limit")) if n)
    facts = [f"{used:,} {'' if used == examples else f'of {examples:,} '}test examples"]
    if "test/accuracy" in run.status["test"] and not is_masked(run):
        counts = split["labels"].values()
        likeliest = max(counts) / sum(counts)
        # Including classes that do not occur in test.
        classes = {label for of in run.card["splits"].values() for label in of["labels"]}
        facts.append(f"guessing {100 / len(classes):.1f} %")
        facts.append(f"always the most frequent class {100 * likeliest:.1f} %")
    if (control := run.card.get("root_operator_control")) and not is_masked(run):
        facts.append(f"reading the root operator alone {100 * control['test']:.1f} %")
    if protocol := run.card.get("protocol"):
        facts.append(f"protocol {protocol}: {run.card['validation']}")
    return ", ".join(facts)


def _measure(comparison: Comparison, cells: Sequence[Cell]) -> str:
    names = {data: _with_unit(metric) for data, metric in comparison.metrics.items()}
    if len(set(names.values())) == 1:
        what = f"Test {next(iter(names.values()))}"
    else:
        what = "Test metric (" + ", ".join(f"{data}: {name}" for data, name in names.items()) + ")"
    folded = any(cell.config["dataset"].get("folds") for cell in cells)
    over = "folds and seeds" if folded else "seeds"
    return (
        f"{what}, of the checkpoint that was best on the validation data: mean ± "
        f"standard deviation over the {over} that have finished (their number)."
    )


def _with_unit(metric: str) -> str:
    unit = " in %" if in_percent(metric) else ""
    return f"{short(metric)}{unit}{' (lower is better)' if direction(metric) == 'min' else ''}"


def _bold(comparison: Comparison) -> str:
    if any(entry.best for entry in comparison.entries.values()):
        return f"Bold where {STATED}."
    return f"Bold would be where {STATED}: nowhere here."


def _published(comparison: Comparison) -> list[str]:
    if not any(entry.published for entry in comparison.entries.values()):
        return []
    return [
        f"published: {published.source()}. Its data splits, budgets and seeds are not stated number by "
        "number; they are shown for orientation, not as a measurement of ours. Averages are the means of the "
        "numbers in the row."
    ]


def _misprints(comparison: Comparison) -> list[str]:
    found = {
        f"{' '.join(row)}, {column}: the published table prints {entry.misprint:.2f}; the mean of its "
        f"numbers is {entry.published:.2f}, shown here with {MISPRINT}."
        for table in comparison.tables
        for row, entries in table.rows.items()
        for column, entry in entries.items()
        if entry.misprint is not None
    }
    return sorted(found)


def _mixtures(cells: Sequence[Cell]) -> list[str]:
    lines = []
    for data, group in _by_data(cells).items():
        protocols = sorted({c.protocol for c in group if c.finished and c.protocol})
        budgets = sorted({cell.budget for cell in group if cell.finished})
        if len(protocols) > 1:
            lines.append(
                f"{data}: the table mixes the protocols {_listed(protocols)}, which do not compare."
            )
        if len(budgets) > 1:
            lines.append(
                f"{data}: the table mixes runs of {_listed(budgets)} steps, which do not compare."
            )
    return lines


def _origins(cells: Sequence[Cell]) -> list[str]:
    runs = [run for cell in cells for run in cell.runs]
    versions = sorted({_version(run) for run in runs})
    devices = sorted({device for cell in cells for device in cell.devices})
    lines = []
    if len(versions) > 1:
        lines.append(f"The runs were started with several versions of wavspa: {_listed(versions)}.")
    if devices:
        lines.append(f"Seconds and memory were measured on {_listed(devices)}.")
    return lines


def _parents(cells: Sequence[Cell]) -> list[str]:
    return [
        f"{cell.data}, {cell.label}, seed {run.config['seed']}: started from the weights of {parent}."
        for cell in cells
        for run in cell.runs
        if (parent := parent_of(run))
    ]


def _version(run: Run) -> str:
    frozen = run.config["frozen"]
    return f"{frozen.get('version') or 'unknown'} ({frozen.get('commit') or 'no commit'})"


def _repetitions(cells: Sequence[Cell]) -> list[str]:
    return [
        f"Not counted: {run.folder} repeats seed {run.config['seed']} of the same configuration."
        for cell in cells
        for run in cell.repeated
    ]


def _by_data(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.data, []).append(cell)
    return groups


def _listed(parts: Iterable[object]) -> str:
    *most, last = map(str, parts)
    return f"{', '.join(most)} and {last}" if most else last
