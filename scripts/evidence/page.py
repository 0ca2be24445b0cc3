"""Write the tables and figures of docs/science/evidence.md: ``python -m scripts.evidence.page``.

They are made only from ``results/``. Text between two markers ``<!-- evidence:NAME -->`` and
``<!-- /evidence -->`` is generated; the rest is written by hand.
"""

import argparse
import re
import shlex
from collections.abc import Callable, Mapping, Sequence

from scripts.evidence.jobs import THREADS
from scripts.evidence.load import RESULTS, Results, facts_of, load
from scripts.evidence.pieces import parent_of
from scripts.evidence.shown import figures, tables
from scripts.evidence.shown.described import data_table, filters_table, time_taken
from scripts.evidence.shown.published import published_table
from scripts.evidence.studies import DATA, LONGER, ROOT, STUDIES, arm_of, longer_arm

PAGE = ROOT / "docs/science/evidence.md"
PICTURES = ROOT / "docs/pictures"
SHOWN = {
    "gains": "Points above the plain base with their interval, a panel for each data set",
    "pareto": "Accuracy over CPU seconds of training, a panel for each data set",
    "lego": "Accuracy at each position of the chain, a line for each mode",
    "lengths": "CPU seconds and peak memory of a layer over its length",
    "filters": "Taps and frequency responses before and after training",
    "energy": "Shares of the bands in the energy over the steps",
    "orthogonality": "Distance of the filters from orthogonal ones over the steps",
}
BLOCK = re.compile(r"<!-- evidence:([\w-]+) -->\n.*?<!-- /evidence -->", re.DOTALL)
ABSENT = "Not run yet."


def page(text: str, results: Results) -> str:
    """The page with its generated blocks renewed.

    Args:
        text: The current page.
        results: The collected results.
    """
    makers = blocks()

    def made(found: re.Match[str]) -> str:
        content = makers[found[1]](results).strip() or ABSENT
        return f"<!-- evidence:{found[1]} -->\n\n{content}\n\n<!-- /evidence -->"

    return BLOCK.sub(made, text)


def blocks() -> Mapping[str, Callable[[Results], str]]:
    """The function that makes each block, by the block's name."""
    return {
        "cells": lambda results: "\n\n".join(
            tables.cells_table(results, data)
            for data in DATA
            if any(of == data for of, _ in results.runs)
        ),
        "long": _if_runs("long", lambda results: tables.cells_table(results, "bbc", "long")),
        "longer": _if_runs(
            "longer",
            lambda results: "\n\n".join(tables.longer_table(results, data) for data in LONGER),
        ),
        "longer-conv": _if_runs(
            "longer", lambda results: tables.convolution_table(results, "text")
        ),
        "over-bases": _if_runs("cells", tables.over_bases_table),
        "counts": _if_runs("cells", tables.counts),
        "helps": lambda results: "\n\n".join(
            made for base in ("softmax", "linear") if (made := tables.helps_table(results, base))
        ),
        "pretraining": _if_runs("pretraining", tables.pretraining_table),
        "lego": _if_runs("lego", tables.lego_table),
        "published": _if_runs("cells", published_table),
        "rates": lambda results: tables.rates_table(results) if results.rates else "",
        "cost": lambda results: tables.cost_table(results) if results.steps else "",
        "lengths": lambda results: tables.lengths_table(results) if results.lengths else "",
        "data": lambda results: data_table(results) if results.runs else "",
        "time": lambda results: time_taken(results) if results.runs else "",
        "filters": _if_runs("cells", filters_table),
        "trained-by": trained_by,
        "again": again,
        **{f"figure-{name}": _pictures(name) for name in ("gains", "pareto", "lego", "lengths")},
        "figure-filters": _pictures("filters_"),
        "figure-energy": _pictures("energy_", "orthogonality_"),
    }


def trained_by(results: Results) -> str:
    """The commits, hardware and versions of all runs."""
    rows, seen = [], set()
    for (data, _), runs in results.runs.items():
        for run in runs.values():
            facts = facts_of(run)
            packages = facts["packages"]
            assert isinstance(packages, dict)
            versions = ", ".join(f"{name} {number}" for name, number in packages.items() if number)
            commits = facts["commits"]
            assert isinstance(commits, list)
            commit = ", ".join(f"`{c[:7]}`" for c in commits)
            row = (data, commit, str(facts["processor"]), str(facts["threads"]), versions)
            if row not in seen:
                seen.add(row)
                rows.append(row)
    merged: dict[tuple[str, ...], list[str]] = {}
    for data, *rest in rows:
        merged.setdefault(tuple(rest), []).append(data)
    lines = [[", ".join(dict.fromkeys(of)), *rest] for rest, of in merged.items()]
    head = ["data", "commit", "processor", "threads a run", "versions"]
    return tables.table(head, lines, left=5) if lines else ""


def commands_of(results: Results, data: str, arm: str, seed: int) -> str:
    """The commands that train a collected run again, its pre-training first, a line each."""
    overrides = results.runs[data, arm][seed].config["frozen"]["overrides"]
    words = [*map(_as_typed, overrides), f"runs=runs/evidence/{data}", "data_root=DATA_ROOT"]
    variables = " ".join(f"{name}={value}" for name, value in THREADS.items())
    line = f"{variables} wavspa-train {shlex.join(words)}"
    parent = parent_of(arm)
    return line if parent is None else f"{commands_of(results, data, parent, seed)}\n{line}"


def _as_typed(word: str) -> str:
    """A recorded option as it is typed: ``init=RUN`` is recorded as ``init.from='RUN'``."""
    key, _, value = word.partition("=")
    return f"init={value[1:-1]}" if key == "init.from" else word


def example_cells() -> dict[str, tuple[str, str, int]]:
    """The cell of each study, with a seed, that serves as an example of training again."""
    return {
        "cells": ("digits", arm_of("softmax", "ada").name, 1),
        "helps": ("digits", "softmax-conv", 1),
        "longer": ("text", longer_arm("linear", "ada").name, 1),
        "pretraining": ("digits", "softmax-ada-finetuned", 2),
        "long": ("bbc", arm_of("linear", "ada").name, 1),
        "lego": ("lego", arm_of("softmax", "lift").name, 1),
    }


def again(results: Results) -> str:
    """A cell of each study with its command and its accuracy."""
    lines = []
    for study, (data, arm, seed) in example_cells().items():
        if seed not in results.runs.get((data, arm), {}):
            continue
        status = results.runs[data, arm][seed].status
        value = repr(status["test"]["test/accuracy"])
        commands = commands_of(results, data, arm, seed)
        question = STUDIES[study].question
        lines.append(
            f"*{question}* {arm} on {tables.NAMES[data]}, seed {seed}: test accuracy {value} by\n\n"
            f"<!-- not run: it trains for minutes -->\n```\n{commands}\n```"
        )
    return "\n\n".join(lines)


def _if_runs(study: str, maker: Callable[[Results], str]) -> Callable[[Results], str]:
    names = {(cell.data, cell.arm.name) for cell in STUDIES[study].cells}
    return lambda results: maker(results) if names & results.runs.keys() else ""


def _pictures(*prefixes: str) -> Callable[[Results], str]:
    def made(results: Results) -> str:
        names = [name for name, _ in figures.figures(results) if name.startswith(prefixes)]
        return "\n\n".join(
            f"![{_described(name)}](../pictures/{figures.PREFIX}{name}.png)" for name in names
        )

    return made


def _described(name: str) -> str:
    """What a picture shows, by its name: ``energy_digits``."""
    kind, _, of = name.partition("_")
    return SHOWN[kind] + (f": {of.replace('_', ', ')}" if of else "")


def main(words: Sequence[str] | None = None) -> None:
    """Write the page and its pictures."""
    argparse.ArgumentParser(prog="python -m scripts.evidence.page", description=__doc__).parse_args(
        words
    )
    results = load(RESULTS)
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    for path in figures.write(results, PICTURES):
        print(path.relative_to(ROOT))
    print(PAGE.relative_to(ROOT))


if __name__ == "__main__":
    main()
