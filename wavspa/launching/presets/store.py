"""The presets in Hydra's ConfigStore, each built only when it is loaded, as there are hundreds."""

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
"""The folders of presets that messages name; some contain further folders."""


@cache
def options() -> dict[str, tuple[Released, bool]]:
    """Every preset by its value of ``experiment=``: its row, and whether it behaves as upstream does."""
    rows = {**by_option(), **cells()}
    published = {
        option.replace(ROOT, f"{ROOT}/{AS_PUBLISHED}", 1): (row, True)
        for option, row in rows.items()
    }
    return {**{option: (row, False) for option, row in rows.items()}, **published}


def below(folder: str) -> list[str]:
    """The presets in a folder and its subfolders; those below ``as_published`` only if it is such a folder.

    Args:
        folder: The folder, such as ``paper/table``.
    """
    found = [option for option in options() if option.startswith(f"{folder}/")]
    apart = [option for option in found if not option.startswith(f"{ROOT}/{AS_PUBLISHED}/")]
    return apart or found


def preset_names() -> list[str]:
    """The names of all presets and of the folders that hold them."""
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
    """A group of the store that is not copied: Hydra copies the store for each group that it lists."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Folder":
        return self


class _Preset(ConfigNode):
    """An entry of the store that builds its content on access, as a list of entries (--help) needs none."""

    def __init__(self, option: str) -> None:
        *folders, name = option.split("/")
        self.name, self.group = f"{name}.yaml", "/".join([GROUP, *folders])
        self.package, self.provider = "_global_", "wavspa"
        self._option = option

    # In ConfigNode this is an attribute that may be set; with cached_property it still is.
    @cached_property
    def node(self) -> DictConfig:  # type: ignore[override]
        row, as_published = options()[self._option]
        # In separate folders: the table has one number of steps per task, the released presets have many.
        experiment = TABLE if "/table/" in self._option else ROOT
        experiment += f"/{AS_PUBLISHED}" if as_published else ""
        return OmegaConf.create(preset(row, as_published, re.sub("[/_]", "-", experiment)))


def with_presets(word: str) -> str:
    """A word of a sweep in which each folder of presets is replaced by the presets in it.

    Args:
        word: ``experiment=paper/table`` becomes ``experiment=paper/table/listops/softmax-none,…``.
    """
    key, _, value = word.partition("=")
    if key.lstrip("+") != GROUP:
        return word
    names = [name for part in value.split(",") for name in below(part.strip("/")) or [part]]
    return f"{key}={','.join(names)}"
