"""The tables of the page, as Markdown, made only from the collected results."""

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence

from scripts.evidence.load import Results, best_rate
from scripts.evidence.paired import Difference, difference, holm, verdict
from scripts.evidence.studies import (
    ABLATED,
    DATA,
    LONGER,
    LONGER_MODES,
    LONGER_STEPS,
    MODES,
    PRETRAINED_MODES,
    RATES,
    STUDIES,
    Arm,
    Cell,
    arm_of,
    bases_of,
    longer_arm,
)
from wavspa.reports.number_format import ABSENT

NAMES = {
    "digits": "digits",
    "listops": "short ListOps",
    "text": "Text (IMDB bytes, 512)",
    "image": "Image (CIFAR-10, 1,024)",
    "pathfinder": "Pathfinder-32, easy",
    "bbc": "BBC News (bytes, 4,096)",
    "lego": "LEGO",
}
LEARNED = MODES[1:]
# How the arms of the study of pre-training are trained, by the ending of their names.
TRAININGS = {
    "": "from scratch, all steps",
    "-half": "from scratch, half of the steps",
    "-finetuned": "pre-trained for half of the steps",
}


class Tested(Mapping[tuple[str, str], tuple[Difference, float]]):
    """The differences of cells from their base, with p-values corrected for the number of cells.

    Args:
        results: The collected results.
        cells: The cells that are tested together.
        mode: The mode of the base that they are compared with; the default is plain.
    """

    def __init__(self, results: Results, cells: Sequence[Cell], mode: str = "none") -> None:
        found = {
            (cell.data, cell.arm.name): one
            for cell in cells
            if (one := results.difference(cell.data, cell.arm.name, _other(cell.arm, mode)))
        }
        corrected = holm([one.p for one in found.values()])
        self._of = dict(zip(found, zip(found.values(), corrected, strict=True), strict=True))

    def __getitem__(self, key: tuple[str, str]) -> tuple[Difference, float]:
        return self._of[key]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._of)


def accuracy(values: Sequence[float]) -> str:
    """Mean ± standard deviation and n, as in ``91.85 ± 2.70 (3)``."""
    if not values:
        return ABSENT
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.2f}{spread} ({len(values)})"


def points(found: Difference, corrected: float) -> str:
    """A difference with its interval and its verdict, as in ``+2.1 [-0.3, 4.5] undecided``."""
    interval = (
        "" if math.isnan(found.p) else f" [{found.interval[0]:+.1f}, {found.interval[1]:+.1f}]"
    )
    return f"{found.mean:+.1f}{interval} {verdict(found, corrected)}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table whose first ``left`` columns are text."""
    ruler = [*["---"] * left, *["---:"] * (len(head) - left)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ruler, *rows))


def cells_table(results: Results, data: str, study: str = "cells") -> str:
    """The cells of a study on a data set: accuracies, and differences from the base."""
    return _by_mode(results, data, study, [(base, base) for base in bases_of(data)], MODES, arm_of)


def longer_table(results: Results, data: str) -> str:
    """The cells of the study of longer training on a data set."""
    bases = [(f"{base}, {LONGER_STEPS:,} steps", base) for base in LONGER[data]]
    return _by_mode(results, data, "longer", bases, LONGER_MODES[data], longer_arm)


def convolution_table(results: Results, data: str) -> str:
    """The cells of the study of longer training on a data set against the convolution."""
    tested = Tested(results, STUDIES["longer"].cells, "conv")
    modes = [mode for mode in LONGER_MODES[data] if mode != "conv"]
    rows = []
    for base in LONGER[data]:
        keys = [(data, longer_arm(base, mode).name) for mode in modes]
        rows.append([base, *(points(*tested[key]) if key in tested else ABSENT for key in keys)])
    return table([NAMES[data], *modes], rows)


def over_bases_table(results: Results) -> str:
    """The gain of each mode averaged over the bases, each counted once, and their number."""
    found: dict[tuple[str, str], Difference] = {}
    for data in DATA:
        for mode in LEARNED:
            if one := over_bases(results, data, mode):
                found[data, mode] = one
    corrected = dict(zip(found, holm([one.p for one in found.values()]), strict=True))
    rows = [
        [
            NAMES[data],
            *(
                f"{points(found[data, mode], corrected[data, mode])} ({found[data, mode].n})"
                if (data, mode) in found
                else ABSENT
                for mode in LEARNED
            ),
        ]
        for data in DATA
    ]
    return table(["data", *LEARNED], rows)


def over_bases(results: Results, data: str, mode: str) -> Difference | None:
    """The gain of a mode on plain, averaged over the bases; None without results."""
    pairs = [
        (arm, plain)
        for base in bases_of(data)
        if (arm := _mean(results, data, arm_of(base, mode)))
        and (plain := _mean(results, data, arm_of(base, "none")))
    ]
    return difference(*map(list, zip(*pairs, strict=True))) if pairs else None


def counts(results: Results) -> str:
    """The numbers of cells in the first study that are better and worse than their base, as a sentence."""
    tested = Tested(results, STUDIES["cells"].cells)
    said = [verdict(*pair) for pair in tested.values()]
    above = sum(found.mean > 0 for found, _ in tested.values())
    return (
        f"Of {len(said)} cells with wavelets, {above} have a higher mean than their base and "
        f"{len(said) - above} have not. After Holm's correction {said.count('better')} are better, "
        f"{said.count('worse')} worse, and {said.count('undecided')} undecided."
    )


def helps_table(results: Results, base: str) -> str:
    """The arms of the second study on a base, best first."""
    data = ABLATED
    cells = STUDIES["helps"].cells
    tested = Tested(results, cells), Tested(results, cells, "ada")
    arms = [c.arm for c in cells if c.arm.base == f"{base}-none"]
    here = [arm for arm in arms if (data, arm.name) in results.runs]
    if not here:
        return ""
    rows = []
    for arm in sorted(here, key=lambda arm: -(_mean(results, data, arm) or 0.0)):
        status = next(iter(results.runs[data, arm.name].values())).status
        rows.append(
            [
                arm.name.removeprefix(f"{base}-"),
                f"{status['parameters']:,}",
                f"{status['step']:,}",
                accuracy(list(results.values(data, arm.name).values())),
                *(points(*of[data, arm.name]) if (data, arm.name) in of else "" for of in tested),
            ]
        )
    head = [f"{base} on {NAMES[data]}", "parameters", "steps", "accuracy"]
    return table([*head, "against none", "against ada"], rows)


def pretraining_table(results: Results) -> str:
    """From scratch and pre-trained, with the gains of ada and ortho in each."""
    cells = STUDIES["pretraining"].cells
    tested = Tested(results, [c for c in cells if not c.arm.name.endswith("-pretrained")])
    rows = []
    for data in dict.fromkeys(cell.data for cell in cells):
        for ending, manner in TRAININGS.items():
            row = [NAMES[data], manner]
            for mode in PRETRAINED_MODES:
                row.append(_with_gain(results, tested, (data, f"softmax-{mode}{ending}")))
            rows.append(row)
    return table(["data", "", *PRETRAINED_MODES], rows, left=2)


def lego_table(results: Results) -> str:
    """Accuracy over the positions in the loss, and at each position of the chain averaged over the seeds."""
    tested = Tested(results, STUDIES["lego"].cells)
    rows = []
    for mode in MODES:
        key = "lego", f"softmax-{mode}"
        row = [mode, _with_gain(results, tested, key)]
        for position in range(1, 13):
            each = results.values(*key, f"test/accuracy_{position}").values()
            row.append(f"{statistics.fmean(each):.1f}" if each else ABSENT)
        rows.append(row)
    return table(["softmax", "1 to 6", *map(str, range(1, 13))], rows)


def rates_table(results: Results) -> str:
    """The number of arms that chose each learning rate, by data set."""
    rows = []
    for data in dict.fromkeys(data for data, _ in results.rates):
        chosen = [best_rate(of) for (d, _), of in results.rates.items() if d == data]
        rows.append([NAMES[data], *(str(chosen.count(rate)) for rate in RATES)])
    return table(["arms that chose", *RATES], rows)


def cost_table(results: Results) -> str:
    """Accuracy and cost of the cells in the first study."""
    rows = []
    for row in results.steps:
        data, arm = row["data"], row["arm"]
        values = list(results.values(data, arm).values())
        if (data, arm) not in _names("cells") or not values:
            continue
        step = next(iter(results.runs[data, arm].values())).status["step"]
        rows.append(
            [
                NAMES[data],
                arm,
                f"{step * float(row['cpu_seconds']):.0f}",
                f"{step * float(row['tokens']) / 1e6:.2f}",
                f"{step * float(row['flops']) / 1e12:.2f}",
                accuracy(values),
            ]
        )
    head = ["data", "arm", "CPU seconds", "tokens / 10⁶", "operations / 10¹²", "accuracy"]
    return table(head, rows, left=2)


def exponent(rows: Sequence[Mapping[str, str]], column: str, least: int = 8192) -> float:
    """The log-log slope of a cost over lengths of at least ``least``; NaN for fewer than two."""
    pairs = [
        (math.log(float(row["length"])), math.log(float(row[column])))
        for row in rows
        if int(row["length"]) >= least and float(row[column]) > 0
    ]
    if len(pairs) < 2:
        return math.nan
    slope, _ = statistics.linear_regression(*zip(*pairs, strict=True))
    return slope


def lengths_table(results: Results) -> str:
    """CPU seconds and peak memory of one layer by length, with fitted exponents."""
    layers = list(dict.fromkeys((row["base"], row["mode"]) for row in results.lengths))
    lengths = sorted({int(row["length"]) for row in results.lengths})
    by = {(row["base"], row["mode"], int(row["length"])): row for row in results.lengths}
    head = ["length", *(f"{base}, {mode}" for base, mode in layers)]
    rows = [
        [
            f"{length:,}",
            *(
                f"{float(row['cpu_seconds']):.3g} s, {float(row['peak_mib']):,.0f} MiB"
                if (row := by.get((*layer, length)))
                else ABSENT
                for layer in layers
            ),
        ]
        for length in lengths
    ]
    fitted = [[r for r in results.lengths if (r["base"], r["mode"]) == layer] for layer in layers]
    slopes = [
        f"N^{exponent(of, 'cpu_seconds'):.2f}, N^{exponent(of, 'peak_mib'):.2f}" for of in fitted
    ]
    return table(head, [*rows, ["exponents, N ≥ 8,192", *slopes]])


def _by_mode(
    results: Results,
    data: str,
    study: str,
    bases: Sequence[tuple[str, str]],
    modes: Sequence[str],
    arm: Callable[[str, str], Arm],
) -> str:
    """A row for each base (its title, its name) and a column for each mode; ``arm`` is of both."""
    tested = Tested(results, STUDIES[study].cells)
    rows = []
    for title, base in bases:
        row = [title]
        for mode in modes:
            row.append(_with_gain(results, tested, (data, arm(base, mode).name)))
        rows.append(row)
    return table([NAMES[data], *modes], rows)


def _with_gain(results: Results, tested: Tested, key: tuple[str, str]) -> str:
    """The accuracy of a cell, and below it its difference from the base if it has one."""
    cell = accuracy(list(results.values(*key).values()))
    return f"{cell}<br>{points(*tested[key])}" if key in tested else cell


def _mean(results: Results, data: str, arm: Arm) -> float | None:
    values = results.values(data, arm.name)
    return statistics.fmean(values.values()) if values else None


def _other(arm: Arm, mode: str) -> str:
    """The arm that another is compared with: its base with a mode, pre-trained if the arm is."""
    return arm.base.replace("-none", f"-{mode}")


def _names(study: str) -> set[tuple[str, str]]:
    return {(cell.data, cell.arm.name) for cell in STUDIES[study].cells}
