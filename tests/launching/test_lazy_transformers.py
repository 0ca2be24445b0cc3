"""A start does not wait for transformers, which torchmetrics would import; who wants it has it."""

import subprocess
import sys

import pytest

pytest.importorskip("transformers")

START = """
import sys
import wavspa.commands
import wavspa.commands.compose
import wavspa.launching.run.worker
from pytorch_lightning import Trainer

assert "torchmetrics" in sys.modules
assert "transformers" not in sys.modules
"""
USES = """
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


@pytest.mark.parametrize("more", ["", USES], ids=["start", "use"])
def test_what_a_run_imports_leaves_transformers_out_until_it_is_used(more):
    command = [sys.executable, "-c", START + more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
