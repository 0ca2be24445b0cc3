"""Options of sbatch that are typed as sbatch has them are answered with what to type here."""

import shlex
import sys

import pytest

from support.tiny_runs import tiny_words
from wavspa.commands import train
from wavspa.launching.slurm.sbatch_names import sbatch_hint

LIST = "'hydra.launcher.sbatch=[\"--qos=long\"]'"
SLURM = "for hydra/launcher=slurm"
WORDS = {
    "sbatch=--qos=long": f"sbatch=--qos=long must be a list of strings: type {LIST}",
    "hydra.launcher.sbatch=--qos=long": (
        f"hydra.launcher.sbatch=--qos=long must be a list of strings: type {LIST}"
    ),
    "hydra.launcher.sbatch=[--qos=long,--constraint=a100]": (
        "hydra.launcher.sbatch=[--qos=long,--constraint=a100] must be a list of strings: type "
        '\'hydra.launcher.sbatch=["--qos=long","--constraint=a100"]\''
    ),
    "qos=long": f"qos=long is written {LIST} {SLURM}",
    "--qos=long": f"--qos=long is written {LIST} {SLURM}",
    "hydra.launcher.qos=long": f"hydra.launcher.qos=long is written {LIST} {SLURM}",
    "nodes=2": f"nodes=2 is written trainer.num_nodes=2 {SLURM}",
    "hydra.launcher.nodes=2": f"hydra.launcher.nodes=2 is written trainer.num_nodes=2 {SLURM}",
    "mem=32G": f"mem=32G is written hydra.launcher.memory=32G {SLURM}",
    "+hydra.launcher.mem=32G": f"hydra.launcher.mem=32G is written hydra.launcher.memory=32G {SLURM}",
    "time=8:00:00": f"time=8:00:00 is written hydra.launcher.time=8:00:00 {SLURM}",
    "hydra.launcher.time=zz": "hydra.launcher.time must be minutes, hours:minutes:seconds or days-hours, "
    "such as 240, 4:00:00 or 2-12, got 'zz'",
    "hydra.launcher.memory={digits:lots}": (
        "hydra.launcher.memory.digits must be a number with a unit, such as 32G, got 'lots'"
    ),
    "hydra.launcher.max_batch_size=500": (
        f"hydra.launcher.max_batch_size=500 is written hydra.launcher.array_size=500 {SLURM}"
    ),
}


def said(monkeypatch, capfd, *words):
    """The one line of a command that ends with code 2."""
    monkeypatch.setattr(sys, "argv", ["wavspa-train", *words])
    with pytest.raises(SystemExit) as end:
        train.main()
    assert end.value.code == 2
    (line,) = capfd.readouterr().err.splitlines()
    return line.removeprefix("error: ")


@pytest.mark.parametrize("word", WORDS)
def test_the_right_way_is_named(tmp_path, monkeypatch, capfd, word):
    words = ["-m", *tiny_words(tmp_path), "hydra/launcher=slurm", word]
    assert said(monkeypatch, capfd, *words) == WORDS[word]
    assert not (tmp_path / "runs").exists()


def test_what_is_named_for_gpus_is_one_word_each():
    line = sbatch_hint("gres=gpu:a100:4")
    assert (
        shlex.split(line.partition("written ")[2])[2] == "hydra.launcher.gpus='--gres=gpu:{gpus}'"
    )
    assert sbatch_hint("memory=3") is None
