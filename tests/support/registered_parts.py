"""Parts that a test registers, forgotten when it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hydra.core.config_store import ConfigStore

from wavspa import registry
from wavspa.attention import BASES
from wavspa.wavelets.modes import MODES


@contextmanager
def forgotten_parts() -> Iterator[None]:
    """Take what was registered meanwhile out of all places that other tests look at."""
    places = [BASES, MODES, registry._registered]
    before = [dict(place) for place in places]
    offered = [set(_offered(option)) for option in ("attention", "wavelet")]
    registry._registered.clear()
    try:
        yield
    finally:
        for place, content in zip(places, before, strict=True):
            place.clear()
            place.update(content)  # type: ignore[arg-type]
        for option, names in zip(("attention", "wavelet"), offered, strict=True):
            for name in set(_offered(option)) - names:
                del _offered(option)[name]


def _offered(option: str) -> dict[str, Any]:
    """The entries of Hydra's store for a group of models."""
    entries: dict[str, Any] = ConfigStore.instance().repo.get("model", {}).get(option, {})
    return entries
