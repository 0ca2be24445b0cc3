"""What a sweep's dry run prints: counted, without data and without a device."""

import subprocess
import sys

import pytest

from support.tiny_runs import compose_run, tiny_words
from wavspa.errors import UserError
from wavspa.launching.options.devices import check_device, peak_flops
from wavspa.launching.sweeps.launcher import print_budget
from wavspa.launching.trial.budget import budget_lines, costs


def found(*words_of_each):
    jobs = [compose_run(*words) for words in words_of_each]
    return costs(jobs, words_of_each)


def test_a_cell_s_seeds_count_together():
    one, two = (
        found(*([f"seed={seed}", "experiment=paper/table/image/softmax-none"] for seed in seeds))
        for seeds in ((1,), (1, 2))
    )
    (one,), (two,) = one, two
    assert (one.runs, two.runs) == (1, 2)
    assert one.tokens == 200_000 * 400 * 1024
    assert (two.tokens, two.flops) == (2 * one.tokens, 2 * one.flops)
    assert one.label == two.label == "paper/table/image/softmax-none"


def test_a_run_that_was_typed_twice_counts_once():
    words = ["seed=1", "experiment=paper/table/image/softmax-none"]
    assert found(words, [*words, "device=h100"]) == found(words)


@pytest.mark.parametrize("option", ["device=h100,a100", "mfu=0.1,0.5"])
def test_the_hours_are_those_of_one_device(option):
    key, _, values = option.partition("=")
    words = [["dry_run=true", f"{key}={value}"] for value in values.split(",")]
    if key == "mfu":
        words = [[*of, "device=h100"] for of in words]
    with pytest.raises(
        UserError, match=f"{option}: .*; repeat it with {key}={values.split(',')[1]}"
    ):
        print_budget([compose_run(*of) for of in words], words)


@pytest.mark.parametrize(
    ("name", "tflops"),
    [
        ("NVIDIA H200", 989),
        ("NVIDIA H100 80GB HBM3", 989),
        ("NVIDIA A100-SXM4-80GB", 312),
        ("NVIDIA A100-PCIE-40GB", 312),
        ("Tesla V100-SXM2-32GB", 125),
        ("NVIDIA L40S", 362),
        ("NVIDIA GeForce RTX 4090", 165),
        ("NVIDIA B200", 2250),
    ],
)
def test_a_device_is_known_by_what_cuda_calls_it(name, tflops):
    assert peak_flops(name) == tflops * 1e12


@pytest.mark.parametrize(
    "name",
    [
        *("x86_64 CPU, 2 threads", "NVIDIA H100 PCIe", "NVIDIA H100 NVL", "NVIDIA H200 NVL"),
        *(
            "NVIDIA GeForce RTX 4090 D",
            "NVIDIA GeForce RTX 4090 Laptop GPU",
            "Tesla V100-PCIE-16GB",
        ),
        *("NVIDIA A100-SXM4-40GB MIG 1g.5gb", "NVIDIA H200 MIG 1g.18gb", "NVIDIA GB200"),
    ],
)
def test_other_devices_have_no_known_peak(name):
    assert peak_flops(name) is None


def test_hours_are_flops_by_what_the_device_reaches():
    (cost,) = found(["experiment=paper/table/image/softmax-none"])
    (cost,) = [cost._replace(flops=989 * 10**11 * 3600)]  # an hour at a tenth of an H100's peak
    lines = budget_lines([cost], "h100", 0.1)
    assert lines[0].split() == [
        "cell",
        "runs",
        "steps",
        "each",
        "tokens",
        "(G)",
        "PFLOP",
        "h100",
        "h",
    ]
    assert lines[1].split()[-1] == "1.00"
    assert lines[2].startswith("total: 1 cell")
    assert "98.9 TFLOP/s: its peak of 989" in lines[3]
    assert "device=NAME adds hours: v100" in budget_lines([cost], None, 0.1)[3]


def test_choices_tell_cells_apart_and_data_sets_get_sums():
    lines = budget_lines(
        found(["model.dim=64", "runs=x"], ["model.dim=32", "runs=x"], ["dataset=listops_short"]),
        None,
        0.1,
    )
    assert [line.split("  ")[0] for line in lines[1:7]] == [
        "digits softmax ada dim=64",
        "digits softmax ada dim=32",
        "listops-short softmax ada",
        "digits: 2 cells",
        "listops-short: 1 cell",
        "total: 3 cells",
    ]


def test_pairs_have_two_texts_a_row():
    (cost,) = found(["experiment=paper/table/retrieval/linear-none"])
    assert cost.tokens == 50_000 * 64 * 2 * 4000


@pytest.mark.slow
def test_the_published_table_is_of_the_order_that_others_count():
    words = [f"experiment={name}" for name in table()]
    cells = found(*([word] for word in words))
    assert len(cells) == 100
    # An outside count has 78; it follows other rows of the pictures (docs/science/paper.md).
    assert 30e18 < sum(cell.flops for cell in cells) < 100e18


def table():
    from wavspa.launching.presets.store import below

    return below("paper/table")


@pytest.mark.parametrize(
    ("device", "mfu", "dry_run", "message"),
    [
        ("h10", 0.1, True, "device='h10' is unknown; choose one of .*; did you mean"),
        ("h100", 0.1, False, "device=h100 only applies to dry_run=true"),
        (None, 0, True, "mfu must be a share above 0 and at most 1, got 0"),
        (None, 1.5, True, "mfu must be a share above 0 and at most 1, got 1.5"),
        (None, "x", True, "mfu must be a number"),
    ],
)
def test_what_is_impossible_is_named(device, mfu, dry_run, message):
    with pytest.raises((UserError, ValueError), match=message):
        check_device(device, mfu, dry_run)


@pytest.mark.slow
def test_a_sweep_is_told_and_not_started(tmp_path):
    words = tiny_words(
        tmp_path, "model/wavelet=none,ada", "seed=1,2", "dry_run=true", "device=a100"
    )
    done = subprocess.run(
        [sys.executable, "-m", "wavspa.commands.train", "-m", *words],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[:4] for line in done.stdout.splitlines()[1:3]] == [
        ["digits", "softmax", "none", "tiny"],
        ["digits", "softmax", "ada", "tiny"],
    ]
    assert "total: 2 cells" in done.stdout
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
def test_one_run_is_counted_for_a_device_that_is_elsewhere(tmp_path):
    words = tiny_words(tmp_path, "dry_run=true", "device=h100", "mfu=0.4")
    done = subprocess.run(
        [sys.executable, "-m", "wavspa.commands.train", *words], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "396 TFLOP/s" in done.stdout
    assert not (tmp_path / "data").exists()
