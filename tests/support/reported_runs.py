"""Folders as runs leave them, written in milliseconds: nothing is composed or trained."""

import json
from copy import deepcopy
from functools import cache
from pathlib import Path

import yaml
from omegaconf import OmegaConf

from support.tiny_runs import TINY, compose_run
from wavspa.run_folder import layout
from wavspa.run_folder.status import update_status
from wavspa.training.loggers.metrics_csv import MetricsCsv

SPLITS = {"test": {"examples": 4, "labels": {"0": 3, "1": 1}}}


@cache
def _config() -> dict:
    return OmegaConf.to_container(compose_run(*TINY))


def frozen_run(root: Path, seed: int = 1, **values: object) -> Path:
    """The folder of a run that has not started; ``values`` are keys with ``__`` for each dot."""
    config = deepcopy(_config()) | {"seed": seed}
    for key, value in values.items():
        *above, last = key.split("__")
        place = config
        for part in above:
            place = place[part]
        place[last] = value
    model = config["model"]
    parts = [config["dataset"]["name"], model["attention"], model["wavelet"]]
    parts += [f"{key.rpartition('__')[2]}{value}" for key, value in values.items()]
    cell = "-".join(map(str, parts))
    words = [f"{key.replace('__', '.')}={value}" for key, value in values.items()]
    config["frozen"] = {"hash": f"{cell}-{seed}", "cell": cell, "version": "0.1.0", "commit": "abc"}
    config["frozen"]["overrides"] = [*words, f"seed={seed}"]
    folder = root / f"{cell}-s{seed}"
    folder.mkdir(parents=True)
    (folder / layout.CONFIG).write_text(yaml.safe_dump(config))
    return folder


def finish(folder: Path, accuracy: float, steps: int = 6, **card: object) -> Path:
    """Fill a run's folder with results as a finished run leaves them."""
    logger = MetricsCsv(folder)
    for step in range(steps):
        logger.log_metrics({"val/accuracy": accuracy * (step + 1) / steps, "epoch": 0}, step=step)
    update_status(
        folder,
        state="finished",
        step=steps,
        best={"metric": "val/accuracy", "value": accuracy, "step": steps},
        test={"test/loss": 1.0, "test/accuracy": accuracy},
        parameters=1234,
        seconds_per_step=0.05,
        peak_memory=500 * 2**20,
        device="x86_64 CPU, 1 thread",
    )
    (folder / layout.CARD).write_text(json.dumps({"splits": SPLITS, **card}))
    return folder
