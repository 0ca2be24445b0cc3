"""The presets in Hydra's ConfigStore, each made when it is loaded: there are hundreds."""

import re
from functools import cache, cached_property
from typing import Any

from hydra.core.config_store import ConfigNode, ConfigStore
from omegaconf import DictConfig, OmegaConf

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
            place = place.setdefault(folder, _Folder())
        place[f"{name}.yaml"] = _Preset(option)


class _Folder(dict[str, Any]):
    """A group of the store. Hydra copies the store for each group that it lists; presets never change."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Folder":
        return self


class _Preset(ConfigNode):
    """An entry of the store without its content, which a list of entries, as in --help, does not ask for."""

    def __init__(self, option: str) -> None:
        *folders, name = option.split("/")
        self.name, self.group = f"{name}.yaml", "/".join([GROUP, *folders])
        self.package, self.provider = "_global_", "wavspa"
        self._option = option

    # ConfigNode has it as an attribute that anybody may set, which it stays.
    @cached_property
    def node(self) -> DictConfig:  # type: ignore[override]
        row, as_published = options()[self._option]
        # Apart, for they have one number of steps for each task, and the released ones have many.
        experiment = TABLE if "/table/" in self._option else ROOT
        experiment += f"/{AS_PUBLISHED}" if as_published else ""
        return OmegaConf.create(preset(row, as_published, re.sub("[/_]", "-", experiment)))


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
