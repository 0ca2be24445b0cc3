import pytest

from wavspa.errors import UserError
from wavspa.reports.figures.bands import draw_energies, draw_orthogonality
from wavspa.reports.figures.style import save

ROWS = [
    {"step": 1, "train/loss": 2.0},
    {"step": 5, "energy/layer1/cA1": 0.75, "energy/layer1/cD1": 0.25, "orthogonality/layer1": 0.1},
    {"step": 9, "energy/layer1/cA1": 0.5, "energy/layer1/cD1": 0.5, "orthogonality/layer1": 0.2},
]


def test_shares_are_stacked_over_the_validated_steps(tmp_path):
    figure = draw_energies(ROWS)
    (axis,) = figure.axes
    lower, upper = axis.collections
    assert lower.get_paths()[0].get_extents().bounds == (5, 0, 4, 75)
    assert upper.get_paths()[0].get_extents().bounds == (5, 50, 4, 50)
    save(figure, tmp_path / "energy.svg")
    for label in ("layer 1", "optimizer steps", "energy of the band / %", "cA1", "cD1"):
        assert f"<!-- {label} -->" in (tmp_path / "energy.svg").read_text(), label


def test_errors_are_lines():
    (axis,) = draw_orthogonality(ROWS).axes
    (line,) = axis.lines
    assert line.get_xydata().tolist() == [[5, 0.1], [9, 0.2]]
    assert (line.get_label(), axis.get_ylabel()[:13]) == ("layer 1", "orthogonality")


@pytest.mark.parametrize("draw", [draw_energies, draw_orthogonality])
def test_nothing_logged(draw):
    with pytest.raises(UserError, match=r"metrics\.csv holds no (energy|orthogonality)/…"):
        draw(ROWS[:1])
