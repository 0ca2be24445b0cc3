"""Names of runs, which depend on the configuration alone, never on the clock, a job number or chance."""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from wavspa.run_folder.labels import attention_label, option_labels

PLACES = ("data_root", "runs", "experiment_name", "name")
"""Keys that only locate files; they are blanked before a configuration is hashed."""

UNHASHED = ("rerun", "dry_run", "device", "mfu", "find", "jobs", "logger", "checkpoints")
"""Keys that do not affect results."""

LATER = {
    "dataset.together": "similar",
    "dataset.documents": "line",
    "dataset.packed": False,
    "dataset.join": " ",
    "dataset.label_kind": "class",
    "dataset.separator": ";",
    "dataset.encoding": "utf-8",
    "dataset.quoting": "strict",
    "dataset.folds": None,
    "dataset.fold": None,
    "dataset.tokenizer.end": False,
    "dataset.tokenizer.run": None,
    "dataset.tokenizer.download": True,
    "dataset.eval_limit": None,
    "model.drop_path": 0.0,
    "model.layer_scale": None,
    "model.share_attention": False,
    "model.keep_details": True,
    "task.metrics.codebleu": None,
    "trainer.max_epochs": None,
    "trainer.compile": False,
    "plugins": [],
    "trainer.profile": False,
}
"""Options that were added after runs existed, with the defaults at which they do not change names."""

_LATER_ONLY_OF = {"dataset.tokenizer.end": "wavspa.data.bpe."}
"""For an option that other targets always had: the beginning of the ``_target_`` to which it was added."""

_LONGEST = 80  # characters of a name


def config_hash(config: DictConfig, without: Sequence[str] = ()) -> str:
    """Eight hexadecimal digits that identify everything that affects a run's result.

    Args:
        config: The composed configuration, interpolations unresolved.
        without: Further top-level keys to blank, along with everything that interpolates them.
    """
    config = config.copy()
    OmegaConf.set_struct(config, False)
    for key in UNHASHED:
        config.pop(key, None)
    for key in (*PLACES, *without):
        config[key] = ""
    _identify_parent(config, by_cell="seed" in without)
    if "seed" in without and config.dataset.get("folds") is not None:
        # The folds of a cell are aggregated as its seeds are.
        config.dataset.fold = ""
    for option, default in LATER.items():
        node, _, name = option.rpartition(".")
        place = OmegaConf.select(config, node)
        if place is None or place.get(name) != default:
            continue
        if str(place.get("_target_")).startswith(_LATER_ONLY_OF.get(option, "")):
            place.pop(name, None)
    content = json.dumps(OmegaConf.to_container(config, resolve=True), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:8]


def _identify_parent(config: DictConfig, by_cell: bool) -> None:
    """Reduce ``init`` to what affects a result, which is nothing for a run that starts from scratch.

    Weights are identified by their checksum, wherever they are stored. Runs that differ only in their seed
    may start from parents that also differ only in their seed.
    """
    init = config.pop("init", None)
    parent = init and init.get("parent")
    if init is None or init["from"] is None:
        return
    told = {"from": init["from"]}
    if parent:
        weights = parent.cell if by_cell and parent.cell else parent.checksum
        told = {"weights": weights, "part": parent.part}
    config.init = {**told, "freeze": init.freeze, "layer_decay": init.layer_decay}


def run_name(config: DictConfig, overrides: Sequence[str], identity: str) -> str:
    """A readable name for a new run: data, attention, wavelet, other choices, seed, hash.

    Choices are listed as far as they fit; the hash distinguishes any two runs.

    Args:
        config: The composed configuration.
        overrides: The command line's ``key=value`` words.
        identity: The configuration's hash.
    """
    data = config.dataset.name
    if isinstance(file := config.dataset.get("train"), str):
        data = f"{data}-{Path(file).name.split('.')[0]}"
    parts = [data, attention_label(config.model.attention), config.model.wavelet]
    parts += option_labels([word for word in overrides if _tells_a_choice(word)])
    end = f"-s{config.seed}-{identity}"
    name = ""
    for part in filter(None, (_clean(str(part)) for part in parts)):
        longer = f"{name}-{part}" if name else part[: _LONGEST - len(end)]
        if len(longer) + len(end) <= _LONGEST:
            name = longer
    return name + end


def _tells_a_choice(word: str) -> bool:
    """Whether a word belongs in a name: any option of model or training, and numeric options of the data."""
    key, _, value = word.partition("=")
    return (
        not key.lstrip("+~").startswith("dataset.") or re.fullmatch(r"[\d.e+-]+", value) is not None
    )


def _clean(part: str) -> str:
    return re.sub(r"[^A-Za-z0-9._+=]+", "-", part).strip("-")
