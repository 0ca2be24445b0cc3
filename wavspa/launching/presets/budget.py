"""The difference of a run's budget and model from the published ones on the same data."""

from omegaconf import DictConfig

from wavspa.launching.presets.released import ROOT, Released, by_option, released
from wavspa.launching.presets.table import HEADS, head

# The tasks of the table, by the data set's name without what its options add.
_TASKS = {
    "listops": "listops",
    "text": "text",
    "retrieval": "retrieval",
    "image": "image",
    "pathfinder32-hard": "pathfinder32",
    "pathfinder64-hard": "pathfinder64",
    "pathx-hard": "pathfinder128",
    "pathx256-hard": "pathfinder256",
    "d2a-function": "d2a",
}


def unlike_published(config: DictConfig) -> str:
    """A run's budget and size next to published ones, if no released configuration on its data has the same.

    Args:
        config: The run's configuration.

    Returns:
        A few words; empty if a released configuration has the same budget and size, or if there is none.
    """
    task = _TASKS.get(config.dataset.name)
    if task is None or config.task["_target_"].endswith(".Masked"):
        return ""  # of masked runs only the classifiers that start from them are published
    batch = config.dataset.batch_size * config.trainer.accumulate_grad_batches
    depth, dim = config.model.get("depth"), config.model.get("dim")
    here = (config.trainer.max_steps, batch, depth, dim)
    if any(here == _size(row) for row in released() if row.task == task):
        return ""
    row = head(task) if task in HEADS else by_option()[f"{ROOT}/{task}/transformer_base"]
    return f"{_words(*here)}; published: {_words(*_size(row))} (experiment={row.option})"


def _size(row: Released) -> tuple[int, int, int, int]:
    return row.steps, row.batch_size, row.depth, row.dim


def _words(steps: int, batch: int, depth: object, dim: object) -> str:
    return f"{_counted(steps, 'step')} of {_counted(batch, 'row')}, {_counted(depth, 'layer')} of {dim}"


def _counted(number: object, noun: str) -> str:
    text = f"{number:,}" if isinstance(number, int) else str(number)
    return f"{text} {noun}" if number == 1 else f"{text} {noun}s"
