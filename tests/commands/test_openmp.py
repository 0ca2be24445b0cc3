"""How OpenMP's threads wait in every command, which OpenMP reads when torch is loaded."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
import wavspa.commands.run
print(os.environ["OMP_WAIT_POLICY"], "torch" in sys.modules)
"""


@pytest.mark.parametrize(("yours", "policy"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_wait_asleep_unless_the_user_says_otherwise(yours, policy):
    environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    if yours:
        environment["OMP_WAIT_POLICY"] = yours
    command = [sys.executable, "-c", PROGRAM]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert printed.stdout.split() == [policy, "False"]
