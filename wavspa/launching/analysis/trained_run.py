"""A trained run, opened for analysis."""

import itertools
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig
from torch import nn

from wavspa.data import SequenceDataModule
from wavspa.errors import UserError, first_line
from wavspa.launching.run.build import build, build_run
from wavspa.launching.run.evaluate import evaluate
from wavspa.launching.run.filters import all_filters, paired
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.frozen_data import check_same_data
from wavspa.reports.figures.filters import Filters
from wavspa.reports.runs.collect import Run, read_run
from wavspa.run_folder import layout
from wavspa.tasks import Tagging
from wavspa.tasks.targets.tags import Counted
from wavspa.training.callbacks.predictions import Predictions
from wavspa.training.checkpoints.read import find_checkpoint, load_model


class TrainedRun:
    """The contents of a run's folder, each read or computed on first access.

    Args:
        folder: The run's folder.
        config: Its configuration.
        split: The split that examples come from: ``val`` or ``test``.
    """

    def __init__(self, folder: Path, config: DictConfig, split: str) -> None:
        self.folder, self.config, self.split = folder, config, split

    @cached_property
    def run(self) -> Run:
        """The run as reports read it."""
        return read_run(self.folder)

    @cached_property
    def seeds(self) -> list[Run]:
        """The run and those next to it that differ from it only in their seed."""
        cell = self.config.frozen.cell.encode()
        above = Path(os.path.abspath(self.folder)).parent  # also if the folder is .
        paths = sorted(above.glob(f"*/{layout.CONFIG}"))
        return [read_run(path.parent) for path in paths if cell in path.read_bytes()]

    @cached_property
    def model(self) -> nn.Module:
        """The model of the best checkpoint."""
        return load_model(self.folder)

    @cached_property
    def data(self) -> SequenceDataModule:
        """The data, ready to be read."""
        data: SequenceDataModule = build(self.config, "dataset")
        data.prepare_data()
        check_same_data(self.folder, data, [self.split])
        data.setup()
        return data

    @cached_property
    def filters(self) -> list[Filters]:
        """The filters of every layer before and after training."""
        return paired(all_filters(initial_model(self.config)), all_filters(self.model))

    @cached_property
    def predictions(self) -> Predictions:
        """The best checkpoint's prediction for each example of the split."""
        task, data = build_run(self.config)
        predictions = Predictions()
        if not hasattr(task, "classes"):
            return predictions
        data.prepare_data()
        check_same_data(self.folder, data, [self.split])
        task.load_trained(find_checkpoint(self.folder))
        evaluate(task, data, self.config.trainer, self.split, [predictions])
        return predictions

    @cached_property
    def tags(self) -> Counted | None:
        """The counts of the tags that the best checkpoint predicts on the split; None for other runs."""
        task, data = build_run(self.config)
        if not isinstance(task, Tagging):
            return None
        data.prepare_data()
        check_same_data(self.folder, data, [self.split])
        task.load_trained(find_checkpoint(self.folder))
        evaluate(task, data, self.config.trainer, self.split)
        return task.counted

    def examples(self, count: int) -> Iterator[tuple[np.ndarray, Any]]:
        """The tokens [N] (for a pair, those of its first text) and labels of the split's first examples."""
        loader = self.data.val_dataloader() if self.split == "val" else self.data.test_dataloader()
        rows = (row for batch in loader for row in _rows(batch))
        return itertools.islice(rows, count)


def initial_model(config: DictConfig) -> nn.Module:
    """A bit-identical copy of a run's model before its first step."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model: nn.Module = build(config, "model")
        return model


def _rows(batch: Any) -> Iterator[tuple[np.ndarray, Any]]:
    first = getattr(batch, "tokens", None)
    tokens, lengths = (batch.tokens1, batch.lengths1) if first is None else (first, batch.lengths)
    for row, length, label in zip(tokens, lengths, batch.labels, strict=True):
        yield row[:length].numpy(), label.tolist()


def learned_filters(
    cells: Sequence[Sequence[Run]], most: int
) -> tuple[dict[Path, list[Filters]], list[str]]:
    """The filters of finished runs whose best checkpoint still exists.

    Args:
        cells: The runs of each cell. The first run of every cell is read before any second one.
        most: The largest number of runs to read.

    Returns:
        The filters of every layer by run folder, and one line for each checkpoint that cannot be read.
    """
    rounds = zip_longest(*([run for run in cell if run.state == "finished"] for cell in cells))
    filters: dict[Path, list[Filters]] = {}
    troubles = []
    for run in (run for turn in rounds for run in turn if run):
        if len(filters) == most:
            break
        if not layout.best_checkpoint(run.folder).exists():
            continue
        try:
            found = TrainedRun(run.folder, read_config(run.folder), "val").filters
        except (UserError, RuntimeError) as error:
            troubles.append(f"no filters: {run.folder}: {first_line(error)}")
            continue
        if found:
            filters[run.folder] = found
    return filters, troubles
