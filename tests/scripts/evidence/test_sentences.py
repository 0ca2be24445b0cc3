"""The README's figures, and the sentences of the evidence's page below its summary, against the results."""

import statistics

from scripts.evidence.page import PAGE
from scripts.evidence.shown.published import TASKS
from scripts.evidence.studies import ROOT
from support.evidence_results import gains_on_digits, mean, of_plain, results
from support.tiny_runs import compose_run
from wavspa.launching.presets.table import head
from wavspa.reports import published


def text_of(path):
    """A page's text without its line breaks."""
    return " ".join(path.read_text(encoding="utf-8").split())


def test_the_readme_s_figures_are_those_of_the_results():
    gains = gains_on_digits()
    plain, ada_longer, ortho_longer, conv_longer = (
        mean(f"softmax-{mode}-longer", "text") for mode in ("none", "ada", "ortho", "conv")
    )
    ada, ortho, lift = (mean(f"softmax-{mode}") for mode in ("ada", "ortho", "lift"))
    readme = text_of(ROOT / "README.md")
    for said in (
        f"are {mean('softmax-none')} for plain and {ada}, {ortho} and {lift} for",
        f"`ada` and `ortho` add {min(gains):.0f} to {max(gains):.0f} points",
        f"softmax attention, without wavelets, reaches {mean('softmax-conv')} % there.",
        f"softmax reaches {plain} % plain, {ortho_longer} % with `ortho`, {ada_longer} % with `ada` and "
        f"{conv_longer} % with the convolution, all decided gains; `ada` stays below the convolution",
        f"({mean('softmax-none-longer', 'image')} % plain, {mean('softmax-ada-longer', 'image')} % with",
        f"plain reaches {mean('linear-none', 'bbc')} % and `ada` {mean('linear-ada', 'bbc')} %",
        f"costs {of_plain('digits'):.1f} times the CPU time of a plain one on digits",
        f"and {of_plain('image'):.1f} times at 1,024 tokens",
    ):
        assert said in readme


def test_the_stated_range_of_plain_performer_on_digits():
    of_seeds = results().values("digits", "performer-none").values()
    stated = f"its eight range from {min(of_seeds):.0f} to {max(of_seeds):.0f} %"
    assert stated in text_of(PAGE)


def test_what_is_stated_of_the_filters():
    assert set(_orthogonality()) == {"digits", "lego", "listops", "text", "image", "pathfinder"}
    for data, errors in _orthogonality().items():
        low, high = {"digits": (0.2, 0.3), "lego": (0.2, 0.3), "listops": (0.1, 0.2)}.get(
            data, (0, 0.05)
        )
        assert low <= round(min(errors), 1 if low else 3)
        assert round(max(errors), 1 if low else 3) <= high


def _orthogonality():
    """The mean over the seeds of the last orthogonality error of softmax with ada, by data set and layer."""
    return {
        data: [
            statistics.fmean(run.metrics[-1][f"orthogonality/layer{n}"] for run in runs.values())
            for n in (1, 2)
        ]
        for (data, arm), runs in results().runs.items()
        if arm == "softmax-ada"
    }


def test_the_same_model_measured_three_times():
    """Plain softmax on digits is measured in three arms."""
    names = ("softmax-none", "softmax-as-long", "softmax-none-upstream")
    rows = {
        row["arm"]: 1000 * float(row["cpu_seconds"])
        for row in results().steps
        if row["data"] == "digits"
    }
    each = [rows[name] for name in names]
    stated = f"measured three times on digits took {min(each):.0f} to {max(each):.0f} ms"
    assert stated in text_of(PAGE)


def test_how_much_smaller_our_runs_are():
    """Rows seen and width of a published cell, as multiples of ours."""
    rows, widths = [], []
    for data, task in TASKS.items():
        config = compose_run(f"experiment=evidence/{data}")
        there = head(task.preset)
        seen = config.trainer.max_steps * config.dataset.batch_size
        rows.append(there.steps * there.batch_size / seen)
        widths.append(there.dim / config.model.dim)
    said = (
        f"has seen {min(rows):,.0f} to {max(rows):,.0f} times as many rows as one of ours, and its model is "
        f"{min(widths):.0f} to {max(widths):.0f} times as wide"
    )
    assert said in text_of(PAGE)


def test_published_baselines_that_are_the_arena_s():
    of = {row.model: row.accuracies for row in published.rows()}
    names = "Transformer", "Longformer", "Performer", "Linformer"
    pairs = [(name, f"{name} (LRA)") for name in names]
    pairs.append(("Linear Att.", "Linear Transformer (LRA)"))
    equal = [sum(of[a][task] == of[b][task] for task in published.DATASETS[:5]) for a, b in pairs]
    assert equal == [5, 5, 5, 3, 3]
