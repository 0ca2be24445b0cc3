"""A run's answers to its test, as wavspa-evaluate stores them, and a check that two runs share their rows."""

import json
from typing import NamedTuple

import numpy as np
import pyarrow.csv

from wavspa.errors import UserError
from wavspa.reports.runs.collect import Run
from wavspa.reports.runs.same_data import data_labels
from wavspa.reports.scores.classification import Answers
from wavspa.run_folder import layout

TEST = "test"
_PROBABILITY = "probability_"


class Answered(NamedTuple):
    """A run and its answers."""

    run: Run
    answers: Answers


def read_answers(run: Run) -> Answered:
    """Read the answers of a run to its test.

    Raises:
        UserError: It has none, they are damaged, or they belong to another checkpoint than the run's best.
    """
    folder = layout.evaluation(run.folder, TEST)
    again = f"wavspa-evaluate run={run.folder}"
    if run.damage:
        raise UserError(f"{run.folder} is damaged: {run.damage}")
    if not (folder / layout.EVALUATION_FILE).exists():
        raise UserError(f"{run.folder} has not been evaluated yet: {again}")
    try:
        facts = json.loads((folder / layout.EVALUATION_FILE).read_text(encoding="utf-8"))
        if "classes" not in facts:
            raise UserError(f"--significance compares runs that classify; {run.folder} does not")
        names, step = list(facts["classes"]), facts["step"]
        table = pyarrow.csv.read_csv(
            folder / layout.PREDICTIONS,
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={"label": pyarrow.string(), "class": pyarrow.string()},
                strings_can_be_null=False,
            ),
        )
        numbers = {name: number for number, name in enumerate(names)}
        labels, predicted = (
            np.array([numbers[name] for name in table[column].to_pylist()])
            for column in ("label", "class")
        )
        columns = [table[f"{_PROBABILITY}{name}"].to_numpy() for name in names]
    except (KeyError, TypeError, OSError, pyarrow.ArrowInvalid, json.JSONDecodeError) as error:
        raise UserError(f"{folder} is damaged ({error}): {again}") from error
    best = run.status.get("best")
    if best is not None and step != best["step"]:
        raise UserError(
            f"{folder} belongs to the checkpoint of step {step}, but the best one is now that of "
            f"step {best['step']}: {again}"
        )
    return Answered(run, Answers(labels, np.stack(columns, axis=1), predicted, names))


def check_same_rows(first: Answered, second: Answered) -> None:
    """Refuse to compare answers to different rows.

    Raises:
        UserError: The rows differ, or are in another order.
    """
    named = f"{first.run.folder} and {second.run.folder}"
    sizes = [len(one.answers.labels) for one in (first, second)]
    if sizes[0] != sizes[1]:
        raise UserError(f"{named} were tested on different rows: {sizes[0]} and {sizes[1]}")
    if list(first.answers.names) != list(second.answers.names):
        raise UserError(f"{named} were tested on different rows: their classes differ")
    different = np.flatnonzero(first.answers.labels != second.answers.labels)
    if len(different):
        row = int(different[0])
        labels = [one.answers.names[int(one.answers.labels[row])] for one in (first, second)]
        raise UserError(
            f"{named} were tested on different rows: row {row} is {labels[0]!r} and {labels[1]!r}"
        )
    if not _same_content(first.run, second.run):
        raise UserError(
            f"{named} were tested on different rows: their data are not the same files and choices"
        )


def _same_content(first: Run, second: Run) -> bool:
    """Whether the cards describe the same test rows; the same files with other tokens count as the same."""
    contents = [run.card.get("splits", {}).get(TEST, {}).get("content") for run in (first, second)]
    if contents[0] is not None and contents[0] == contents[1]:
        return True
    labels = data_labels([[first], [second]])
    return labels[0] == labels[1]
