"""Plugins: the user's own modules with attention bases, modes, data sets, tasks and optimizers.

A plugin is named by the option ``plugins`` or installed with an entry point of the group
``wavspa.plugins``. It is imported by every process that works with the run, before anything is built;
importing it registers its bases and modes, and a ``_target_`` may name anything in it.
"""

import hashlib
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, entry_points, packages_distributions, version
from pathlib import Path
from typing import Any

from wavspa.errors import UserError, first_line
from wavspa.git_commit import commit_of

GROUP = "wavspa.plugins"
# Packages whose content a ``_target_`` may name without a plugin.
TRUSTED = ("wavspa", "torch", "pytorch_lightning", "lightning", "torchmetrics")

_imported: dict[str, None] = {}  # names in the order of their import


def import_plugins(
    names: Iterable[str], frozen: Mapping[str, Mapping[str, Any]] | None = None
) -> None:
    """Import the plugins that are installed with an entry point, and the named ones.

    Args:
        names: Import names of modules.
        frozen: The result of :func:`describe_plugins` when the run was made, for the message.

    Raises:
        UserError: One cannot be imported, belongs to Python itself, or to a package that needs no plugin.
    """
    for point in entry_points(group=GROUP):
        _import(point.module, f"the entry point {point.name} ({GROUP})", {})
    for name in names:
        _import(name, "plugins", (frozen or {}).get(name, {}))


def is_of_plugin(dotted: str) -> bool:
    """Whether a dotted path is an imported plugin, or inside one."""
    return any(dotted == name or dotted.startswith(f"{name}.") for name in _imported)


def missing_plugins(names: Iterable[str]) -> list[str]:
    """The modules among ``names`` that have not been imported yet."""
    return [name for name in names if name not in sys.modules]


def describe_plugins(names: Iterable[str] = ()) -> dict[str, dict[str, str | None]]:
    """The version, path, git commit and checksum of imported plugins, by name.

    Args:
        names: The plugins that the run names; installed ones are added.
    """
    installed = [point.module for point in entry_points(group=GROUP)]
    wanted = dict.fromkeys([*installed, *names])
    return {name: _described(name) for name in wanted if name in _imported}


def _import(name: str, option: str, frozen: Mapping[str, Any]) -> None:
    if name in _imported:
        return
    package = name.partition(".")[0]
    if package in sys.stdlib_module_names:
        raise UserError(f"{option} must be your modules, got {name!r}, which is Python's")
    if package in TRUSTED:
        raise UserError(
            f"{option} must be your modules, got {name!r}: {package} may be named without a plugin"
        )
    try:
        import_module(name)
    except (
        Exception,
        SystemExit,
    ) as error:  # the module's own code may raise anything, or exit
        absent = isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}.")
        way = (
            "install its package in this environment, or put its folder on PYTHONPATH"
            if absent
            else "WAVSPA_DEBUG=1 shows the traceback"
        )
        raise UserError(
            f"{option}: {name} cannot be imported ({first_line(error)}){_origin(frozen)}: {way}"
        ) from error
    _imported[name] = None


def _origin(frozen: Mapping[str, Any]) -> str:
    if not frozen:
        return ""
    known = [str(frozen[key]) for key in ("version", "commit") if frozen.get(key)]
    made_with = " of ".join(filter(None, [" ".join(known), str(frozen.get("path"))]))
    return f"; the run was made with {made_with}"


def _described(name: str) -> dict[str, str | None]:
    file = getattr(sys.modules[name], "__file__", None)
    commit = commit_of(Path(file)) if file else None
    checksum = _checksum(Path(file)) if file else None
    return {"version": _version(name), "path": file, "commit": commit, "checksum": checksum}


def _checksum(file: Path) -> str:
    """The SHA-256 of a module or of a complete package: not every plugin has a version or is in git."""
    files = sorted(file.parent.rglob("*.py")) if file.name == "__init__.py" else [file]
    digest = hashlib.sha256()
    for one in files:
        digest.update(f"{one.relative_to(file.parent).as_posix()}\0".encode())
        digest.update(one.read_bytes() if one.is_file() else b"")
    return digest.hexdigest()


def _version(name: str) -> str | None:
    """The version of the package that installed a module, or that of the module itself."""
    for package in packages_distributions().get(name.partition(".")[0], ()):
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    own = getattr(sys.modules[name], "__version__", None)
    return None if own is None else str(own)
