"""Transformers for torchmetrics, loaded on first use.

torchmetrics, which Lightning imports, imports transformers for text metrics that no run here uses: that
would add half a second to a second to every start.
"""

import sys
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from typing_extensions import override

_LATER, _ITS_USER = "transformers", "torchmetrics"


def defer_transformers() -> None:
    """Give torchmetrics, when it is imported, stand-ins for the classes of transformers.

    It uses only their class methods, the first of which loads transformers. Nothing else sees a stand-in.
    """
    if not {_LATER, _ITS_USER} & sys.modules.keys() and find_spec(_LATER):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Puts a stand-in in place of transformers while torchmetrics is loaded."""

    @override
    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname != _ITS_USER:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is None or spec.loader is None or _LATER in sys.modules:
            return spec
        load = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            sys.modules[_LATER] = _StandIn(_LATER)
            try:
                load(module)
            finally:
                del sys.modules[_LATER]

        # The loader belongs to this spec alone.
        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


class _StandIn(ModuleType):
    """A module that has any class it is asked for."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = find_spec(name)

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Later(name, (), {})


class _Later(type):
    """A class that takes its class methods from the class with the same name in transformers."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(getattr(import_module(_LATER), cls.__name__), name)
