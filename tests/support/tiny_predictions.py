"""What ``wavspa-predict`` writes, and what a run's status says, to be held against each other."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wavspa.commands.predict import predict

Rows = Sequence[dict[str, str]]


def predicted(folder: Path, place: Path, **words: object) -> Rows:
    """The rows of the csv that the command writes for a run, into ``place``."""
    typed = {key: str(value) for key, value in words.items()}
    predict({"run": str(folder), "output": str(place / "out.csv"), **typed})
    with (place / "out.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def probabilities(rows: Rows) -> np.ndarray:
    """[n, C] float32."""
    return _columns(rows, "probability_")


def embeddings(rows: Rows) -> np.ndarray:
    """[n, W] float32."""
    return _columns(rows, "embedding_")


def share_of_hits(rows: Rows, column: str) -> np.float32:
    """How often the class is what ``column`` holds."""
    return np.float32(sum(row["class"] == row[column] for row in rows) / len(rows))


def score_of(folder: Path, metric: str) -> np.float32:
    """A metric of the run's own test."""
    status = json.loads((folder / "status.json").read_text())
    return np.float32(status["test"][f"test/{metric}"])


def _columns(rows: Rows, beginning: str) -> np.ndarray:
    names = [name for name in rows[0] if name.startswith(beginning)]
    return np.array([[row[name] for name in names] for row in rows], np.float32)
