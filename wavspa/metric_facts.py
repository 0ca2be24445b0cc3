"""Facts about the metrics that tasks log: whether high or low is best, the unit, when they are undefined."""

import re
from typing import Literal, NamedTuple

Direction = Literal["min", "max"]

PERCENT = 100
SPLITS = ("train/", "val/", "test/")
NUMBERED = re.compile(r"_\d+$")


class Fact(NamedTuple):
    """The facts about a metric.

    Attributes:
        best: Whether its best value is the highest or the lowest.
        is_share: Whether it is between 0 and 1, so that tables show it in per cent.
        of_two: Whether it is undefined on examples of a single class.
    """

    best: Direction
    is_share: bool = True
    of_two: bool = False


METRICS = {
    "loss": Fact("min", is_share=False),
    "perplexity": Fact("min", is_share=False),
    "accuracy": Fact("max"),
    "accuracy_beyond": Fact("max"),
    "f1": Fact("max"),
    "precision": Fact("max"),
    "recall": Fact("max"),
    "f1_micro": Fact("max"),
    "f1_macro": Fact("max"),
    "map": Fact("max"),
    "subset_accuracy": Fact("max"),
    "mae": Fact("min", is_share=False),
    "r2": Fact("max", is_share=False),
    "spearman": Fact("max", is_share=False),
    "auroc": Fact("max", of_two=True),
    "f1_at_5_fpr": Fact("max", of_two=True),
    "map_at_r": Fact("max"),
    "token_accuracy": Fact("max"),
    "token_f1": Fact("max"),
    "entity_f1": Fact("max"),
    "entity_precision": Fact("max"),
    "entity_recall": Fact("max"),
    "sentence_bleu": Fact("max"),
    "bleu": Fact("max"),
    "sacrebleu": Fact("max"),
    "codebleu": Fact("max"),
    "exact_match": Fact("max"),
    "empty": Fact("min"),
    "cut_off": Fact("min"),
}


def fact(metric: str) -> Fact | None:
    """The facts about a metric; None for one that no task of wavspa logs.

    Args:
        metric: Its name, such as ``val/accuracy``; a number at its end, as in ``accuracy_3``, is ignored.
    """
    for split in SPLITS:
        metric = metric.removeprefix(split)
    return METRICS.get(metric) or METRICS.get(NUMBERED.sub("", metric))


def direction(metric: str) -> Direction | None:
    """Whether the best value of a metric is the highest or the lowest; None if that is not known."""
    known = fact(metric)
    return known and known.best


def in_percent(metric: str) -> bool:
    """Whether tables show a metric in per cent; an unknown one is shown unscaled."""
    known = fact(metric)
    return known is not None and known.is_share


def factor(metric: str) -> int:
    """The factor by which tables multiply a metric."""
    return PERCENT if in_percent(metric) else 1


def digits(metric: str) -> int:
    """The decimal places that tables show of a metric."""
    return 2 if in_percent(metric) else 4
