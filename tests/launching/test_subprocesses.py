import signal
import subprocess
import sys

import pytest

from wavspa.launching import subprocesses


def test_a_job_does_not_inherit_ranks(monkeypatch):
    for name in (
        "LOCAL_RANK",
        "RANK",
        "WORLD_SIZE",
        "MASTER_ADDR",
        "TORCHELASTIC_RUN_ID",
        "NODE_RANK",
    ):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("KEPT", "1")
    monkeypatch.setenv("MALLOC_TOP_PAD_", "1")
    environment = subprocesses.clean_environment()
    assert not {"LOCAL_RANK", "RANK", "WORLD_SIZE", "MASTER_ADDR", "NODE_RANK"} & environment.keys()
    assert "TORCHELASTIC_RUN_ID" not in environment
    assert environment["KEPT"] == "1"
    assert environment["MALLOC_TOP_PAD_"] == "1"
    assert environment["MALLOC_MMAP_THRESHOLD_"] == "4294967296"


def test_a_job_does_not_inherit_the_wandb_run(monkeypatch):
    for name in ("WANDB_RUN_ID", "WANDB_RESUME", "WANDB_NAME", "WANDB_PROJECT"):
        monkeypatch.setenv(name, "given")
    environment = subprocesses.clean_environment()
    assert {name for name in environment if name.startswith("WANDB_")} == {"WANDB_PROJECT"}


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_of_a_job_comes_back(monkeypatch, tmp_path, code):
    program = f"import sys; sys.exit({code})"
    monkeypatch.setattr(subprocesses, "_command", lambda folder: [sys.executable, "-c", program])
    assert subprocesses.run_subprocess(tmp_path) == code


def test_a_worker_that_is_stopped_stops_its_job(monkeypatch, tmp_path):
    jobs = []

    class Job(subprocess.Popen):
        """Its worker gets the signal when it has begun to wait for it."""

        def wait(self, timeout=None):
            if self not in jobs:
                jobs.append(self)
                signal.raise_signal(signal.SIGALRM)
            return super().wait(timeout)

    monkeypatch.setattr(subprocesses.subprocess, "Popen", Job)
    program = "import time; time.sleep(600)"
    monkeypatch.setattr(subprocesses, "_command", lambda folder: [sys.executable, "-c", program])
    handler = signal.signal(signal.SIGALRM, lambda *_: sys.exit(3))
    try:
        with pytest.raises(SystemExit):
            subprocesses.run_subprocess(tmp_path)
    finally:
        signal.signal(signal.SIGALRM, handler)
    assert jobs[0].returncode == -signal.SIGTERM
