"""The commands as a user types them, in processes of their own."""

import os
import re
import subprocess
import sys

import pytest

from support.tiny_runs import tiny_words
from wavspa.run_folder import layout
from wavspa.run_folder.status import read_status

pytestmark = pytest.mark.slow


def command(name, *words):
    """Run ``wavspa-<name>`` and return what it left behind."""
    return subprocess.run(
        [sys.executable, "-m", f"wavspa.commands.{name}", *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "100"},
    )


def test_train_evaluate_report_and_train_again(tmp_path):
    words = tiny_words(tmp_path, "model/wavelet=ortho")
    trained = command("train", *words)
    assert trained.returncode == 0, trained.stderr
    (config,) = (tmp_path / "runs").rglob(layout.CONFIG)
    folder = config.parent
    tested = read_status(folder)["test"]
    assert trained.stdout.splitlines()[0] == f"starting: {folder}"
    assert f"test/accuracy {tested['test/accuracy']:.4f}" in trained.stdout
    # Not a terminal: a line for each of the two validations, nothing that redraws itself.
    assert sum(line.startswith("step ") for line in trained.stderr.splitlines()) == 2
    assert "\r" not in trained.stderr

    evaluated = command("evaluate", f"run={folder}", "dataset.batch_size=7")
    assert evaluated.returncode == 0, evaluated.stderr
    assert f"test/accuracy {tested['test/accuracy']:.4f}" in evaluated.stdout
    assert f"test/loss {tested['test/loss']:.4f}" in evaluated.stdout

    figure = tmp_path / "curves.png"
    reported = command("report", tmp_path / "runs", "--figure", figure)
    assert reported.returncode == 0, reported.stderr
    assert f"{100 * tested['test/accuracy']:.2f}" in reported.stdout
    assert "ortho" in reported.stdout
    assert figure.read_bytes().startswith(b"\x89PNG")

    again = command("train", *words)
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith(f"finished: {folder}")
    anew = command("train", *words, "rerun=true")
    assert anew.stdout.startswith(f"starting: {folder}")
    assert read_status(folder)["test"] == tested


def test_a_sweep_goes_on_after_a_failed_job_and_skips_what_is_finished(tmp_path):
    # At the first rate the loss leaves all numbers, which only the job itself can know.
    words = ["-m", *tiny_words(tmp_path, "trainer.max_steps=3"), "optimizer.lr=1e30,1e-3"]
    swept = command("train", *words)
    assert swept.returncode == 1
    assert swept.stderr.splitlines()[-1].startswith("error: 1 of 2 jobs did not finish")
    states = [
        read_status(path.parent)["state"] for path in (tmp_path / "runs").rglob(layout.CONFIG)
    ]
    assert sorted(states) == ["failed", "finished"]
    rows = [line.split() for line in swept.stdout.splitlines() if line.startswith(" digits ")]
    assert [row[:4] for row in rows] == [
        ["digits", "softmax", "ada", "lr=1e+30"],
        ["digits", "softmax", "ada", "lr=0.001"],
    ]
    assert rows[0][-3:] == ["0,", "1", "failed"]
    assert "lower optimizer.lr" in swept.stdout
    assert "always the most frequent class" in swept.stdout

    again = command("train", *words)
    assert again.returncode == 1
    assert "finished: " in again.stdout.split("[2/2]")[1]


def test_a_dry_run_says_what_it_would_cost_and_writes_nothing(tmp_path):
    words = tiny_words(tmp_path, "trainer.accumulate_grad_batches=2", "dry_run=true")
    done = command("train", *words)
    assert done.returncode == 0, done.stderr
    names = [line.split("  ")[0] for line in done.stdout.splitlines()]
    assert names == ["parameters", "a step", "all steps", "memory"]
    assert re.search(r" GFLOP, [\d,]+ tokens/s$", done.stdout, re.MULTILINE)
    assert "for 6, without" in done.stdout
    assert not (tmp_path / "runs").exists()


def test_a_learning_rate_is_found_and_nothing_is_written(tmp_path):
    found = command("train", *tiny_words(tmp_path, "find=lr", "dataset.limit=500"))
    assert found.returncode == 0, found.stderr
    name, rate = found.stdout.strip().splitlines()[-1].split("=")
    assert name == "optimizer.lr"
    assert 1e-6 < float(rate) < 1
    assert not (tmp_path / "runs").exists()
