"""decision.json: the temperature and threshold with which a run turns logits into classes."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from wavspa import atomic
from wavspa.errors import UserError
from wavspa.run_folder import layout


class Decision(NamedTuple):
    """How logits become probabilities, and probabilities a class.

    Attributes:
        temperature: Logits are divided by it.
        threshold: Class 1 of two is chosen from this probability on; None: the most probable class.
        words: The words that were typed for both, such as ``fit`` and ``best:f1``, to choose again.
        step: The step of the checkpoint that they were chosen for.
        facts: Facts about the choice, such as the score that was reached.
    """

    temperature: float = 1.0
    threshold: float | None = None
    words: dict[str, str] = {}  # noqa: RUF012 - never changed
    step: int | None = None
    facts: dict[str, Any] = {}  # noqa: RUF012 - never changed

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """The probabilities [n, C] of logits [n, C]."""
        scaled = torch.from_numpy(logits / logits.dtype.type(self.temperature))
        found: np.ndarray = scaled.softmax(-1).numpy()
        return found

    def classes(self, logits: np.ndarray) -> np.ndarray:
        """The class [n] chosen for each row of logits [n, C]."""
        if self.threshold is None:
            most_probable: np.ndarray = logits.argmax(axis=1)
            return most_probable
        return (self.probabilities(logits)[:, 1] >= self.threshold).astype(np.int64)

    def described(self, names: Sequence[str]) -> str:
        """The decision in a few words; empty if it is simply the most probable class.

        Args:
            names: The names of the classes.
        """
        parts = []
        if self.temperature != 1.0:
            parts.append(f"temperature {self.temperature:.4g}")
        if self.threshold is not None:
            parts.append(f"{names[1]} from a probability of {self.threshold:.4g}")
        return ", ".join(parts)


def read_decision(folder: Path, step: int) -> Decision:
    """The decision that a run keeps; the most probable class if it keeps none.

    Args:
        folder: The run's folder.
        step: The step of the checkpoint that answers.

    Raises:
        UserError: The file is damaged, or the decision was made for another checkpoint.
    """
    decision = _read(folder)
    if decision is None:
        return Decision()
    if decision.step != step:
        words = " ".join(f"{key}={value}" for key, value in decision.words.items())
        raise UserError(
            f"{folder / layout.DECISION} was chosen for the checkpoint of step {decision.step}, but the "
            f"best one is now that of step {step}: choose again with wavspa-evaluate run={folder} {words}, "
            "or remove it"
        )
    return decision


def typed_before(folder: Path) -> dict[str, str]:
    """The words from which the run's decision was made; empty if it keeps none."""
    decision = _read(folder)
    return {} if decision is None else decision.words


def write_decision(folder: Path, decision: Decision) -> None:
    """Keep a decision in the run's folder."""
    text = json.dumps(decision._asdict(), indent=2) + "\n"
    atomic.write_text(folder / layout.DECISION, text)


def _read(folder: Path) -> Decision | None:
    path = folder / layout.DECISION
    if not path.exists():
        return None
    try:
        content = Decision(**json.loads(path.read_text(encoding="utf-8")))
        threshold = None if content.threshold is None else float(content.threshold)
        return content._replace(temperature=float(content.temperature), threshold=threshold)
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} is damaged ({error}); remove it, and decide again") from error
