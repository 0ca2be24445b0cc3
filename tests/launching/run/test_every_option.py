"""Every option of conf with impossible values: refused in one line that names it, before a folder is made."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from support.tiny_runs import compose_run, with_sizes_of_any_data
from wavspa.config_options import flatten
from wavspa.errors import UserError
from wavspa.launching.run import prepare as preparing
from wavspa.launching.run.prepare import checked, prepare

pytestmark = pytest.mark.slow

# Choices that between them have every option.
BASES: Mapping[str, tuple[str, ...]] = {
    "digits": (),
    "upstream": ("model/attention=performer", "optimizer=adamw_original"),
    "stopping": ("callbacks=early_stopping",),
    "wandb": ("logger=wandb",),
    "rsqrt": ("schedule=rsqrt",),
    "linear": ("schedule=linear",),
    "one_cycle": ("schedule=one_cycle",),
    "wsd": ("schedule=wsd",),
    "plateau": ("schedule=plateau",),
    "constant": ("schedule=constant",),
    "lego": ("dataset=lego", "task=lego"),
    "listops": ("dataset=listops_short",),
    "files": ("dataset=files", "dataset.train=train.csv"),
    "pairs": ("dataset=file_pairs", "dataset.train=train.csv"),
    "bpe": ("dataset=files", "dataset.train=train.csv", "tokenizer=bpe"),
    "pathfinder": ("dataset=lra/pathfinder32",),
    "embedding": ("dataset=codexglue/poj104",),
    "clones": ("dataset=codexglue/clone",),
    "text": ("dataset=lra/text",),
    "characters": ("dataset=files", "dataset.train=train.csv", "tokenizer=characters"),
    "tensorboard": ("logger=tensorboard",),
    "mlflow": ("logger=mlflow",),
    "trackio": ("logger=trackio",),
    "debug": ("trainer=debug",),
    "torch": ("optimizer=torch", "optimizer.kind=SGD"),
    "lion": ("optimizer=lion",),
    "muon": ("optimizer=muon",),
    "adafactor": ("optimizer=adafactor",),
    "schedule_free": ("optimizer=schedule_free",),
    "ema": ("callbacks=ema",),
    "swa": ("callbacks=swa",),
    "d2a": ("dataset=d2a/trace",),
    "masked": ("task=masked",),
    "seq2seq": ("dataset=file_seq2seq", "dataset.train=train.csv"),
    "series": ("dataset=series", "dataset.train=train.csv"),
    "tagging": ("dataset=tagging", "dataset.train=train.conll"),
    "multilabel": ("dataset=files", "dataset.train=train.csv", "task=multilabel"),
    "regression": ("dataset=files", "dataset.train=train.csv", "task=regression"),
    "docstrings": ("dataset=docstrings",),
    "summarization": ("dataset=codexglue/summarization",),
    "translation": ("dataset=codexglue/translation",),
    "gpt2": ("dataset=docstrings", "tokenizer=gpt2"),
}

MAPPING, LIST = {"a": 1}, [[1]]
# Of the kind of the value that an option has: what it can never be.
WRONG: Mapping[type, tuple[Any, ...]] = {
    bool: ("no", "off", "false", 1, None, MAPPING, LIST),
    int: ("word", "", True, -1, 0.5, MAPPING, LIST),
    float: ("word", "", True, -1, MAPPING, LIST),
    str: (True, MAPPING, LIST),
    list: (1, True, MAPPING),
    type(None): (MAPPING, [[[]]]),
}

# What is legal though it looks wrong.
LEGAL: Mapping[str, tuple[Any, ...]] = {
    "task.class_weights": (
        MAPPING,
    ),  # by label; the labels are held to the data once they are there
    "trainer.devices": (-1,),  # all of the machine, in Lightning's words
    "trainer.profile": (1,),  # a number of steps
    "trainer.deterministic": (None,),  # as Lightning has it
    # Shares and fractions where the default is a whole number.
    "trainer.overfit_batches": (0.5,),
    "schedule.warmup": (0.5,),
    "schedule.decay": (0.5,),
    "callbacks.average.start": (0.5,),
    "checkpoints.every_minutes": (0.5,),
}

# `init=RUN` is what is typed.
TYPED_AS = {"init.from": "init"}


@cache
def composed(words: tuple[str, ...]) -> DictConfig:
    """Their configuration, composed once for all its options: whoever changes it takes a copy."""
    return compose_run(*words)


def keys_of(words: tuple[str, ...]) -> Iterator[str]:
    """The options that a configuration gives a value, and does not take from another."""
    content = OmegaConf.to_container(composed(words), resolve=False)
    for key, value in flatten(content):
        refers = isinstance(value, str) and "${" in value
        if not refers and key.rpartition(".")[2] not in ("_target_", "_partial_"):
            yield key


def options() -> dict[str, str]:
    """Each option once, with the choices that it comes with."""
    found: dict[str, str] = {}
    for base, words in BASES.items():
        for key in keys_of(words):
            found.setdefault(key, base)
    return found


def with_value(config: DictConfig, key: str, value: Any) -> DictConfig:
    config = config.copy()
    OmegaConf.update(config, key, value, merge=False)
    return config


OPTIONS = options()
CONF = Path(__file__).parents[3] / "conf"
# common.yaml is what others are made of; an encoder is chosen by a task.
CHOICES = sorted(
    path
    for path in CONF.glob("*/**/*.yaml")
    if path.stem != "common"
    and not {"hydra", "experiment", "encoder"} & set(path.relative_to(CONF).parts)
)


@pytest.fixture(autouse=True)
def no_data(monkeypatch):
    monkeypatch.setattr(preparing, "resolve_from_data", with_sizes_of_any_data)


@pytest.mark.parametrize("key", OPTIONS)
def test_impossible_values_are_refused_by_name(key, tmp_path):
    config = composed(BASES[OPTIONS[key]]).copy()
    config.update(runs=str(tmp_path / "runs"), data_root=str(tmp_path))
    value = OmegaConf.select(config, key) if not OmegaConf.is_missing(config, key) else "word"
    kind = list if OmegaConf.is_list(value) else type(value)
    for wrong in WRONG[kind]:
        if wrong in LEGAL.get(key, ()):
            continue
        with pytest.raises(UserError) as refused:
            prepare(with_value(config, key, wrong), [])
        line, typed = str(refused.value), TYPED_AS.get(key, key)
        assert line.startswith((typed, "_target_")) or f" {typed} " in line, (wrong, line)
        assert "\n" not in line, (wrong, line)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("key", LEGAL)
def test_what_is_excepted_is_accepted(key, tmp_path):
    config = composed(BASES[OPTIONS[key]]).copy()
    config.update(data_root=str(tmp_path))
    for value in LEGAL[key]:
        checked(with_value(config, key, value), [])


@pytest.mark.parametrize("path", CHOICES, ids=lambda path: str(path.relative_to(CONF)))
def test_every_option_is_among_them(path):
    group = path.parent.relative_to(CONF)
    top = Path(*group.parts[:2]) if group.parts[0] == "model" else Path(group.parts[0])
    choice = path.relative_to(CONF / top).with_suffix("")
    assert set(keys_of((f"{top}={choice}",))) <= set(OPTIONS)
