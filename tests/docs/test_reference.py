"""The reference has every public name of the library and of the framework's parts, and no dead one."""

import re
from importlib import import_module
from pathlib import Path

import pytest

import wavspa
import wavspa.attention
import wavspa.data
import wavspa.models.upstream
import wavspa.tasks
import wavspa.wavelets

FOLDER = Path(__file__).parents[2] / "docs/reference"
NAMES = [
    name
    for page in ("library", "framework")
    for name in re.findall(r"^::: (\S+)$", (FOLDER / f"{page}.md").read_text(), re.MULTILINE)
]
# Constants, and what a batch consists of: told where they are used.
INNER = {"__version__", "BASES", "MODES", "BOUNDARIES", "Example", "PairExample", "Seq2SeqExample"}
INNER |= {"AttentionFactory", "WaveletFactory"}


def named(path):
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_exists_and_is_described(name):
    assert named(name).__doc__


@pytest.mark.parametrize(
    "part",
    [wavspa, wavspa.wavelets, wavspa.attention, wavspa.models.upstream, wavspa.data, wavspa.tasks],
    ids=lambda part: part.__name__,
)
def test_every_public_name_is_there(part):
    found = [named(name) for name in NAMES]
    missing = [name for name in part.__all__ if not any(getattr(part, name) is o for o in found)]
    assert sorted(set(missing) - INNER) == []
