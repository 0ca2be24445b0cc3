"""The space of a search: conversion between ranges in Hydra's syntax and Optuna's distributions."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from wavspa.errors import UserError
from wavspa.launching.sweeps.sweeper import check_step, swept_values

_LOG = "log"


class Space(NamedTuple):
    """The overrides that all trials share, and a distribution for each key that is searched."""

    fixed: Sequence[str]
    searched: Mapping[str, BaseDistribution]

    def words(self, values: Mapping[str, Any]) -> list[str]:
        """The overrides of a trial.

        Args:
            values: The trial's value for each searched key.
        """
        return [*self.fixed, *self.own_words(values)]

    def own_words(self, values: Mapping[str, Any]) -> list[str]:
        """The overrides of a trial that the other trials do not share."""
        return [f"{key}={_text(value)}" for key, value in values.items()]

    def lowest(self) -> dict[str, Any]:
        """The first choice or lowest value of each key."""
        return {key: _ends(distribution)[0] for key, distribution in self.searched.items()}

    def one_by_one(self) -> list[dict[str, Any]]:
        """Every choice and both ends of every range, with the other keys at their lowest."""
        lowest = self.lowest()
        return [
            {**lowest, key: value}
            for key, distribution in self.searched.items()
            for value in _ends(distribution)
        ]


def space_of(overrides: Sequence[Override]) -> Space:
    """Sort a command line into fixed and searched keys.

    Args:
        overrides: Its overrides; the last one for a key counts.

    Raises:
        UserError: Nothing is searched, or a range cannot be searched.
    """
    last = {override.key_or_group: override for override in overrides}
    fixed = [str(o.input_line) for o in last.values() if not o.is_sweep_override()]
    searched = {
        o.get_key_element(): _distribution(o) for o in last.values() if o.is_sweep_override()
    }
    if not searched:
        raise UserError(
            "nothing to search: give a key a range or choices, such as "
            "'optimizer.lr=tag(log, interval(1e-4, 1e-2))' or model/wavelet=ada,ortho"
        )
    if "seed" in searched:
        raise UserError(
            "seed cannot be searched, since a search would choose the luckiest one: search with one seed, "
            "then train the best trial with others (-m seed=2,3,4)"
        )
    return Space(fixed, searched)


def _distribution(override: Override) -> BaseDistribution:
    sweep: Any = override.value()
    log = _is_log(override, getattr(sweep, "tags", set()))  # a glob has none
    if isinstance(sweep, IntervalSweep):
        return _number(override, sweep.start, sweep.end, None, log)
    if isinstance(sweep, RangeSweep):
        check_step(override)
        values = list(sweep.range())
        if not values:
            raise UserError(f"{override.input_line} is empty")
        return _number(override, min(values), max(values), abs(sweep.step), log)
    if log:
        raise UserError(f"{override.input_line}: the tag log only applies to ranges of numbers")
    return CategoricalDistribution(swept_values(override))


def _is_log(override: Override, tags: set[str]) -> bool:
    if unknown := tags - {_LOG}:
        raise UserError(f"{override.input_line}: the tag {min(unknown)!r} is unknown; choose log")
    return _LOG in tags


def _number(override: Override, low: Any, high: Any, step: Any, log: bool) -> BaseDistribution:
    typed = override.input_line
    if step is None and not low < high:
        raise UserError(f"{typed} is empty: give the lower end first")
    if log and low <= 0:
        raise UserError(f"{typed}: a logarithmic range must be above 0")
    if log and step not in (None, 1):
        raise UserError(f"{typed}: a logarithmic range must have a step of 1 or no step")
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high, log=log, step=step or 1)
    if log and step is not None:
        raise UserError(f"{typed}: a logarithmic range of fractions must be an interval")
    return FloatDistribution(low, high, log=log, step=step)


def _ends(distribution: Any) -> list[Any]:
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    return [distribution.low, distribution.high]


def _text(value: Any) -> str:
    # A search cannot resolve more than six digits, and names stay readable.
    return f"{value:.6g}" if isinstance(value, float) else str(value)
