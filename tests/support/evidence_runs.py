"""Runs of the studies as their folders hold them, and what their commands refuse."""

import json

import pytest
import yaml

from scripts.evidence.pieces import words_of
from scripts.evidence.studies import RATES, STUDIES, Cell, find


def write_run(settings, cell, rate="0.001", seed=1, val=0.5, test=0.6, words=None):
    """A finished run as its folder holds it, but for its checkpoints."""
    folder = settings.runs / cell.data / cell.arm.name / f"{rate}-{seed}"
    folder.mkdir(parents=True)
    typed = [*(words or words_of(cell, settings)), f"optimizer.lr={rate}", f"seed={seed}", "jobs=2"]
    overrides = [*typed, f"runs={settings.runs / cell.data}", "data_root=/somewhere/data"]
    if cell.arm.name.endswith("-finetuned"):  # as init=RUN is recorded
        overrides.append("init.from='/somewhere/run'")
    attention, mode = cell.arm.name.split("-")[:2]
    config = {
        "seed": seed,
        "frozen": {"cell": "c", "hash": "h", "overrides": overrides},
        "dataset": {
            "name": cell.data,
            "data_root": "/somewhere/data",
            "batch_size": 32,
            "max_length": 512,
            "eval_limit": 20,
        },
        "model": {"attention": attention, "wavelet": mode, "depth": 2, "dim": 32},
        "task": {"monitor": "val/accuracy"},
        "trainer": {"max_steps": 4},
        "optimizer": {"lr": float(rate)},
    }
    best = {"metric": "val/accuracy", "value": val, "step": 4}
    status = {"state": "finished", "step": 4, "steps": 4, "parameters": 20234, "best": best}
    status["test"] = {"test/accuracy": test} | {f"test/accuracy_{p}": test for p in range(1, 13)}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "status.json").write_text(json.dumps(status))
    splits = {
        name: {"examples": 30, "labels": {"0": 18, "1": 12}} for name in ("train", "val", "test")
    }
    (folder / "card.json").write_text(json.dumps({"splits": splits}))
    bands = [
        column
        for layer in (1, 2)
        for column in (
            *(f"energy/layer{layer}/{band}" for band in ("cA2", "cD2", "cD1")),
            f"orthogonality/layer{layer}",
        )
    ]
    columns = ",".join(["step,epoch,seconds,train/loss,val/accuracy", *bands])
    rows = [f"2,0,1.5,0.7,{',' * len(bands)}", f"4,0,2.5,,{val}{',0.5,0.25,0.25,0.125' * 2}"]
    (folder / "metrics.csv").write_text("\n".join([columns, *rows, ""]))
    start = {"git": {"/somewhere": {"commit": "0123456789", "diff": ""}}, "python": "3.11"}
    start["machine"] = {"processor": "a processor", "threads": 1}
    (folder / "run.json").write_text(json.dumps({"starts": [start | {"packages": {"torch": "2"}}]}))
    return folder


def write_arm(settings, data, name, values, rate="0.001"):
    cell = Cell(data, find(data, name))
    if cell.arm.rate_of is None:
        for other in set(RATES) - {rate}:
            write_run(settings, cell, other, 1, val=0.1)
    for seed, value in enumerate(values, start=1):
        write_run(settings, cell, rate, seed, test=value)


def one_cell(data, name):
    return STUDIES["cells"]._replace(cells=(Cell(data, find(data, name)),))


def refused(main, words, capsys):
    """The last line of a command's error, which is its own."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]
