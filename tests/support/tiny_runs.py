"""Runs of seconds: a tiny model, a few digits, a few steps."""

from pathlib import Path

from hydra import compose, initialize_config_module
from omegaconf import DictConfig

from wavspa.launching.run.prepare import prepare
from wavspa.launching.run.worker import run

TINY = [
    "model=tiny",
    "model.dim=16",
    "model.mlp_dim=16",
    "model.taps=4",
    "dataset.limit=50",
    "dataset.batch_size=16",
    "trainer.max_steps=6",
    "trainer.val_every=3",
    "trainer.log_every_n_steps=2",
    "schedule.warmup=0.34",
]


def compose_run(*overrides: str) -> DictConfig:
    """The configuration of ``wavspa-train`` with these overrides."""
    with initialize_config_module("wavspa.conf", version_base="1.3"):
        return compose("train", list(overrides))


def tiny_words(tmp_path: Path, *overrides: str) -> list[str]:
    """The command line's words of a tiny run that lives in ``tmp_path``."""
    places = [f"runs={tmp_path / 'runs'}", f"data_root={tmp_path / 'data'}"]
    changed = {word.lstrip("+").partition("=")[0] for word in overrides}
    if "trainer.max_epochs" in changed:
        changed.add("trainer.max_steps")
    kept = [word for word in TINY if word.partition("=")[0] not in changed]
    return [*kept, *places, *overrides]


def tiny_run(tmp_path: Path, *overrides: str) -> Path:
    """The folder of a tiny run, frozen and not started."""
    words = tiny_words(tmp_path, *overrides)
    return prepare(compose_run(*words), words)


def finished_run(tmp_path: Path, *overrides: str) -> Path:
    """The folder of a tiny run of three steps that has been trained and tested."""
    folder = tiny_run(tmp_path, "trainer.max_steps=3", *overrides)
    run(folder)
    return folder


def with_sizes_of_any_data(config: DictConfig) -> DictConfig:
    """A copy with what wavspa-train looks up in the data where the configuration says auto."""
    config = config.copy()
    for key in ("vocab_size", "classes", "inputs"):
        if config.dataset.get(key) == "auto":
            config.dataset[key] = 300
    if config.dataset.get("scheme") == "auto":
        config.dataset.scheme = "lenient"
    if config.task.get("rate") == "auto":
        config.task.rate = 0.15
    return config
