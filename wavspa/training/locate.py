"""Classes and functions by their dotted path, from the packages and plugins that a configuration may name."""

import pkgutil
from typing import Any

from wavspa.errors import UserError
from wavspa.plugins import TRUSTED, is_of_plugin


def locate(target: str) -> Any:
    """Find the class or function that a ``_target_`` names.

    Args:
        target: A dotted path. Both the path and the object it leads to must belong to one of
            ``TRUSTED`` (``wavspa.launching.subprocesses.os.system`` does not), or to a plugin
            that was imported (:mod:`wavspa.plugins`).

    Raises:
        UserError: It is unknown, or belongs to another package.
    """
    allowed = f"{', '.join(TRUSTED)} and the plugins"
    if not _is_allowed(target):
        raise UserError(
            f"_target_ {target!r} is not in one of the packages {allowed}; your own module is named "
            f"by plugins=[{target.rpartition('.')[0] or target}]"
        )
    try:
        found = pkgutil.resolve_name(target)
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(f"_target_ {target!r} does not exist: {_last_line(error)}") from error
    home = getattr(found, "__module__", None) or ""
    if not _is_allowed(home):
        raise UserError(f"_target_ {target!r} leads to {home}, outside the packages {allowed}")
    return found


def _is_allowed(dotted: str) -> bool:
    return dotted.split(".", 1)[0] in TRUSTED or is_of_plugin(dotted)


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1]
