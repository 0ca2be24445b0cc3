"""What is collected of the studies, and the page that is made of it."""

import json
import math
import re
import shutil

import pytest
import yaml
from matplotlib.image import imread
from scipy.stats import ttest_rel

from scripts.evidence import page, paired
from scripts.evidence.again import differences
from scripts.evidence.collect import collect
from scripts.evidence.load import RESULTS, load
from scripts.evidence.pieces import pieces, words_of
from scripts.evidence.run import run
from scripts.evidence.shown import figures, tables
from scripts.evidence.shown.described import data_table, filters_table, time_taken
from scripts.evidence.shown.published import published_table
from scripts.evidence.studies import STUDIES, Cell, find
from support.evidence_runs import one_cell, write_arm, write_run


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


def test_what_is_collected_knows_no_places_and_no_training_rows(collected):
    run = collected / "runs/digits/softmax-ada/s2"
    evaluated = "4,0,2.5,0.5,0.5,0.25,0.25,0.125,0.5,0.25,0.25,0.125"
    assert (run / "metrics.csv").read_text().splitlines()[1:] == [evaluated]
    assert json.loads((run / "run.json").read_text())["commits"] == ["0123456789"]
    for path in (path for path in collected.rglob("*") if path.is_file()):
        assert "/somewhere" not in path.read_text()
        assert "jobs=" not in path.read_text()
    rates = load(collected).rates
    expected = {"0.001": 0.1, "0.003": 0.5, "0.01": 0.1, "0.03": 0.1}
    assert rates["digits", "softmax-ada"] == expected


def test_what_was_collected_is_kept_and_not_trained_again(settings, collected, capsys):
    before = {path: path.read_bytes() for path in collected.rglob("*") if path.is_file()}
    shutil.rmtree(settings.runs)
    assert not list(pieces(one_cell("digits", "softmax-ada"), settings))
    assert not run(one_cell("digits", "softmax-ada"), settings, until=math.inf)
    assert capsys.readouterr().out == "nothing is missing\n"
    study = STUDIES["helps"]._replace(cells=(Cell("digits", find("digits", "linear-wide")),))
    (left,) = pieces(study, settings)
    assert (left.rates, left.seeds) == (["0.001"], [2, 3])
    write_run(settings, left.cell, seed=2)
    assert collect(settings) == 14
    after = {path: path.read_bytes() for path in collected.rglob("*") if path.is_file()}
    assert before.items() <= after.items()
    assert set(load(collected).runs["digits", "linear-wide"]) == {1, 2}


def test_a_collected_run_of_other_words_is_dropped(settings, collected):
    shutil.rmtree(settings.runs)
    config = collected / "runs/digits/softmax-ada/s2/config.yaml"
    read = yaml.safe_load(config.read_text())
    read["frozen"]["overrides"].append("trainer.max_steps=7")
    config.write_text(yaml.safe_dump(read))
    (left,) = pieces(one_cell("digits", "softmax-ada"), settings)
    assert left.seeds == [2]
    assert collect(settings) == 12


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
    wide = tables.helps_table(results, "linear").splitlines()[2]
    assert wide == "| wide | 20,234 | 4 | 62.50 (1) | +12.5 undecided |  |"
    ada, none = tables.helps_table(results, "softmax").splitlines()[2:]
    assert ada.endswith("| +30.0 [+30.0, +30.0] better |  |")
    assert none.endswith("|  | -30.0 [-30.0, -30.0] worse |")
    longer = tables.longer_table(results, "text").splitlines()[3]
    assert (
        longer == "| linear, 2,000 steps | 75.00 (1) | - | - | - | 87.50 (1)<br>+12.5 undecided |"
    )
    against = tables.convolution_table(results, "text").splitlines()[3]
    assert against == "| linear | -12.5 undecided | - | - | - |"
    assert f"| lift | 50.00 ± 35.36 (2) |{' 50.0 |' * 12}" in tables.lego_table(results)
    assert "| digits | 3 | 1 | 0 | 0 |" in tables.rates_table(results)
    assert "| exponents, N ≥ 8,192 | N^2.00, N^1.00 |" in tables.lengths_table(results)
    cost = tables.cost_table(results)
    assert "| digits | softmax-ada | 2 | 0.02 | 0.00 | 90.00 ± 10.00 (3) |" in cost


def test_what_was_trained_on_and_what_the_filters_became_are_described(collected):
    results = load(collected)
    digits = "| digits | 60.0 % | 30 | 20 of 30 | 20 of 30 | 512 | 32 | 4 | 1 to 3 |"
    assert digits in data_table(results)
    taken = "The 13 runs took 0.0 hours of one core each with their evaluations, and 18 trials "
    assert time_taken(results).startswith(taken)
    filters = filters_table(results).splitlines()[2:]
    assert filters == [
        f"| digits | {layer} | 0.125 ± 0.000 | 50.00 ± 0.00 (3) | 25.00 ± 0.00 (3) | 25.00 ± 0.00 (3) |"
        for layer in (1, 2)
    ]


def test_what_was_published_stands_next_to_what_was_measured(settings):
    write_arm(settings, "text", "linear-none", [0.5])
    write_arm(settings, "text", "linear-ada", [0.625])
    collect(settings)
    lines = published_table(load(settings.results)).splitlines()
    assert lines[2] == "| ListOps | published | 32,000,000 | 8 | 128 | +17.0 | +12.2 | +11.2 |"
    assert lines[3] == "| short ListOps | here | - | - | - | - | - | - |"
    ours = "| Text (IMDB bytes, 512) | here | 128 | 2 | 32 | +12.5 (1 of 5 bases) | - | - |"
    assert lines[5] == ours


def test_the_page_s_blocks_are_made_again_and_the_rest_is_kept(collected):
    results, text = load(collected), page.PAGE.read_text(encoding="utf-8")
    assert set(page.BLOCK.findall(text)) == set(page.blocks())
    made = page.page(text, results)
    assert made != text
    assert page.page(made, results) == made
    assert page.BLOCK.sub("", made) == page.BLOCK.sub("", text)
    command = page.commands_of(results, "digits", "softmax-ada", 1)
    assert command.startswith("OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 wavspa-train experiment=")
    assert command.endswith("lr=0.003 seed=1 runs=runs/evidence/digits data_root=DATA_ROOT")
    assert command in made
    assert "| digits, lego, text | `0123456` | a processor | 1 | torch 2 |" in made
    names = [name for name, _ in figures.figures(results)]
    assert names == ["gains", "pareto", "lego", "lengths", *names[4:]]


def test_the_commands_of_a_fine_tuning_begin_with_its_pretraining():
    first, second = page.commands_of(
        load(RESULTS), "digits", "softmax-ada-finetuned", 2
    ).splitlines()
    assert "experiment_name=softmax-ada-pretrained " in first
    assert " name=s2 init=runs/evidence/digits/softmax-ada-pretrained/s2 " in second


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
            assert not re.search(r"[\s\"'=]/(work|tmp|home|root)/", path.read_text()), path
