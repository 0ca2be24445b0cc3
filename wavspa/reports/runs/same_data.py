"""Groups of cells on the same data, under any name: only their numbers can be compared."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from wavspa.reports.runs.collect import Run
from wavspa.reports.runs.config_keys import distinguishing_options
from wavspa.reports.runs.labels import data_label

SPLITS = ("train", "val", "test")
# Choices that make other tokens from the same examples; a protocol has its own rule in the tables.
_OF_TOKENS = ("tokenizer", "stored_length", "protocol")
# The choice of a fold, which differs among the runs of a cell.
_FOLD = "fold"


class _Data(NamedTuple):
    """The identity of a cell's data: equal if the data are the same."""

    name: str
    fingerprint: str


def data_labels(groups: Sequence[Sequence[Run]]) -> list[str]:
    """The label of each cell's data: equal only for the same data.

    The labels of different data with one name add their files or other differences: ``files (train=a.csv)``.
    Cells without a card so far get the label of the others with the same configuration of the data, if those
    agree.

    Args:
        groups: The runs of each cell.
    """
    described = [_described(group) for group in groups]
    data = _with_those_without_card(groups, described)
    facts = dict(zip(data, described, strict=True))
    distinct = list(facts)
    told = distinguishing_options(list(facts.values()), [(known.name,) for known in distinct])
    labels = {
        known: f"{known.name} ({words})" if words else known.name
        for known, words in zip(distinct, told, strict=True)
    }
    return [labels[known] for known in data]


def _described(group: Sequence[Run]) -> dict[str, Any]:
    """Facts that distinguish a cell's data from others, starting with those that a person knows them by."""
    dataset = group[0].config["dataset"]
    card = _card(group)
    choices = card.get("choices", {})
    folds = dataset.get("folds")
    # Folds may differ by an example.
    splits = {} if folds else card.get("splits", {})
    facts = {
        **{key: value for key, value in choices.items() if key not in (*_OF_TOKENS, _FOLD)},
        **({"folds": folds} if folds else {}),
        **_of_config(dataset),
        **{f"{split}_examples": of["examples"] for split, of in splits.items()},
    }
    files = {key: Path(dataset[key]).name for key in SPLITS if isinstance(dataset.get(key), str)}
    return {**files, **facts, "fingerprint": _fingerprint(facts)}


def _with_those_without_card(
    groups: Sequence[Sequence[Run]], described: Sequence[Mapping[str, Any]]
) -> list[_Data]:
    data = [
        _Data(data_label(group), facts["fingerprint"])
        for group, facts in zip(groups, described, strict=True)
    ]
    configs = [_fingerprint(_of_config(group[0].config["dataset"])) for group in groups]
    carded: dict[str, set[_Data]] = {}
    for group, config, known in zip(groups, configs, data, strict=True):
        if _card(group):
            carded.setdefault(config, set()).add(known)
    return [
        next(iter(carded[config]))
        if not _card(group) and len(carded.get(config, ())) == 1
        else known
        for group, config, known in zip(groups, configs, data, strict=True)
    ]


def _of_config(dataset: Mapping[str, Any]) -> dict[str, Any]:
    # Data from before this limit existed keep their fingerprint.
    later = {"eval_limit": dataset["eval_limit"]} if dataset.get("eval_limit") else {}
    return {key: dataset.get(key) for key in ("name", "checksum", "limit")} | later


def _card(group: Sequence[Run]) -> Mapping[str, Any]:
    return next((run.card for run in group if run.card), {})


def _fingerprint(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]
