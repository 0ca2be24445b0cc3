"""Labels by name, of which a row has one, several, or one for each of its words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from wavspa.data.labels import alike
from wavspa.data.preparation.store import Facts, Splits
from wavspa.data.targets.base import Target


class NamedTarget(Target):
    """Labels whose ids count from 0 in the order of their names, which the card keeps.

    Attributes:
        names: Names of the labels, by their ids.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__(columns)
        self.names: list[str] = []
        self._ids: dict[str, int] = {}
        self._counts: Counter[str] = Counter()
        self._where = "train"

    def open(self, card: Mapping[str, Any]) -> None:
        """Take the names."""
        self._name(card.get("label_names", []))

    def facts(self, splits: Splits) -> Facts:
        """The names, and those that look alike."""
        groups = alike(self._counts)
        return {"label_names": self.names, **({"alike_labels": groups} if groups else {})}

    def outputs(self, card: Mapping[str, Any]) -> int:
        """One for each name."""
        return len(card["label_names"])

    def _name(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self._ids = {name: number for number, name in enumerate(self.names)}
