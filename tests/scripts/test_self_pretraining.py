"""The script that compares self-pre-training with training from scratch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wavspa.run_folder.status import read_status

SCRIPT = Path(__file__).parents[2] / "scripts/self_pretraining.sh"
SMALL = ["dataset.limit=40", "model.dim=16", "trainer.val_every=2"]


@pytest.mark.slow
def test_it_trains_each_arm_with_the_same_steps_and_can_be_typed_again(tmp_path):
    commands = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    chosen = {"STEPS": "4", "SEEDS": "1", "DATA": "digits", "PATH": commands}

    def typed():
        done = subprocess.run(
            ["bash", SCRIPT, *SMALL],
            cwd=tmp_path,
            env={**os.environ, **chosen},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    printed = typed()
    runs = tmp_path / "runs/self_pretraining"
    steps = {
        arm: [
            read_status(folder)["step"]
            for folder in (runs / arm).iterdir()
            if folder.name != "report"
        ]
        for arm in ("scratch", "pretrained", "finetuned")
    }
    assert steps == {"scratch": [4], "pretrained": [2], "finetuned": [2]}
    assert "init: new: head.0.weight" in printed
    assert "started from the weights of" in (runs / "report/table.md").read_text()
    again = typed()
    assert again.count("finished: ") == 3
    assert "starting" not in again
