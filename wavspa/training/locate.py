"""Classes and functions by their dotted path, from the packages that a configuration may name."""

import pkgutil
from typing import Any

from wavspa.errors import UserError

ALLOWED_PACKAGES = ("wavspa", "torch", "pytorch_lightning", "lightning", "torchmetrics")


def locate(target: str) -> Any:
    """Find the class or function that a ``_target_`` names.

    Args:
        target: A dotted path. Both the path and the object it leads to must belong to one of
            ``ALLOWED_PACKAGES`` (``wavspa.launching.subprocesses.os.system`` does not).

    Raises:
        UserError: It is unknown, or is elsewhere.
    """
    allowed = ", ".join(ALLOWED_PACKAGES)
    if _package(target) not in ALLOWED_PACKAGES:
        raise UserError(f"_target_ {target!r} is not in one of the packages {allowed}")
    try:
        found = pkgutil.resolve_name(target)
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(f"_target_ {target!r} does not exist: {_last_line(error)}") from error
    if _package(getattr(found, "__module__", None) or "") not in ALLOWED_PACKAGES:
        raise UserError(f"_target_ {target!r} leads outside the packages {allowed}")
    return found


def _package(dotted: str) -> str:
    return dotted.split(".", 1)[0]


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1]
