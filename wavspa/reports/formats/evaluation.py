"""An evaluation, in the terminal and as files."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from wavspa import atomic
from wavspa.reports.formats.tags import TagScores
from wavspa.reports.number_format import UNDEFINED, count
from wavspa.reports.scores.classification import BINS, Answers, confusion
from wavspa.reports.scores.intervals import LEVEL, Estimate, Estimates
from wavspa.run_folder import layout

# Largest number of classes that the terminal shows; evaluation.json has all.
MOST_CLASSES = 20
TITLES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "mcc": "MCC",
    "average_precision": "average precision",
    "auroc": "AUROC",
    "brier": "Brier score",
    "nll": "negative log likelihood",
    "ece": "calibration error",
}
OF_A_CLASS = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "average_precision": "avg. precision",
    "auroc": "AUROC",
}
CALIBRATION = (
    f"expected, of the most probable class, in {BINS} bins of equal width (L1, torchmetrics)"
)


def print_evaluation(answers: Answers, estimates: Estimates, decision: str, out: Console) -> None:
    """Print the scores of each class and the overall scores.

    Args:
        answers: The answers.
        estimates: Their scores.
        decision: The rule by which classes are decided, in a few words.
        out: Where to print.
    """
    examples = len(answers.labels)
    out.print(_by_class(answers, estimates))
    if len(answers.names) > MOST_CLASSES:
        out.print(f"the first {MOST_CLASSES} of {len(answers.names)} classes")
    out.print(_overall(estimates, f"{count(examples)} examples"))
    for line in _notes(answers.names, estimates, decision):
        out.print(line, highlight=False, markup=False, soft_wrap=True)


def write_evaluation(
    folder: Path,
    facts: Mapping[str, Any],
    answers: Answers | None,
    estimates: Estimates | None,
    tags: TagScores | None = None,
) -> list[Path]:
    """Write evaluation.json, for classes confusion.csv and predictions.csv too, and for tags confusion.csv.

    Args:
        folder: The folder to write to; it is created if necessary.
        facts: What was evaluated, and how.
        answers: The answers of a run that classifies.
        estimates: Their scores.
        tags: The scores of a run that tags words.

    Returns:
        The written files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = dict(facts)
    texts = {}
    if answers is not None and estimates is not None:
        content |= {**estimates.plain(answers.names), "calibration_error": CALIBRATION}
        texts = {
            layout.CONFUSION: _confusion_text(answers),
            layout.PREDICTIONS: _predictions_text(answers),
        }
    if tags is not None:
        content |= tags.plain()
        texts = {layout.CONFUSION: tags.confusion_text()}
    texts[layout.EVALUATION_FILE] = json.dumps(content, indent=2, allow_nan=False) + "\n"
    for name, text in texts.items():
        atomic.write_text(folder / name, text)
    return [folder / name for name in texts]


def evaluated_rows(folder: Path) -> str | None:
    """The split or file whose results a folder holds; None if it holds none that can be read."""
    try:
        facts = json.loads((folder / layout.EVALUATION_FILE).read_text(encoding="utf-8"))
        return str(facts["rows"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _by_class(answers: Answers, estimates: Estimates) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("class")
    for title in OF_A_CLASS.values():
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("examples", justify="right")
    shown = list(zip(answers.names, estimates.per_class, strict=True))[:MOST_CLASSES]
    for number, (name, of_class) in enumerate(shown):
        cells = [_cell(of_class[key]) for key in OF_A_CLASS]
        table.add_row(escape(name), *cells, count(int((answers.labels == number).sum())))
    return table


def _overall(estimates: Estimates, title: str) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column(title)
    table.add_column("value", justify="right", no_wrap=True)
    for name, heading in TITLES.items():
        table.add_row(heading, _cell(estimates.overall[name]))
    return table


def _notes(names: Sequence[str], estimates: Estimates, decision: str) -> list[str]:
    notes = [f"calibration error: {CALIBRATION}"]
    if len(names) == 2:
        notes.append(f"average precision and AUROC: of {names[1]}")
    else:
        notes.append("average precision and AUROC: each class against the rest, mean over classes")
    if estimates.resamples:
        share = f"{100 * LEVEL:.0f} %"
        notes.append(f"in brackets: {share} interval, {count(estimates.resamples)} resamples")
    if decision:
        notes.append(f"decided by: {decision}")
    return notes


def _cell(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return UNDEFINED
    if estimate.interval is None:
        return f"{estimate.value:.4f}"
    low, high = estimate.interval
    # Brackets would otherwise be markup of rich.
    return escape(f"{estimate.value:.4f} [{low:.4f}, {high:.4f}]")


def _confusion_text(answers: Answers) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["true class", *answers.names])
    for name, row in zip(answers.names, confusion(answers), strict=True):
        writer.writerow([name, *row.tolist()])
    return text.getvalue()


def _predictions_text(answers: Answers) -> str:
    labels, probabilities, predicted, names = answers
    named = np.array(names, dtype=object)
    table = pa.table(
        [
            pa.array(range(len(labels))),
            pa.array(named[labels], pa.string()),
            pa.array(named[predicted], pa.string()),
            pa.array(labels == predicted),
            *(pa.array(column) for column in probabilities.T.copy()),
        ],
        ["row", "label", "class", "right", *(f"probability_{name}" for name in names)],
    )
    buffer = io.BytesIO()
    pyarrow.csv.write_csv(table, buffer)
    return buffer.getvalue().decode()
