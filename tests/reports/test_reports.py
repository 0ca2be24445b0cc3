import io
import math
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from support.reported_runs import finish, frozen_run
from support.tiny_runs import tiny_run
from wavspa.errors import UserError
from wavspa.reports.figures.curves import draw_curves
from wavspa.reports.formats.terminal import print_report
from wavspa.reports.number_format import mean_and_deviation
from wavspa.reports.runs.collect import cells, collect
from wavspa.run_folder import layout
from wavspa.run_folder.status import update_status


def printed(runs):
    out = Console(file=io.StringIO(), width=160)
    print_report(runs, out)
    return out.file.getvalue()


@pytest.fixture
def sweep(tmp_path):
    """Two cells: the plain one with two seeds, the other with one that failed."""
    finish(tiny_run(tmp_path, "model/wavelet=none", "seed=1"), 0.5)
    finish(tiny_run(tmp_path, "model/wavelet=none", "seed=2"), 0.7)
    update_status(
        tiny_run(tmp_path, "model/wavelet=ada"), state="failed", reason="it rains", step=2
    )
    return tmp_path / "runs"


def test_cells_stand_side_by_side_over_their_seeds(sweep):
    runs = collect([sweep])
    assert [[run.config["seed"] for run in cell] for cell in cells(runs)] == [[1, 2], [1]]
    rows = [" ".join(line.split()) for line in printed(runs).splitlines()]
    assert (
        rows[2] == "dataset attention wavelet accuracy best val params ms/step peak MiB steps seeds"
    )
    assert rows[4] == "digits softmax none 60.00 ± 14.14 60.00 ± 14.14 1,234 50.0 500 6 2"
    assert rows[5] == "digits softmax ada - - - - - 2 of 6 0, 1 failed"


def test_runs_that_did_not_finish_and_what_guessing_reaches_are_told(sweep):
    text = printed(collect([sweep]))
    assert "it rains" in next(line for line in text.splitlines() if line.startswith("failed: "))
    assert "digits: 4 test examples, guessing 50.0 %, always the most frequent class 75.0 %" in text


def test_listops_tells_its_control(tmp_path):
    finish(tiny_run(tmp_path), 0.5, root_operator_control={"test": 0.361})
    assert "reading the root operator alone 36.1 %" in printed(collect([tmp_path]))


def test_data_are_called_what_their_card_says(tmp_path):
    finish(tiny_run(tmp_path), 0.5, name="digits (copied by hand)")
    text = printed(collect([tmp_path]))
    assert text.count("digits (copied by hand)") == 2


def test_numbered_metrics_stand_below_the_table(tmp_path):
    for seed, shares in ((1, (1.0, 0.5)), (2, (0.9, 0.5))):
        folder = tiny_run(tmp_path, f"seed={seed}")
        finish(folder, 0.7)
        numbered = {f"test/accuracy_{k}": share for k, share in enumerate(shares, start=1)}
        update_status(folder, test={"test/accuracy": 0.7, **numbered})
    text = printed(collect([tmp_path]))
    assert "digits, softmax, ada: accuracy_1 to accuracy_2 95.0 50.0 %" in text
    assert text.count("accuracy_1") == 1


def test_options_that_differ_get_a_column(tmp_path):
    for taps in (4, 6):
        finish(tiny_run(tmp_path, f"model.taps={taps}"), 0.5)
    text = printed(collect([tmp_path]))
    assert "taps=4" in text
    assert "taps=6" in text
    assert "max_steps" not in text.split("guessing")[0]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (layout.STATUS, "{"),
        (layout.METRICS, "nothing"),
        (layout.METRICS, ""),
        (layout.CARD, "{"),
        (layout.CONFIG, "a: ["),
        (layout.CONFIG, "a: 1"),
    ],
)
def test_a_damaged_run_is_reported_beside_the_others(tmp_path, name, content):
    whole, broken = tiny_run(tmp_path, "seed=1"), tiny_run(tmp_path, "seed=2")
    finish(whole, 0.5)
    finish(broken, 0.5)
    (broken / name).write_text(content)
    text = printed(collect([tmp_path]))
    assert text.count("50.00") == 2
    assert f"damaged: {broken}: " in text


def test_a_run_that_has_not_started_is_reported(tmp_path):
    folder = tiny_run(tmp_path)
    assert f"not started: {folder}" in printed(collect([folder]))


def test_folders_may_overlap(sweep, monkeypatch):
    monkeypatch.chdir(sweep)
    assert len(collect([sweep, sweep / "digits", Path("digits")])) == 3


def test_a_config_of_wandb_is_not_a_run(tmp_path):
    folder = frozen_run(tmp_path)
    kept = folder / "wandb" / "run-1" / "files"
    kept.mkdir(parents=True)
    (kept / layout.CONFIG).write_text("seed: {value: 1}")
    assert [run.folder for run in collect([tmp_path])] == [folder]


def test_a_run_has_its_name_from_inside_of_it(tmp_path, monkeypatch):
    folder = frozen_run(tmp_path)
    monkeypatch.chdir(folder)
    assert [run.folder for run in collect([Path()])] == [folder]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], "-"),
        ([1.0], "1.00"),
        ([1.0, 2.0], "1.50 ± 0.71"),
        ([1.0, math.nan], "\N{EN DASH}"),
        ([1.0, math.inf], "inf"),
    ],
)
def test_mean_and_deviation(values, text):
    assert mean_and_deviation(values, 2) == text


def test_a_figure_labels_each_cell_and_axis(sweep, tmp_path):
    path = tmp_path / "figures" / "curves.svg"
    draw_curves(collect([sweep]), path)
    text = path.read_text()
    for label in ("softmax, none (n = 2)", "optimizer steps", "validation accuracy", "digits"):
        assert f"<!-- {label} -->" in text, label
    assert "softmax, ada" not in text


def test_nothing_to_draw_is_an_error(tmp_path):
    with pytest.raises(UserError, match="nothing to draw"):
        draw_curves(collect([tiny_run(tmp_path)]), tmp_path / "curves.png")


def test_the_protocol_of_the_data_is_told(tmp_path):
    for seed, protocol in ((1, "default"), (2, "upstream"), (3, "upstream")):
        card = {"protocol": protocol, "validation": f"as {protocol}"}
        finish(tiny_run(tmp_path, f"seed={seed}"), 0.5, **card)
    lines = [
        line for line in printed(collect([tmp_path / "runs"])).splitlines() if ", protocol " in line
    ]
    assert [line.partition(", protocol ")[2] for line in lines] == [
        "default: as default",
        "upstream: as upstream",
    ]


@pytest.mark.slow
def test_looking_at_runs_does_not_wait_for_lightning():
    program = "import sys, wavspa.reports.formats.write, wavspa.reports.runs.progress; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "wavspa.reports.formats.html" in done.stdout.split()
    assert "pytorch_lightning" not in done.stdout.split()
