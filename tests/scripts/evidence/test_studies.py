"""The studies: their arms, and what is left of them to train."""

import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.evidence import bbc
from scripts.evidence.collect import collect
from scripts.evidence.cost import cpu_seconds, measure_length
from scripts.evidence.jobs import start
from scripts.evidence.load import load
from scripts.evidence.pieces import (
    Settings,
    chosen_rate,
    command_of,
    pieces,
    runs_of,
    untried,
    words_of,
)
from scripts.evidence.run import chosen, main
from scripts.evidence.studies import STUDIES, Cell, arm_of, find
from support.evidence_runs import one_cell, write_arm, write_run
from support.tiny_runs import compose_run, with_sizes_of_any_data
from wavspa.launching.run.build import build
from wavspa.launching.run.validate import validate

COMPOSED = ("softmax", "linear-none", "linear-ada")
ARMS = {(cell.data, cell.arm.name): cell for study in STUDIES.values() for cell in study.cells}


@pytest.mark.slow
@pytest.mark.parametrize("data", sorted({data for data, _ in ARMS}))
def test_every_arm_can_be_trained(data):
    for cell in (ARMS[key] for key in ARMS if key[0] == data and key[1].startswith(COMPOSED)):
        words = [w for w in words_of(cell, Settings(Path("runs"))) if "experiment_name" not in w]
        validate(with_sizes_of_any_data(compose_run(*words)))


def test_wide_and_deep_bases_have_the_parameters_of_ada():
    def parameters(name):
        words = [*find("digits", name).words, "experiment=evidence/digits"]
        model = build(compose_run(*words), "model")
        return sum(parameter.numel() for parameter in model.parameters())

    for base in ("softmax", "linear"):
        ada = parameters(f"{base}-ada")
        assert abs(parameters(f"{base}-wide") - ada) < 0.001 * ada
        assert abs(parameters(f"{base}-deep") - ada) < 0.01 * ada
        assert parameters(f"{base}-none") < 0.7 * ada


def test_first_the_learning_rate_is_selected_then_the_other_seeds_are_trained(settings):
    study = one_cell("digits", "softmax-ada")
    (cell,) = study.cells
    (first,) = pieces(study, settings)
    assert command_of(first)[-2:] == ["optimizer.lr=0.003,0.01", "seed=1"]
    assert command_of(first)[:3] == ["wavspa-train", "-m", "experiment=evidence/digits"]
    assert f"runs={settings.runs / 'digits'}" in first.words
    write_run(settings, cell, "0.003", val=0.5)
    write_run(settings, cell, "0.01", val=0.7)
    assert chosen_rate(cell, settings) is None
    (second,) = pieces(study, settings)
    assert (second.rates, second.seeds) == (["0.03"], (1,))
    write_run(settings, cell, "0.03", val=0.6)
    assert chosen_rate(cell, settings) == "0.01"
    (third,) = pieces(study, settings)
    assert (third.rates, third.seeds) == (["0.01"], [2, 3])
    for seed in (2, 3):
        write_run(settings, cell, "0.01", seed)
    assert not list(pieces(study, settings))
    (more,) = pieces(study, replace(settings, seeds=()))
    assert more.seeds == [4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ["0.003", "0.01"]),
        ({"0.01": 0.5}, ["0.003"]),
        ({"0.003": 0.6, "0.01": 0.5}, ["0.001"]),
        ({"0.003": 0.5, "0.01": 0.6}, ["0.03"]),
        ({"0.001": 0.4, "0.003": 0.5, "0.01": 0.6}, ["0.03"]),
        ({"0.003": 0.5, "0.01": 0.6, "0.03": 0.7}, []),
        ({"0.001": 0.7, "0.003": 0.6, "0.01": 0.5}, []),
    ],
)
def test_the_best_learning_rate_has_better_neighbours_nowhere(values, expected):
    assert untried(values) == expected


def test_runs_of_other_words_are_not_taken_for_those_of_a_study(settings):
    (cell,) = one_cell("digits", "softmax-ada").cells
    write_run(settings, cell, words=[*words_of(cell, settings), "trainer.max_steps=7"])
    assert runs_of(cell, settings) == {}
    (settings.runs / "digits/softmax-ada/0.001-1/status.json").write_text('{"state": "failed"}')
    assert runs_of(cell, settings) == {}


def test_an_ablation_takes_the_learning_rate_of_the_arm_that_it_is_of(settings):
    study = STUDIES["helps"]._replace(cells=(Cell("digits", find("digits", "softmax-ada-shared")),))
    (first,) = pieces(study, settings)
    assert first.cell.arm.name == "softmax-ada"
    write_arm(settings, "digits", "softmax-ada", [0.6], rate="0.003")
    (second,) = pieces(study, settings)
    assert second.cell.arm.name == "softmax-ada-shared"
    assert (second.rates, list(second.seeds)) == (["0.003"], [1, 2, 3])


@pytest.mark.parametrize(
    ("mode", "rate"), [("none", "0.003"), ("ada", "0.001"), ("fixed", "0.001"), ("conv", "0.003")]
)
def test_longer_training_takes_the_learning_rate_of_the_first_study(settings, mode, rate):
    name = f"softmax-{mode}-longer"
    study = STUDIES["longer"]._replace(cells=(Cell("text", find("text", name)),))
    write_arm(settings, "text", "softmax-none", [0.6], rate="0.003")
    write_arm(settings, "text", "softmax-ada", [0.6], rate="0.001")
    (piece,) = pieces(study, settings)
    assert piece.rates == [rate]
    assert {f"model/wavelet={mode}", "trainer.max_steps=2000"} <= set(piece.words)


def test_both_halves_of_pretraining_have_half_of_the_steps_and_the_same_seed(settings):
    write_arm(settings, "digits", "softmax-ada", [0.6])
    names = ("softmax-ada-pretrained", "softmax-ada-finetuned")
    cells = tuple(Cell("digits", find("digits", name)) for name in names)
    found = list(pieces(STUDIES["pretraining"]._replace(cells=cells), settings))
    assert len(found) == 6
    assert all("trainer.max_steps=200" in piece.words for piece in found)
    assert {"task=masked", "name=s1"} <= set(found[0].words)
    parent = settings.runs / "digits/softmax-ada-pretrained/s3"
    assert {f"init={parent}", "name=s3"} <= set(found[-1].words)


def test_parts_of_the_studies_can_be_chosen():
    parts = dict(chosen("cells", "digits", None))
    assert list(parts) == ["cells"]
    assert len(parts["cells"].cells) == 20
    assert [len(s.cells) for _, s in chosen(None, None, "softmax-conv")] == [0, 0, 1, 0, 0, 0]


def test_the_time_and_signals_stop_what_a_command_started(tmp_path):
    child = "import pathlib, time; pathlib.Path('began').write_text(''); time.sleep(60)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    began = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        start([sys.executable, "-c", "import time; time.sleep(60)"], until=began)
    script = (
        "import sys\n"
        "from scripts.evidence.jobs import Stopped, listen, start\n"
        "listen()\n"
        "try:\n"
        f"    start([sys.executable, '-c', {parent!r}], float('inf'))\n"
        "except Stopped:\n"
        "    sys.exit(7)\n"
    )
    root = Path(__file__).parents[3]
    program = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        stderr=subprocess.DEVNULL,
    )
    while not (tmp_path / "began").exists():
        time.sleep(0.01)
        assert program.poll() is None
    program.send_signal(signal.SIGTERM)
    assert program.wait() == 7


def test_news_are_read_from_a_package(tmp_path, monkeypatch):
    wheel = tmp_path / "news.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in (("tech/2", "b"), ("tech/1", "é".encode()), ("art/1", b"\xff")):
            archive.writestr(f"{bbc.FOLDER}{name}.txt", text)
        archive.writestr("other.txt", "")
    with pytest.raises(ValueError, match=r"must hold 2,225 texts .* got 3"):
        bbc.rows(wheel)
    monkeypatch.setattr(bbc, "TEXTS", 3)
    expected = [("\ufffd", "art"), ("é", "tech"), ("b", "tech")]
    assert [(row["text"], row["label"]) for row in bbc.rows(wheel)] == expected


def test_a_layer_s_cost_is_measured():
    seconds, mebibytes = measure_length("linear", "ada", 256)
    assert seconds > 0
    assert mebibytes >= 0
    done = []
    cpu_seconds(lambda: done.append(1), least=0.0, times=3)
    assert len(done) == 3


@pytest.mark.slow
def test_a_cell_is_trained_collected_and_found_again(tmp_path, capfd):
    words = ["trainer.max_steps=2", "trainer.val_every=1", "dataset.limit=32"]
    kept = tmp_path / "results"
    places = [
        "--runs",
        str(tmp_path / "runs"),
        "--results",
        str(kept),
        "--data-root",
        str(tmp_path),
    ]
    typed = ["--study", "cells", "--data", "digits", "--arm", "softmax-ada", *places]
    previous = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        for expected in (2, 0):  # two learning rates, then a neighbour of the better
            with pytest.raises(SystemExit) as ended:
                main([*typed, "--seeds", "1", "--", *words])
            assert ended.value.code == 0
            assert capfd.readouterr().out.count("$ wavspa-train") == expected
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), previous, strict=True):
            signal.signal(number, handler)
    settings = Settings(tmp_path / "runs", str(tmp_path), kept, seeds=(1,), extra=tuple(words))
    assert collect(settings) == 1
    results = load(kept)
    assert set(results.runs["digits", "softmax-ada"]) == {1}
    assert str(tmp_path) not in "".join(path.read_text() for path in kept.rglob("*.yaml"))
    assert arm_of("softmax", "ada") == find("digits", "softmax-ada")
