"""Tables of the data and of the filters of ada, and the time of all runs, made only from the results."""

import statistics
from collections.abc import Iterable

from scripts.evidence.load import Results
from scripts.evidence.shown.tables import NAMES, accuracy, table
from scripts.evidence.studies import STUDIES, all_cells
from wavspa.reports.runs.collect import Run

FILTERED = "softmax-ada"
DATA_HEAD = ("data", "guessing", "train", "val", "test", "tokens", "batch", "steps", "seeds")


def data_table(results: Results) -> str:
    """Sizes of each data set and of its training in the first study that has it.

    Guessing is always the most frequent class of test.
    """
    rows = []
    for data in dict.fromkeys(cell.data for cell in all_cells()):
        study = next(one for one in STUDIES.values() if any(c.data == data for c in one.cells))
        arms = [cell.arm.name for cell in study.cells if cell.data == data]
        trained = [runs for arm in arms if (runs := results.runs.get((data, arm)))]
        if not trained:
            continue
        run = trained[0][min(trained[0])]
        dataset, splits = run.config["dataset"], run.card["splits"]
        labels = splits["test"]["labels"].values()
        rows.append(
            [
                NAMES[data],
                f"{100 * max(labels) / sum(labels):.1f} %",
                f"{splits['train']['examples']:,}",
                *(_evaluated(run, split) for split in ("val", "test")),
                f"{dataset['max_length']:,}",
                str(dataset["batch_size"]),
                f"{run.config['trainer']['max_steps']:,}",
                _seeds(trained),
            ]
        )
    return table(DATA_HEAD, rows)


def time_taken(results: Results) -> str:
    """The hours of all published runs, and the number of trials that are not among them, as a sentence."""
    runs = [run for of_arm in results.runs.values() for run in of_arm.values()]
    hours = sum(run.metrics[-1]["seconds"] for run in runs) / 3600
    others = sum(len(rates) - 1 for rates in results.rates.values())
    return (
        f"The {len(runs):,} runs took {hours:.1f} hours of one core each with their evaluations, and "
        f"{others:,} trials of other learning rates came in addition."
    )


def filters_table(results: Results) -> str:
    """Orthogonality error of ada's filters and energy of the bands, at the last evaluation."""
    rows = []
    for (data, arm), runs in results.runs.items():
        if arm != FILTERED:
            continue
        last = [run.metrics[-1] for run in runs.values()]
        for layer in (1, 2):
            error = _over_seeds(row[f"orthogonality/layer{layer}"] for row in last)
            bands = [
                accuracy([100 * row[f"energy/layer{layer}/{band}"] for row in last])
                for band in ("cA2", "cD2", "cD1")
            ]
            rows.append([NAMES[data], str(layer), error, *bands])
    head = ["softmax with ada", "layer", "orthogonality error", "cA2 / %", "cD2 / %", "cD1 / %"]
    return table(head, rows)


def _evaluated(run: Run, split: str) -> str:
    """The examples of a split, and those of them that are evaluated if these are fewer."""
    examples, limit = run.card["splits"][split]["examples"], run.config["dataset"]["eval_limit"]
    return f"{examples:,}" if limit is None or limit >= examples else f"{limit:,} of {examples:,}"


def _seeds(trained: Iterable[Iterable[int]]) -> str:
    numbers = sorted({seed for seeds in trained for seed in seeds})
    return f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else str(numbers[0])


def _over_seeds(values: Iterable[float]) -> str:
    """Mean ± standard deviation; only the mean for one value."""
    each = list(values)
    spread = f" ± {statistics.stdev(each):.3f}" if len(each) > 1 else ""
    return f"{statistics.fmean(each):.3f}{spread}"
