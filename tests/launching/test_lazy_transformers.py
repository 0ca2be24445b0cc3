"""A start waits for nothing that it may not use: neither for torch before its options are read, nor for
transformers, which torchmetrics would import; who wants it has it."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

pytest.importorskip("transformers")

PROGRAM = """
import sys
import wavspa.commands
import wavspa.commands.compose

assert "hydra" in sys.modules
assert not {"torch", "pytorch_lightning"} & set(sys.modules)

import wavspa.launching.run.worker
from pytorch_lightning import Trainer

assert "torchmetrics" in sys.modules
assert "transformers" not in sys.modules

from torchmetrics.functional.text.bert import AutoModel

assert AutoModel.__name__ == "AutoModel"
try:
    AutoModel.from_pretrained("/nowhere")
except OSError as error:  # the answer of transformers itself
    print(error)
from transformers import AutoModel as own
assert own is not AutoModel
import wavspa.exports.transformers
"""


def test_what_a_run_imports_comes_when_it_is_used():
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
