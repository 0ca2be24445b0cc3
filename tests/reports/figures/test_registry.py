import subprocess
import sys

import pytest

from wavspa.errors import UserError
from wavspa.launching.analysis.figures import FigureData
from wavspa.launching.run.wandb_figures import _TrainingRun
from wavspa.reports.figures.registry import FIGURES, WHILE_TRAINING, check_live


def test_runs_have_what_figures_need():
    assert all(hasattr(FigureData, figure.needs) for figure in FIGURES.values())
    assert all(hasattr(_TrainingRun, name) for name in WHILE_TRAINING)


def test_while_a_run_trains_there_are_those_whose_needs_it_has():
    check_live("figures", ["filters", "cascade", "energy", "orthogonality", "confusion"])
    for name in ("curves", "lengths", "attention", "filter"):
        with pytest.raises(UserError, match=f"^figures='{name}' is unknown; choose one of filters"):
            check_live("figures", [name])


def test_naming_them_does_not_wait_for_matplotlib():
    program = "import sys, wavspa.reports.figures.registry; print('matplotlib' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
