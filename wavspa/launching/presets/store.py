"""The presets in Hydra's ConfigStore, each made when it is asked for: there are hundreds."""

import re
from functools import cache
from typing import Any

from hydra.core.config_store import ConfigNode, ConfigStore
from omegaconf import OmegaConf

from wavspa.launching.presets.config import AS_PUBLISHED, preset
from wavspa.launching.presets.released import DATASETS, ROOT, Released, by_option
from wavspa.launching.presets.table import TABLE, cells

GROUP = "experiment"
TOP = (*(f"{ROOT}/{task}" for task in DATASETS), TABLE, f"{ROOT}/{AS_PUBLISHED}")
"""The folders of presets that messages name; there are more inside of some."""


@cache
def options() -> dict[str, tuple[Released, bool]]:
    """Every preset by what ``experiment=`` chooses it by: its row, and whether in upstream's manner."""
    rows = {**by_option(), **cells()}
    published = {
        option.replace(ROOT, f"{ROOT}/{AS_PUBLISHED}", 1): (row, True)
        for option, row in rows.items()
    }
    return {**{option: (row, False) for option, row in rows.items()}, **published}


def below(folder: str) -> list[str]:
    """The presets in a folder and in the folders there, those of the two manners apart.

    Args:
        folder: Such as ``paper/table``.
    """
    found = [option for option in options() if option.startswith(f"{folder}/")]
    apart = [option for option in found if not option.startswith(f"{ROOT}/{AS_PUBLISHED}/")]
    return apart or found


def preset_names() -> list[str]:
    """All presets, and the folders that they are in."""
    folders = (option.rpartition("/")[0] for option in options())
    return [*options(), *dict.fromkeys([*TOP, *folders])]


def register() -> None:
    """Put the presets into the ConfigStore."""
    group = ConfigStore.instance().repo.setdefault(GROUP, {})
    for option in options():
        *folders, name = option.split("/")
        place: dict[str, Any] = group
        for folder in folders:
            place = place.setdefault(folder, _Presets())
        place[f"{name}.yaml"] = option


class _Presets(dict[str, Any]):
    """A group of the store, whose entries become nodes when they are taken out."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        return _node(value) if isinstance(value, str) else value


def _node(option: str) -> ConfigNode:
    row, as_published = options()[option]
    *folders, name = option.split("/")
    # Apart, for they have one number of steps for each task, and the released ones have many.
    experiment = TABLE if "/table/" in option else ROOT
    experiment += f"/{AS_PUBLISHED}" if as_published else ""
    return ConfigNode(
        name=f"{name}.yaml",
        node=OmegaConf.create(preset(row, as_published, re.sub("[/_]", "-", experiment))),
        group="/".join([GROUP, *folders]),
        package="_global_",
        provider="wavspa",
    )


def with_presets(word: str) -> str:
    """A word of a sweep with the presets in place of the folders of them that it names.

    Args:
        word: ``experiment=paper/table`` becomes ``experiment=paper/table/listops/softmax-none,…``.
    """
    key, _, value = word.partition("=")
    if key.lstrip("+") != GROUP:
        return word
    names = [name for part in value.split(",") for name in below(part.strip("/")) or [part]]
    return f"{key}={','.join(names)}"
