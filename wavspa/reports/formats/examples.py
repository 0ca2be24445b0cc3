"""Examples of the texts that runs write, next to the reference texts."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from wavspa.reports.runs.collect import Run
from wavspa.run_folder import layout

# Largest number of examples of a run, of runs with examples, and of characters of a text.
EXAMPLES = 10
MOST_RUNS = 20
MOST_CHARACTERS = 1000


class Example(NamedTuple):
    """One example of the test; long texts are cut."""

    source: str
    reference: str
    text: str


def written_examples(runs: Sequence[Run]) -> dict[str, list[Example]]:
    """Ten examples of each run that writes texts, evenly spread over its test, by the name of its folder.

    Runs whose file cannot be read are left out.
    """
    found: dict[str, list[Example]] = {}
    for run in runs:
        if run.state == "finished" and len(found) < MOST_RUNS and (examples := _of(run)):
            found[run.folder.name] = examples
    return found


def _of(run: Run) -> list[Example]:
    path = run.folder / layout.TEXTS
    if not path.is_file():
        return []
    try:
        # Not splitlines(): a text may hold other characters that end a line.
        lines = path.read_text(encoding="utf-8").strip("\n").split("\n")
        step = max(1, len(lines) / EXAMPLES)
        chosen = [lines[int(place * step)] for place in range(min(EXAMPLES, len(lines)))]
        return [_example(json.loads(line)) for line in chosen]
    except (ValueError, KeyError, OSError):
        return []


def _example(row: Mapping[str, Any]) -> Example:
    return Example(*(_cut(str(row[name])) for name in Example._fields))


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"
