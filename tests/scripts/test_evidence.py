"""The studies: their arms, what is left of them, what is collected, and the page that is made of it."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import yaml
from matplotlib.image import imread
from scipy.stats import ttest_rel

from scripts.evidence import bbc, figures, page, paired, tables
from scripts.evidence.again import differences
from scripts.evidence.collect import collect
from scripts.evidence.cost import LENGTH_COLUMNS, STEP_COLUMNS, append, cpu_seconds, measure_length
from scripts.evidence.jobs import start
from scripts.evidence.load import load
from scripts.evidence.pieces import (
    RESULTS,
    Settings,
    chosen_rate,
    command_of,
    pieces,
    runs_of,
    untried,
    words_of,
)
from scripts.evidence.run import chosen, main
from scripts.evidence.studies import RATES, STUDIES, Cell, arm_of, find
from support.tiny_runs import compose_run, with_sizes_of_any_data
from wavspa.launching.run.build import build
from wavspa.launching.run.validate import validate

ARMS = {(cell.data, cell.arm.name): cell for study in STUDIES.values() for cell in study.cells}


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path / "runs", "/somewhere/data", tmp_path / "results")


def write_run(settings, cell, rate="0.001", seed=1, val=0.5, test=0.6, words=None):
    """A finished run as its folder holds it, but for its checkpoints."""
    folder = settings.runs / cell.data / cell.arm.name / f"{rate}-{seed}"
    folder.mkdir(parents=True)
    typed = [*(words or words_of(cell, settings)), f"optimizer.lr={rate}", f"seed={seed}", "jobs=2"]
    overrides = [*typed, f"runs={settings.runs / cell.data}", "data_root=/somewhere/data"]
    attention, mode = cell.arm.name.split("-")[:2]
    config = {
        "seed": seed,
        "frozen": {"cell": "c", "hash": "h", "overrides": overrides},
        "dataset": {"name": cell.data, "data_root": "/somewhere/data"},
        "model": {"attention": attention, "wavelet": mode},
        "task": {"monitor": "val/accuracy"},
        "trainer": {"max_steps": 4},
        "optimizer": {"lr": float(rate)},
    }
    best = {"metric": "val/accuracy", "value": val, "step": 4}
    status = {"state": "finished", "step": 4, "steps": 4, "parameters": 20234, "best": best}
    status["test"] = {"test/accuracy": test} | {f"test/accuracy_{p}": test for p in range(1, 13)}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "status.json").write_text(json.dumps(status))
    columns = "step,epoch,seconds,train/loss,val/accuracy,energy/layer1/cA1,energy/layer1/cD1"
    rows = ["2,0,1.5,0.7,,,", f"4,0,2.5,,{val},0.75,0.25"]
    (folder / "metrics.csv").write_text("\n".join([columns, *rows, ""]))
    start = {"git": {"/somewhere": {"commit": "0123456789", "diff": ""}}, "python": "3.11"}
    start["machine"] = {"processor": "a processor", "threads": 1}
    (folder / "run.json").write_text(json.dumps({"starts": [start | {"packages": {"torch": "2"}}]}))
    return folder


def write_arm(settings, data, name, values, rate="0.001"):
    cell = Cell(data, find(data, name))
    if cell.arm.rate_of is None:
        for other in set(RATES) - {rate}:
            write_run(settings, cell, other, 1, val=0.1)
    for seed, value in enumerate(values, start=1):
        write_run(settings, cell, rate, seed, test=value)


def one_cell(data, name):
    return STUDIES["cells"]._replace(cells=(Cell(data, find(data, name)),))


@pytest.mark.slow
@pytest.mark.parametrize("data", sorted({data for data, _ in ARMS}))
def test_every_arm_can_be_trained(data):
    names = ["softmax-none", "softmax-ada"]
    if data == "text":
        names = [name for of, name in ARMS if of == data and name.startswith("softmax")]
    for cell in (ARMS[data, name] for name in names):
        words = [w for w in words_of(cell, Settings(Path("runs"))) if "experiment_name" not in w]
        validate(with_sizes_of_any_data(compose_run(*words)))


def test_wide_and_deep_bases_have_the_parameters_of_ada():
    def parameters(name):
        words = [*find("text", name).words, "experiment=evidence/text", "dataset.vocab_size=257"]
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
    study = STUDIES["helps"]._replace(cells=(Cell("text", find("text", "softmax-ada-shared")),))
    (first,) = pieces(study, settings)
    assert first.cell.arm.name == "softmax-ada"
    write_arm(settings, "text", "softmax-ada", [0.6], rate="0.003")
    (second,) = pieces(study, settings)
    assert second.cell.arm.name == "softmax-ada-shared"
    assert (second.rates, list(second.seeds)) == (["0.003"], [1, 2, 3])


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
    assert [len(s.cells) for _, s in chosen(None, None, "softmax-conv")] == [0, 2, 0, 0, 0]


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
    root = Path(__file__).parents[2]
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


def test_differences_are_those_of_a_paired_test():
    found = paired.difference([3.0, 5.0, 4.5], [1.0, 2.0, 3.5])
    expected = ttest_rel([3.0, 5.0, 4.5], [1.0, 2.0, 3.5])
    assert found.mean == pytest.approx(2.0)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.interval == pytest.approx(tuple(expected.confidence_interval()))
    assert math.isnan(paired.difference([1.0], [2.0]).p)
    assert paired.difference([2.0, 3.0], [1.0, 2.0]).p == 0


def test_holm_s_correction():
    assert paired.holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    corrected = paired.holm([0.5, math.nan, 0.01])
    assert corrected[0] == 0.5
    assert math.isnan(corrected[1])
    assert corrected[2] == pytest.approx(0.02)
    gain = paired.Difference(1.0, (0.5, 1.5), 0.01, 3)
    assert paired.verdict(gain, 0.049) == "better"
    assert paired.verdict(gain._replace(mean=-1.0), 0.049) == "worse"
    assert paired.verdict(gain, 0.05) == paired.verdict(gain, math.nan) == "undecided"


@pytest.fixture
def collected(settings):
    """Results of some cells of every study."""
    write_arm(settings, "digits", "softmax-none", [0.5, 0.6, 0.7])
    write_arm(settings, "digits", "softmax-ada", [0.8, 0.9, 1.0], rate="0.003")
    write_arm(settings, "text", "linear-none", [0.5])
    write_arm(settings, "text", "linear-wide", [0.625])
    write_arm(settings, "lego", "softmax-lift", [0.75, 0.25])
    costs = settings.runs / "cost"
    for length in (8192, 16384):
        seconds, mebibytes = (length / 8192) ** 2, length / 1024
        row = ["softmax", "none", length, seconds, mebibytes, "2"]
        append(costs / "lengths.csv", LENGTH_COLUMNS, row)
    append(costs / "steps.csv", STEP_COLUMNS, ["digits", "softmax-ada", 0.5, 1e9, 9, 4096, "2"])
    assert collect(settings) == 10
    return settings.results


def test_what_is_collected_knows_no_places_and_no_training_rows(collected):
    run = collected / "runs/digits/softmax-ada/s2"
    assert (run / "metrics.csv").read_text().splitlines()[1:] == ["4,0,2.5,0.5,0.75,0.25"]
    assert json.loads((run / "run.json").read_text())["commits"] == ["0123456789"]
    for path in (path for path in collected.rglob("*") if path.is_file()):
        assert "/somewhere" not in path.read_text()
        assert "jobs=" not in path.read_text()
    rates = load(collected).rates
    expected = {"0.001": 0.1, "0.003": 0.5, "0.01": 0.1, "0.03": 0.1}
    assert rates["digits", "softmax-ada"] == expected


def test_what_was_collected_is_kept_and_not_trained_again(settings, collected):
    before = {path: path.read_bytes() for path in collected.rglob("*") if path.is_file()}
    shutil.rmtree(settings.runs)
    assert not list(pieces(one_cell("digits", "softmax-ada"), settings))
    study = STUDIES["helps"]._replace(cells=(Cell("text", find("text", "linear-wide")),))
    (left,) = pieces(study, settings)
    assert (left.rates, left.seeds) == (["0.001"], [2, 3])
    write_run(settings, left.cell, seed=2)
    assert collect(settings) == 11
    after = {path: path.read_bytes() for path in collected.rglob("*") if path.is_file()}
    assert before.items() <= after.items()
    assert set(load(collected).runs["text", "linear-wide"]) == {1, 2}


def test_a_collected_run_of_other_words_is_dropped(settings, collected):
    shutil.rmtree(settings.runs)
    config = collected / "runs/digits/softmax-ada/s2/config.yaml"
    read = yaml.safe_load(config.read_text())
    read["frozen"]["overrides"].append("trainer.max_steps=7")
    config.write_text(yaml.safe_dump(read))
    (left,) = pieces(one_cell("digits", "softmax-ada"), settings)
    assert left.seeds == [2]
    assert collect(settings) == 9


def test_a_pretraining_that_is_gone_is_trained_again_for_its_fine_tuning(settings):
    write_arm(settings, "digits", "softmax-ada", [0.6, 0.6, 0.6])
    names = ("softmax-ada-pretrained", "softmax-ada-finetuned")
    cells = tuple(Cell("digits", find("digits", name)) for name in names)
    words = words_of(cells[0], settings)
    for seed in (1, 2, 3):
        write_run(settings, cells[0], seed=seed, words=words)
    for seed in (1, 3):
        write_run(settings, cells[1], seed=seed)
    collect(settings)
    shutil.rmtree(settings.runs)
    found = list(pieces(STUDIES["pretraining"]._replace(cells=cells), settings))
    assert [(piece.cell.arm.name, piece.seeds) for piece in found] == [(n, [2]) for n in names]


def test_tables_are_made_of_what_was_collected(collected):
    results = load(collected)
    cells = tables.cells_table(results, "digits")
    assert (
        "| softmax | 60.00 ± 10.00 (3) | 90.00 ± 10.00 (3)<br>+30.0 [+30.0, +30.0] better |"
        in cells
    )
    assert tables.counts(results).startswith("Of 1 cells with wavelets, 1 have a higher mean")
    wide = tables.helps_table(results, "text", "linear").splitlines()[2]
    assert wide == "| wide | 20,234 | 4 | 62.50 (1) | +12.5 undecided |"
    assert tables.helps_table(results, "image", "linear") == ""
    assert f"| lift | 2 |{' 50.0 |' * 12}" in tables.lego_table(results)
    assert "| digits | 1 | 1 | 0 | 0 |" in tables.rates_table(results)
    assert "| exponents, N ≥ 8,192 | N^2.00, N^1.00 |" in tables.lengths_table(results)
    cost = tables.cost_table(results)
    assert "| digits | softmax-ada | 2 | 0.02 | 0.00 | 90.00 ± 10.00 (3) |" in cost


def test_the_page_s_blocks_are_made_anew_and_the_rest_is_kept(collected):
    results, text = load(collected), page.PAGE.read_text(encoding="utf-8")
    assert set(page.BLOCK.findall(text)) == set(page.blocks())
    made = page.page(text, results)
    assert made != text
    assert page.page(made, results) == made
    assert page.BLOCK.sub("", made) == page.BLOCK.sub("", text)
    command = page.command_of(results, "digits", "softmax-ada", 1)
    assert command.startswith("OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 wavspa-train experiment=")
    assert command.endswith("optimizer.lr=0.003 seed=1 data_root=DATA_ROOT")
    assert command in made
    assert "| digits, lego, text | `0123456` | a processor | 1 | torch 2 |" in made
    names = [name for name, _ in figures.figures(results)]
    assert names == ["gains", "pareto", "lego", "lengths", *names[4:]]


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


def test_the_front_has_what_nothing_beats():
    points = [(1.0, 50.0), (2.0, 40.0), (2.0, 60.0), (3.0, 60.0), (4.0, 61.0)]
    assert figures.pareto(points) == [(1.0, 50.0), (2.0, 60.0), (4.0, 61.0)]


def test_two_trainings_are_compared_to_the_last_digit(collected):
    runs = load(collected).runs["digits", "softmax-ada"]
    assert not list(differences(runs[1], runs[1]))
    other = json.loads(json.dumps(runs[1].status))
    other["test"]["test/accuracy"] = math.nextafter(0.8, 1)
    changed = [row | {"seconds": 9.0, "val/accuracy": 0.25} for row in runs[1].metrics]
    after = type(runs[1])(runs[1].folder, runs[1].config, other, changed)
    assert list(differences(runs[1], after)) == [
        "test/accuracy: 0.8, again 0.8000000000000002",
        "step 4, val/accuracy: 0.5, again 0.25",
    ]


def test_a_layer_s_cost_is_measured():
    seconds, mebibytes = measure_length("linear", "ada", 256)
    assert seconds > 0
    assert mebibytes >= 0
    done = []
    cpu_seconds(lambda: done.append(1), least=0.0, times=3)
    assert len(done) == 3


def test_the_documentation_shows_the_results():
    """Every table and figure is made of results/ again and compared."""
    results, text = load(RESULTS), page.PAGE.read_text(encoding="utf-8")
    assert page.page(text, results) == text, "run `make evidence-page`"


@pytest.mark.slow
def test_the_documentation_s_figures_are_those_of_the_results(tmp_path):
    written = figures.write(load(RESULTS), tmp_path)
    shown = {path.name for path in page.PICTURES.glob(f"{figures.PREFIX}*.png")}
    assert shown == {path.name for path in written}
    for path in written:
        ours, theirs = imread(path), imread(page.PICTURES / path.name)
        assert ours.shape == theirs.shape
        # Fonts are drawn alike but for a shade.
        assert abs(ours - theirs).mean() < 0.01


def test_what_is_kept_is_small_and_knows_no_places():
    files = [path for path in RESULTS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 10e6
    for path in files:
        if path.suffix in (".yaml", ".json"):
            assert not {"runs=", "data_root=/"} & set(path.read_text().split())


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
