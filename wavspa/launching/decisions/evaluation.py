"""A run's answers to the rows of a split, by its own decision, with their scores."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from omegaconf import DictConfig

from wavspa.data import SequenceDataModule
from wavspa.data.labels import class_names
from wavspa.errors import UserError
from wavspa.launching.decisions.choose import check_words, choose, needs_validation
from wavspa.launching.decisions.decision import (
    Decision,
    read_decision,
    typed_before,
    write_decision,
)
from wavspa.launching.run.evaluate import evaluate
from wavspa.launching.run.frozen_data import check_same_data, training_card
from wavspa.reports.formats.tags import TagScores
from wavspa.reports.scores.classification import Answers
from wavspa.reports.scores.intervals import Estimates, estimate
from wavspa.tasks import Classification, Tagging
from wavspa.tasks.base import Task
from wavspa.training.callbacks.predictions import Predictions
from wavspa.training.checkpoints.read import find_checkpoint


class Evaluation(NamedTuple):
    """The result of an evaluation; only the metrics for a task without classes."""

    metrics: dict[str, float]
    step: int
    decision: Decision = Decision()
    answers: Answers | None = None
    estimates: Estimates | None = None
    tags: TagScores | None = None

    def facts(self, rows: str) -> dict[str, Any]:
        """What was evaluated and how, as values for json.

        Args:
            rows: The split or the file.
        """
        finite = {
            name: value if math.isfinite(value) else None for name, value in self.metrics.items()
        }
        facts: dict[str, Any] = {"rows": rows, "step": self.step, "metrics": finite}
        if self.answers is not None:
            facts["examples"] = len(self.answers.labels)
            facts["decision"] = {
                "temperature": self.decision.temperature,
                "threshold": self.decision.threshold,
            }
        return facts


class Evaluator:
    """Evaluates the best checkpoint of a run.

    Args:
        folder: The run's folder.
        config: Its configuration.
        task: Its task.
        data: Its data.
    """

    def __init__(
        self, folder: Path, config: DictConfig, task: Task, data: SequenceDataModule
    ) -> None:
        self._folder, self._config, self._task, self._data = folder, config, task, data
        self._classes = task.classes if isinstance(task, Classification) else None
        self._checkpoint = find_checkpoint(folder)
        self._step: int = task.load_trained(self._checkpoint)["global_step"]

    def decide(self, words: Mapping[str, str]) -> Decision:
        """Decide as typed and keep the decision; without words, read the one that the run keeps.

        Args:
            words: The values of ``threshold`` and ``temperature`` that were typed.

        Raises:
            UserError: A word or the kept decision cannot be used.
        """
        check_words(words, self._classes)
        if not words:
            return read_decision(self._folder, self._step)
        words = {**typed_before(self._folder), **words}
        validation = self._validation() if needs_validation(words) else None
        decision = choose(words, self._step, self._names(), validation)
        write_decision(self._folder, decision)
        return decision

    def evaluate(self, rows: Any, split: str, decision: Decision, resamples: int) -> Evaluation:
        """Evaluate some rows.

        Args:
            rows: The DataModule that holds them.
            split: ``train``, ``val`` or ``test``.
            decision: How logits become classes.
            resamples: Number of resamples for the intervals.

        Raises:
            UserError: The checkpoint's answers are not finite.
        """
        metrics, predictions = self._run(rows, split)
        if not predictions:
            return Evaluation(metrics, self._step, tags=self._tags(metrics))
        logits, labels = _arrays(predictions)
        if bad := int((~np.isfinite(logits)).any(axis=1).sum()):
            raise UserError(
                f"{self._checkpoint} answers {bad} of {len(logits)} examples with numbers that are not "
                "finite: train it with a lower optimizer.lr"
            )
        classes = decision.classes(logits)
        answers = Answers(labels, decision.probabilities(logits), classes, self._names())
        return Evaluation(metrics, self._step, decision, answers, estimate(answers, resamples))

    def _tags(self, metrics: Mapping[str, float]) -> TagScores | None:
        if not isinstance(self._task, Tagging) or (counted := self._task.counted) is None:
            return None
        by_type = counted.by_type() if counted.tagset.has_entities else None
        return TagScores(counted.tagset.names, counted.confusion, by_type, metrics)

    def _validation(self) -> tuple[np.ndarray, np.ndarray]:
        self._data.prepare_data()
        check_same_data(self._folder, self._data, ["val"])
        _, predictions = self._run(self._data, "val")
        return _arrays(predictions)

    def _run(self, rows: Any, split: str) -> tuple[dict[str, float], Predictions]:
        predictions = Predictions(keep_logits=True)
        trainer = self._config.trainer
        callbacks = [predictions] if self._classes else []
        metrics = evaluate(self._task, rows, trainer, split, callbacks)
        return metrics, predictions

    def _names(self) -> list[str]:
        assert self._classes is not None
        return class_names(training_card(self._folder, self._data), self._classes)


def _arrays(predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Logits [n, C] in float64, and labels [n]."""
    return predictions.logits.double().numpy(), predictions.labels.numpy()
