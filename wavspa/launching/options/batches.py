"""The check that a data set yields the batches that a task and its model take."""

from typing import Any

from wavspa.data.codexglue.poj104 import Poj104
from wavspa.data.lego import LegoExample
from wavspa.data.loading.collate import Example, PairExample, Seq2SeqExample
from wavspa.errors import UserError
from wavspa.models import DualEncoder, Encoder
from wavspa.tasks import Classification, Embedding, Lego, Matching, Seq2Seq
from wavspa.tasks.targets.base import TargetTask

SEQUENCES, PAIRS, TARGETS = "single sequences", "pairs of sequences", "sources with targets"
CHAINS, PARTNERS = "chains of variables", "sequences with others of the same label"

_OF_EXAMPLES = {
    Example: SEQUENCES,
    PairExample: PAIRS,
    Seq2SeqExample: TARGETS,
    LegoExample: CHAINS,
}
# The first class that a task is an instance of counts; other tasks take any batches.
_TAKEN = (
    (Matching, (PAIRS,)),
    (Classification, (SEQUENCES,)),
    (TargetTask, (SEQUENCES, PAIRS)),
    (Seq2Seq, (TARGETS,)),
    (Embedding, (PARTNERS,)),
    (Lego, (CHAINS,)),
)
_WAYS_OUT = {
    SEQUENCES: "task=classification, regression, multilabel or masked",
    PAIRS: "task=matching, or task=regression with model/encoder=dual",
    TARGETS: "task=seq2seq",
    CHAINS: "task=lego",
    PARTNERS: "task=embedding",
}


def check_batches(task: Any, data: Any) -> None:
    """Refuse a task that does not fit the data's batches, and a model that does not fit either.

    The user's own parts may have other batches and are not checked.

    Args:
        task: The task, with its model.
        data: The DataModule.

    Raises:
        UserError: They cannot be combined.
    """
    if not (_is_ours(task) and _is_ours(data)):
        return
    held = PARTNERS if isinstance(data, Poj104) else _OF_EXAMPLES.get(data.example)
    taken = next((taken for kind, taken in _TAKEN if isinstance(task, kind)), None)
    if held is None or taken is None:
        return
    name = f"task={type(task).__name__.lower()}"
    if held not in taken:
        raise UserError(
            f"{name} takes {' or '.join(taken)}, but {data.name} holds {held}: choose {_WAYS_OUT[held]}, or "
            "another dataset"
        )
    if _is_ours(task.model) and (wrong := _wrong_model(task.model, held)):
        raise UserError(f"{name} with {held} needs {wrong}")


def _wrong_model(model: Any, held: str) -> str | None:
    """What to choose instead of a model with other batches or outputs; None if the model fits."""
    if held == PAIRS:
        return None if isinstance(model, DualEncoder) else "model/encoder=dual"
    if held not in (SEQUENCES, CHAINS):
        return None  # the task checks the model itself
    if not isinstance(model, Encoder) or model.head is None:
        return (
            "model/encoder=token" if held == CHAINS else "model/encoder=classifier (series: series)"
        )
    if (model.pool.kind == "token") != (held == CHAINS):
        wanted = "token" if held == CHAINS else "mean, or another with one vector"
        return f"model.pool={wanted}, got {model.pool.kind}"
    return None


def _is_ours(part: Any) -> bool:
    return type(part).__module__.split(".")[0] == "wavspa"
