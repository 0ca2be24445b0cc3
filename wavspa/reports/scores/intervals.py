"""Scores with intervals from resampling the examples."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from wavspa.reports.scores.classification import Answers, Scores, scores_of
from wavspa.reports.scores.resampled import SEED, Resampled, draws

LEVEL = 0.95
RESAMPLES = 1000


class Estimate(NamedTuple):
    """A score and its interval; NaN is undefined, and without resamples there is no interval."""

    value: float
    interval: tuple[float, float] | None

    def plain(self) -> dict[str, Any]:
        """Its content in JSON, with None for NaN."""
        bounds = None if self.interval is None else [_or_none(bound) for bound in self.interval]
        return {"value": _or_none(self.value), "interval": bounds}


class Estimates(NamedTuple):
    """Scores with their intervals, by name."""

    overall: Mapping[str, Estimate]
    per_class: Sequence[Mapping[str, Estimate]]
    resamples: int

    def plain(self, names: Sequence[str]) -> dict[str, Any]:
        """Their content in JSON.

        Args:
            names: Names of the classes.
        """
        by_class = zip(names, self.per_class, strict=True)
        return {
            "overall": _plain(self.overall),
            "classes": {name: _plain(estimates) for name, estimates in by_class},
            "bootstrap": {"resamples": self.resamples, "seed": SEED, "level": LEVEL},
        }


def estimate(answers: Answers, resamples: int = RESAMPLES) -> Estimates:
    """Score answers, with percentile intervals of the bootstrap over examples.

    If some resamples leave a score undefined, its interval is that of the others.

    Args:
        answers: The answers, at least one.
        resamples: Number of resamples; 0: no intervals.
    """
    found = scores_of(answers)
    bounds = _bounds(answers, resamples) if resamples else None
    overall = {
        name: _estimate(value, bounds and bounds.overall[name])
        for name, value in found.overall.items()
    }
    per_class = [
        {
            name: _estimate(values[number], bounds and bounds.per_class[name][:, number])
            for name, values in found.per_class.items()
        }
        for number in range(len(answers.names))
    ]
    return Estimates(overall, per_class, resamples)


def quantiles(values: np.ndarray) -> np.ndarray:
    """The bounds [2, ...] of the interval of values [r, ...]; NaN where all are undefined."""
    tail = (1 - LEVEL) / 2
    undefined = np.isnan(values).all(axis=0)
    with_something = np.where(undefined, 0.0, values)
    bounds = np.nanquantile(with_something, [tail, 1 - tail], axis=0)
    return np.where(undefined, np.nan, bounds)


def _bounds(answers: Answers, resamples: int) -> Scores:
    resampled = Resampled(answers)
    parts = [resampled.scores(weights) for weights in draws(len(answers.labels), resamples)]
    return Scores(
        *(
            {
                name: quantiles(np.concatenate([part[kind][name] for part in parts]))
                for name in parts[0][kind]
            }
            for kind in (0, 1)
        )
    )


def _estimate(value: Any, bounds: np.ndarray | None) -> Estimate:
    # An undefined score has no interval, though some resamples may define it.
    interval = None if bounds is None or np.isnan(value) else (float(bounds[0]), float(bounds[1]))
    return Estimate(float(value), interval)


def _plain(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    return {name: one.plain() for name, one in estimates.items()}


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value
