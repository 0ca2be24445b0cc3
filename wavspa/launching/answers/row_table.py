"""A table of a test's first rows: each input, its label, the prediction and its probability."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from wavspa.data import SequenceDataModule
from wavspa.data.decode import picture, symbols
from wavspa.data.labels import class_names
from wavspa.data.text_datamodule import Texts
from wavspa.launching.answers.targets import LabelColumns, NumberColumns, target_columns
from wavspa.tasks import Classification, Seq2Seq
from wavspa.tasks.base import Task
from wavspa.tasks.seq2seq import Text
from wavspa.tasks.targets.base import TargetTask
from wavspa.training.callbacks.first_rows import FirstRow

LONGEST = 1000
"""Characters of a text that are shown; an ellipsis replaces the rest."""


class RowTable(NamedTuple):
    """A table whose cells are numbers, booleans, texts or pictures [side, side] uint8."""

    columns: list[str]
    rows: list[list[Any]]


def row_table(
    task: Task, data: SequenceDataModule, first: Sequence[FirstRow], most: int
) -> RowTable | None:
    """The table for a task that has been tested.

    Args:
        task: The task.
        data: Its data, with the vocabulary opened.
        first: The first rows of its test.
        most: The largest number of rows in the table.

    Returns:
        The table; None for a task whose rows have no label to predict.
    """
    if isinstance(task, Seq2Seq):
        return _of_texts(task.texts[:most])
    if not isinstance(task, Classification | TargetTask) or not first:
        return None
    inputs = [tuple(_shown(data, tokens) for tokens in row.inputs) for row in first]
    outputs, labels = (np.stack([row[place] for row in first]) for place in (2, 1))
    found = (
        _of_classes(class_names(data.training_card, task.classes), outputs, labels)
        if isinstance(task, Classification)
        else _of_targets(task, data, outputs, labels)
    )
    return _with_inputs(inputs, found)


def _of_classes(names: Sequence[str], logits: np.ndarray, labels: np.ndarray) -> RowTable:
    probabilities = torch.from_numpy(logits).softmax(dim=1).numpy()
    classes = probabilities.argmax(axis=1)
    rows = [
        [names[label], names[number], float(of_classes[number]), bool(label == number)]
        for label, number, of_classes in zip(labels, classes, probabilities, strict=True)
    ]
    return RowTable(["label", "prediction", "probability", "right"], rows)


def _of_targets(
    task: TargetTask, data: SequenceDataModule, outputs: np.ndarray, labels: np.ndarray
) -> RowTable:
    answers = target_columns(task, data, data.training_card)
    predicted = [column.to_pylist() for column in answers.of(outputs)]
    if isinstance(answers, LabelColumns):
        true = answers.joined(labels > 0)
        right = [one == other for one, other in zip(true, predicted[0], strict=True)]
        names = ["label", "prediction", *answers.names[1:], "right"]
        columns = [true, *predicted, right]
    else:
        assert isinstance(answers, NumberColumns)
        errors = np.array(predicted).T - labels
        names, columns = [], []
        for place, name in enumerate(answers.targets):
            names += [f"label_{name}", f"predicted_{name}", f"error_{name}"]
            columns += [labels[:, place].tolist(), predicted[place], errors[:, place].tolist()]
    return RowTable(names, [list(row) for row in zip(*columns, strict=True)])


def _of_texts(texts: Sequence[Text]) -> RowTable:
    columns = ["row", "source", "label", "prediction", "score", "right"]
    rows = [
        [
            number,
            _cut(text.source or ""),
            _cut(text.reference or ""),
            _cut(text.text),
            text.score,
            text.text == text.reference,
        ]
        for number, text in enumerate(texts)
    ]
    return RowTable(columns, rows)


def _with_inputs(inputs: Sequence[tuple[Any, ...]], table: RowTable) -> RowTable:
    kind = "text" if isinstance(inputs[0][0], str) else "picture"
    sides = [kind] if len(inputs[0]) == 1 else [f"{kind}{side}" for side in (1, 2)]
    rows = [
        [number, *shown, *row]
        for number, (shown, row) in enumerate(zip(inputs, table.rows, strict=True))
    ]
    return RowTable(["row", *sides, *table.columns], rows)


def _shown(data: SequenceDataModule, tokens: np.ndarray) -> str | np.ndarray:
    """Tokens in readable form: a picture, a text, or the size of a series."""
    if tokens.ndim > 1:
        steps, numbers = tokens.shape
        return f"{steps} steps of {numbers} numbers"
    if (pixels := picture(data, tokens)) is not None:
        scaled: np.ndarray = pixels * 255 // max(int(pixels.max()), 1)
        return scaled.astype(np.uint8)
    if isinstance(data, Texts):
        return _cut(data.tokenizer.decode(tokens.tolist()))
    return _cut(" ".join(symbols(data, tokens)))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
