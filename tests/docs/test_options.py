"""The page of options is whole: every file and key of conf/, each with what it means."""

import re
from pathlib import Path

import pytest
import yaml

from options import PAGE as COMMITTED
from options import options_page
from wavspa.launching.options.conf_files import read_files
from wavspa.launching.options.meanings import meanings_of

ROOT = Path(__file__).parents[2]
FILES = read_files()
PAGE = options_page()
ROWS = re.findall(r"^\| `([^`]+)` \| (.*?) \| (.*?) \|$", PAGE, flags=re.MULTILINE)


def dotted(content, prefix=""):
    """Every key with a value of its own, below the keys of its file."""
    for key, value in content.items():
        if key in ("defaults", "_target_", "_partial_"):
            continue
        if isinstance(value, dict) and value:
            yield from dotted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def test_the_committed_page_is_current():
    assert COMMITTED.read_text() == PAGE, "type: make options"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "conf").rglob("*.yaml")), ids=lambda path: path.stem
)
def test_every_key_of_a_file_is_on_the_page(path):
    place = path.relative_to(ROOT / "conf").with_suffix("").as_posix()
    content = yaml.safe_load(path.read_text()) or {}
    keys = [key for key, _, _ in ROWS]
    for key in dotted(content):
        assert any(f".{name}".endswith(f".{key}") for name in keys), f"{place}: {key}"
    assert place == "train" or any(place.endswith(name) for name in keys), place


def test_every_option_and_every_file_says_what_it_is():
    assert [(key.file, key.name) for key, text in meanings_of(FILES).items() if not text] == []
    assert [file.name for file in FILES if file.group and not file.purpose] == []


def test_defaults_are_those_of_the_files():
    # The groups come before the experiments, which set some options anew.
    defaults = {key: default for key, default, _ in reversed(ROWS)}
    assert defaults["trainer.max_steps"] == "`2000` (common)<br>`100` (debug)"
    assert defaults["optimizer.betas"] == "`[0.9, 0.999]` (adamw)<br>`[0.9, 0.98]` (adamw_original)"
    assert defaults["dataset.limit"] == "`null`"


def test_presets_are_on_the_page():
    for preset in ("paper/image/wavspa-exp0", "paper/text/wavspa-exp2-lift"):
        assert f"| `{preset}` " in PAGE


def test_a_docstring_tells_what_a_base_of_its_class_takes():
    meanings = {key: text for key, _, text in ROWS}
    assert "Filter length" in meanings["model.taps"]
    assert "softmax" in meanings["model.attention"]
