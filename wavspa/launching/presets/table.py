"""The published table's 100 cells: five tasks, five bases, four modes.

A cell follows the released configuration of its task's family with its base and mode; if there is none, the
one with its base, else the family's head, with the base or the mode changed. All cells of a task have the
head's steps and batch size, so that plain bases get the budget of the wavelet arm.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from wavspa.launching.presets.released import ROOT, Released, by_option, released

TABLE = f"{ROOT}/table"
"""The folder of the cells, below ``experiment``."""

ATTENTIONS = ("softmax", "longformer", "linformer", "linear", "performer")
MODES = {"none": "", "ada": "db2", "ortho": "ortho", "lift": "lift"}
"""The modes of the table, and upstream's names for them."""

HEADS = {
    "listops": "wavspa-exp9",
    "text": "wavspa-exp2",
    "retrieval": "wavspa-exp0",
    "image": "wavspa-exp0",
    "pathfinder32": "wavspa-exp0",
}
"""The configuration that a task's cells follow: the one released with the most other bases and modes."""

# Taps and levels for a mode that no file of a family has: those of most other files.
_USUAL = {"ada": (40, 1), "ortho": (16, 1), "lift": (40, 3)}


@cache
def cells() -> dict[str, Released]:
    """Every cell by its value of ``experiment=``."""
    found = [_cell(task, base, mode) for task in HEADS for base in ATTENTIONS for mode in MODES]
    return {f"{TABLE}/{cell.task}/{cell.name}": cell for cell in found}


def head(task: str) -> Released:
    """The configuration that a task's cells follow."""
    return by_option()[f"{ROOT}/{task}/{HEADS[task]}"]


def _cell(task: str, attention: str, mode: str) -> Released:
    family = list(_family(task))
    of_base = [row for row in family if row.attention == attention]
    exact = [row for row in of_base if row.mode == mode]
    nearest = (exact or of_base or family)[0]
    taps, level = None, None
    if mode != "none":
        told = next((row for row in (*exact, *family) if row.mode == mode), None)
        taps, level = (told.taps, told.level) if told else _USUAL[mode]
    budget = head(task)
    return replace(
        nearest,
        name=f"{attention}-{mode}",
        attention=attention,
        wavelet=MODES[mode],
        taps=taps,
        level=level,
        steps=budget.steps,
        batch_size=budget.batch_size,
        eval_every=budget.eval_every,
    )


def _family(task: str) -> Iterator[Released]:
    """The head, then the configurations named after it, without the one whose ``lift`` is a typo."""
    first = head(task)
    yield first
    for row in released():
        if row.task == task and row.name.startswith(f"{first.name}-") and row.wavelet != "life":
            yield row
