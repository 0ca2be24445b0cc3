"""The labels of a run's choices in folder names, tables and figures."""

from collections.abc import Sequence

_UNLABELLED = {
    "data_root",
    "runs",
    "experiment_name",
    "name",
    "rerun",
    "dry_run",
    "device",
    "mfu",
    "find",
    "jobs",
    "logger",
    "plugins",
    "seed",
    "experiment",
    "dataset",
    "model/attention",
    "model/wavelet",
    "model.attention",
    "model.wavelet",
}
QUOTES = "'\""


def attention_label(attention: str | Sequence[str]) -> str:
    """The attention's name, or the names of a list of bands joined by ``+``."""
    return attention if isinstance(attention, str) else "+".join(attention)


def option_labels(overrides: Sequence[str]) -> list[str]:
    """Short labels for the overrides that the other parts of a name do not show.

    Args:
        overrides: The command line's ``key=value`` words.

    Returns:
        The chosen options of groups, then ``key=value`` without the key's path; both sorted.
    """
    groups, values = [], []
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        if key in _UNLABELLED or key.startswith("logger."):
            continue
        if key == "init.from":
            values.append(f"init={value.strip(QUOTES).rstrip('/').rsplit('/', 1)[-1]}")
        elif "." in key:
            values.append(f"{key.rsplit('.', 1)[-1]}={value}")
        else:
            groups.append(value)
    return [*sorted(groups), *sorted(values)]
