"""The figures of a run: one entry here adds one to ``wavspa-figures`` and to W&B.

A figure needs one attribute of its run, such as its filters. A trained run has all of these attributes
(:mod:`wavspa.launching.analysis.figures`), a run in training only :data:`WHILE_TRAINING`
(:mod:`wavspa.launching.run.wandb_figures`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from wavspa.checks import one_of
from wavspa.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    from wavspa.reports.figures.attention import Attended
    from wavspa.reports.figures.filters import Filters
    from wavspa.reports.runs.collect import Run

LOW_PASS = ", low pass"
WHILE_TRAINING = ("filters", "metrics", "confusion")
"""The attributes of a run in training."""


class RunFigure(NamedTuple):
    """A figure: what it shows, the attribute of a run that it needs, and the function that draws it.

    ``draw`` returns one figure, or several by name.
    """

    shows: str
    needs: str
    draw: Callable[[Any], Figure | dict[str, Figure]]

    def of(self, name: str, run: Any) -> dict[str, Figure]:
        """Draw it for a run.

        Args:
            name: Its name, which also names the picture.
            run: An object with the attribute that it needs.

        Raises:
            UserError: The run does not have what it needs.
        """
        drawn = self.draw(getattr(run, self.needs))
        return drawn if isinstance(drawn, dict) else {name: drawn}


# Drawing code is imported when it is called: --help and a run without figures need not wait for it.
def _curves(seeds: Sequence[Run]) -> Figure:
    from wavspa.reports.figures.curves import learning_curves

    return learning_curves(seeds)


def _lengths(answers: tuple[np.ndarray, np.ndarray, float]) -> Figure:
    from wavspa.reports.figures.classification import draw_lengths

    return draw_lengths(*answers)


def _filters(layers: Sequence[Filters]) -> Figure:
    from wavspa.reports.figures.filters import draw_filters

    return draw_filters(layers)


def _cascade(layers: Sequence[Filters]) -> Figure:
    from wavspa.reports.figures.cascade import draw_cascade

    low_passes = [
        layer._replace(title=layer.title.removesuffix(LOW_PASS))
        for layer in layers
        if layer.title.endswith(LOW_PASS)
    ]
    if not low_passes:
        raise UserError("the run's wavelet is not linear: it has no scaling functions")
    return draw_cascade(low_passes)


def _energy(rows: Sequence[Mapping[str, float]]) -> Figure:
    from wavspa.reports.figures.bands import draw_energies

    return draw_energies(rows)


def _orthogonality(rows: Sequence[Mapping[str, float]]) -> Figure:
    from wavspa.reports.figures.bands import draw_orthogonality

    return draw_orthogonality(rows)


def _attention(examples: Sequence[Attended]) -> dict[str, Figure]:
    from wavspa.reports.figures.attention import draw_attended

    return {
        f"attention_{number}": draw_attended(example)
        for number, example in enumerate(examples, start=1)
    }


def _confusion(counted: tuple[np.ndarray, Sequence[str], str]) -> Figure:
    from wavspa.reports.figures.classification import draw_confusion

    return draw_confusion(*counted)


FIGURES = {
    "curves": RunFigure(
        "the monitored metric over the steps, over the seeds next to the run",
        "seeds",
        _curves,
    ),
    "lengths": RunFigure("accuracy against length", "answers", _lengths),
    "filters": RunFigure(
        "filters before and after training, in time and frequency", "filters", _filters
    ),
    "cascade": RunFigure("scaling functions and wavelets", "filters", _cascade),
    "energy": RunFigure("the energy of each band over training", "metrics", _energy),
    "orthogonality": RunFigure(
        "the distance of free filters (wavelet=ada) from orthogonal ones, over training",
        "metrics",
        _orthogonality,
    ),
    "attention": RunFigure(
        "where each band of each layer looks, over the first examples", "attention", _attention
    ),
    "confusion": RunFigure("which classes are mistaken for which", "confusion", _confusion),
}


def check_live(option: str, names: Iterable[str]) -> None:
    """Refuse figures that cannot be drawn while a run trains.

    Args:
        option: The option that names them.
        names: Their names.

    Raises:
        UserError: There is such a figure.
    """
    live = [name for name, figure in FIGURES.items() if figure.needs in WHILE_TRAINING]
    for name in names:
        one_of(option, name, live)
