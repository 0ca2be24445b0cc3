"""The paper's published gains next to those of the first study, and how much was trained for each."""

from statistics import fmean
from typing import NamedTuple

from scripts.evidence.load import Results
from scripts.evidence.shown.tables import LEARNED, NAMES, over_bases, table
from scripts.evidence.studies import BASES, MODES, arm_of, bases_of
from wavspa.launching.presets.table import head
from wavspa.reports.number_format import ABSENT
from wavspa.reports.published import published


class Task(NamedTuple):
    """A task of the paper's table: its title, and the names of its preset and its data set."""

    title: str
    preset: str
    dataset: str


TASKS = {
    "listops": Task("ListOps", "listops", "listops"),
    "text": Task("Text", "text", "text"),
    "image": Task("Image", "image", "image"),
    "pathfinder": Task("Pathfinder", "pathfinder32", "pathfinder32-hard"),
}
HEAD = ("data", "", "rows seen", "layers", "width", *LEARNED)


def published_table(results: Results) -> str:
    """For each task what was trained, and the gain of each mode averaged over the bases, there and here."""
    rows = []
    for data, task in TASKS.items():
        rows += [_there(task), _here(results, data)]
    return table(HEAD, rows, left=2)


def published_gain(mode: str, dataset: str) -> float:
    """The published gain of a mode in points, averaged over the five bases."""
    pairs = [(published(base, mode, dataset), published(base, "none", dataset)) for base in BASES]
    return fmean(gained - plain for gained, plain in pairs if gained and plain)


def _there(task: Task) -> list[str]:
    size = head(task.preset)
    gains = [f"{published_gain(mode, task.dataset):+.1f}" for mode in LEARNED]
    seen = size.steps * size.batch_size
    return [task.title, "published", f"{seen:,}", str(size.depth), str(size.dim), *gains]


def _here(results: Results, data: str) -> list[str]:
    gains = []
    for mode in LEARNED:
        found = over_bases(results, data, mode)
        of = "" if not found or found.n == len(BASES) else f" ({found.n} of {len(BASES)} bases)"
        gains.append(f"{found.mean:+.1f}{of}" if found else ABSENT)
    arms = [arm_of(base, mode).name for base in bases_of(data) for mode in MODES]
    # Not of any arm on these data: other studies train some for other steps.
    runs = [run for arm in arms for run in results.runs.get((data, arm), {}).values()]
    if not runs:
        return [NAMES[data], "here", *[ABSENT] * 3, *gains]
    config = runs[0].config
    seen = config["trainer"]["max_steps"] * config["dataset"]["batch_size"]
    size = [str(config["model"][name]) for name in ("depth", "dim")]
    return [NAMES[data], "here", f"{seen:,}", *size, *gains]
