"""Sphinx roles in docstrings, such as ``:class:``, shown as plain code: the last part of the name."""

import re
from typing import Any

import griffe

ROLE = re.compile(r":(?:class|func|meth|data|mod):`~?(?:[\w.]+\.)?(\w+)`")


class Roles(griffe.Extension):
    """Rewrites docstrings as they are collected."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring:
            obj.docstring.value = ROLE.sub(r"`\1`", obj.docstring.value)
