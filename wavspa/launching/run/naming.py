"""Names of runs: a function of the configuration, without clock, job number or chance."""

import hashlib
import json
import re
from collections.abc import Sequence

from omegaconf import DictConfig, OmegaConf

from wavspa.run_folder.labels import attention_label, option_labels

PLACES = ("data_root", "runs", "experiment_name", "name")
"""Keys that say where files lie; they are blanked before a configuration is hashed."""

UNHASHED = ("rerun", "dry_run", "find", "jobs", "logger", "checkpoints")
"""Keys that do not shape a result."""

LATER = {
    "trainer.max_epochs": None,
}
"""Options that came when runs had been made, by their default, at which they leave names as they were."""

_LONGEST = 120


def config_hash(config: DictConfig, without: Sequence[str] = ()) -> str:
    """Eight hexadecimal digits that identify what shapes a run's result.

    Args:
        config: The composed configuration, interpolations unresolved.
        without: Further top-level keys to blank, with all that interpolates them.
    """
    config = config.copy()
    OmegaConf.set_struct(config, False)
    for key in UNHASHED:
        config.pop(key, None)
    for key in (*PLACES, *without):
        config[key] = ""
    for option, default in LATER.items():
        node, _, name = option.rpartition(".")
        if OmegaConf.select(config, option) == default:
            OmegaConf.select(config, node).pop(name, None)
    content = json.dumps(OmegaConf.to_container(config, resolve=True), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:8]


def run_name(config: DictConfig, overrides: Sequence[str], identity: str) -> str:
    """A readable name: dataset, attention, wavelet, what else was chosen, seed, hash.

    Args:
        config: The composed configuration.
        overrides: The command line's ``key=value`` words.
        identity: The configuration's hash.
    """
    parts = [config.dataset.name, attention_label(config.model.attention), config.model.wavelet]
    parts += option_labels(overrides)
    label = "-".join(_clean(str(part)) for part in parts)[:_LONGEST].rstrip("-")
    return f"{label}-s{config.seed}-{identity}"


def _clean(part: str) -> str:
    return re.sub(r"[^A-Za-z0-9._+]+", "-", part.replace("=", "")).strip("-")
