"""A short form of scripts/kills.py: a real SIGKILL to the process group of two ranks."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[2] / "scripts" / "kills.py"


def test_a_killed_run_ends_as_if_nothing_had_happened(tmp_path):
    command = [sys.executable, SCRIPT, "--kills", "2", "--folder", tmp_path, "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.match(r"2 kills, (\d) of \1 final states bit-identical", done.stdout.splitlines()[-1])
