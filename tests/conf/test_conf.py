"""Every file of conf/ composes, and what it describes can be built."""

import json
from itertools import cycle
from pathlib import Path

import pytest
import wavspa.conf
from tokenizers.pre_tokenizers import ByteLevel

from support.tiny_runs import compose_run, with_sizes_of_any_data
from support.trackio_stand_in import stand_in_for_trackio
from wavspa.errors import UserError
from wavspa.launching.run.build import build
from wavspa.launching.run.validate import validate

CONF = Path(wavspa.conf.__file__).parent
# Launchers and sweepers have tests of their own, in tests/launching/.
NOT_CHOSEN = {
    "train",
    "model/common",
    "trainer/common",
    "hydra/launcher/local",
    "hydra/launcher/ray",
    "hydra/launcher/slurm",
    "hydra/sweeper/grid",
    "hydra/sweeper/optuna",
}
FILES = sorted(
    name
    for path in CONF.rglob("*.yaml")
    if (name := path.relative_to(CONF).with_suffix("").as_posix()) not in NOT_CHOSEN
)
GROUPS = ("model/attention", "model/wavelet")
NESTED = (*GROUPS, "model/encoder")
# What a choice needs beside it.
BESIDE = {
    **{
        f"dataset={name}": ["dataset.train=train.csv"]
        for name in ("files", "file_pairs", "file_seq2seq", "series", "tagging")
    },
    **{
        f"task={name}": ["dataset=docstrings"]
        for name in ("seq2seq", "summarization", "translation")
    },
    "model/encoder=series": ["dataset=series", "dataset.train=train.csv"],
    "model/encoder=seq2seq": ["dataset=docstrings"],
    "experiment=generation/summarization": ["dataset.tokenizer.folder=."],
    **{
        f"task={name}": ["dataset=files", "dataset.train=train.csv"]
        for name in ("multilabel", "regression")
    },
    "task=tagging": ["dataset=tagging", "dataset.train=train.conll"],
    "task=matching": ["dataset=lra/retrieval"],
    "task=clones": ["dataset=codexglue/clone", "dataset.classes=2"],
    "task=embedding": ["dataset=codexglue/poj104"],
    "model/encoder=dual": ["dataset=lra/retrieval"],
    "model/encoder=embedding": ["dataset=codexglue/poj104"],
    "model/encoder=masked": ["task=masked"],
    "model/encoder=token": ["dataset=lego"],
    "task=detection": ["dataset.classes=2"],
    "task=lego": ["dataset=lego"],
    "optimizer=torch": ["optimizer.kind=SGD"],
    **{f"tokenizer={name}": ["dataset=lra/text"] for name in ("bpe", "bytes", "characters")},
    "tokenizer=gpt2": ["dataset=lra/text", "dataset.tokenizer.folder=."],
}


def choice(name: str) -> str:
    """The command line's word that chooses the file of this name."""
    group = next((g for g in NESTED if name.startswith(g + "/")), name.partition("/")[0])
    return f"{group}={name.removeprefix(group + '/')}"


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_every_option_composes_and_validates(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_vocabulary(tmp_path)
    word = choice(name)
    if word == "logger=trackio":
        stand_in_for_trackio(monkeypatch)
    validate(with_sizes_of_any_data(compose_run(*BESIDE.get(word, []), word)))


def write_vocabulary(folder):
    """GPT-2's two files, without a merge."""
    vocabulary = {character: i for i, character in enumerate(sorted(ByteLevel.alphabet()))}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")


def test_a_task_brings_its_kind_of_model():
    assert compose_run("task=matching").model._target_ == "wavspa.DualEncoder"
    assert compose_run("task=embedding", "model=tiny").model.classes is None
    chosen = compose_run("task=matching", "model/encoder=classifier")
    assert chosen.model._target_ == "wavspa.Encoder"


def test_every_cell_sets_its_flat_keys():
    names = [[path.stem for path in sorted((CONF / group).glob("*.yaml"))] for group in GROUPS]
    assert [len(group) for group in names] == [5, 8]
    # Each file sets its own key alone, so each once is enough.
    for attention, wavelet in zip(cycle(names[0]), names[1], strict=False):
        config = compose_run(f"model/attention={attention}", f"model/wavelet={wavelet}")
        assert (config.model.attention, config.model.wavelet) == (attention, wavelet)


@pytest.mark.parametrize("name", ["cpu", "debug", "ddp"])
def test_trainers_build_on_a_cpu(name):
    config = compose_run(f"trainer={name}", "trainer.accelerator=cpu", "trainer.devices=1")
    trainer = build(config, "trainer", logger=False)
    assert trainer.max_steps == config.trainer.max_steps
    assert trainer.val_check_interval == config.trainer.val_every


@pytest.mark.parametrize("name", ["gpu", "fsdp", "tpu"])
def test_trainers_of_absent_devices_are_refused(name):
    config = compose_run(f"trainer={name}")
    if name != "tpu" and pytest.importorskip("torch").cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(UserError, match=r"^trainer"):
        build(config, "trainer", logger=False)


def test_loggers_build(tmp_path):
    for name in ("tensorboard", "wandb", "mlflow", "trackio"):
        config = compose_run(f"logger={name}", "name=some")
        assert build(config, f"logger.{name}", save_dir=str(tmp_path)).save_dir == str(tmp_path)


def test_an_experiment_wins_over_groups_and_loses_to_the_command_line():
    config = compose_run("experiment=demo/digits", "trainer.max_steps=7")
    assert config.trainer.max_steps == 7
    assert config.experiment_name == "demo"
    assert config.model.dim == compose_run("model=tiny").model.dim
