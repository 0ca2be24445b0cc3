import numpy as np
import pytest

from references import pathfinder as reference
from wavspa.data.lra.pathfinder.generator import Pathfinder
from wavspa.data.lra.pathfinder.stamps import SIZES, benchmark_rule, make_tables

pytestmark = pytest.mark.slow


def pictures(pixels: int, difficulty: str, n: int, faithful: bool = True) -> np.ndarray:
    return Pathfinder(benchmark_rule(pixels, difficulty, faithful), seed=0).draw(0, n).pixels


@pytest.mark.parametrize(
    ("pixels", "margin", "refused"), [(32, 1, 330), (64, 1, 265), (128, 2, 6), (128, 3, 0)]
)
def test_the_original_refuses_directions(pixels: int, margin: int, refused: int) -> None:
    assert make_tables(benchmark_rule(pixels, "hard"), margin).refused.sum() == refused
    assert not make_tables(benchmark_rule(pixels, "hard", faithful=False), margin).refused.any()


@pytest.mark.parametrize("pixels", SIZES)
def test_candidates_and_their_weights(pixels: int) -> None:
    rule = benchmark_rule(pixels, "hard")
    tables = make_tables(rule, rule.margins[0])
    radius = rule.paddle_length + rule.margins[0]
    assert 18 <= len(tables.candidates) <= 50
    distances = np.hypot(*tables.candidates.T)
    assert (np.abs(distances - radius) <= np.sqrt(2)).all()
    straight = int(np.flatnonzero((tables.candidates == [0, radius]).all(axis=1))[0])
    towards_x = tables.weights[180]
    assert towards_x[straight] == towards_x.max() == 1
    back = int(np.argmin(tables.candidates[:, 1]))
    assert towards_x[back] == 0
    # The same orientation as a candidate's weighs alike.
    np.testing.assert_allclose(tables.weights[360 + straight], towards_x)


@pytest.mark.parametrize("pixels", SIZES)
def test_stamps_are_the_reference_s(pixels: int) -> None:
    rule = benchmark_rule(pixels, "hard")
    plain = reference.Picture(rule, np.random.default_rng(0))
    tables = make_tables(rule, plain.margin)
    side = 2 * tables.half + 1
    centre = np.array([tables.half, tables.half])
    for direction in range(0, 360, 12):
        angle = (direction - 180) * np.pi / 180
        for stamps, expected in zip(
            (tables.lines, tables.masks), plain.stamp((side, side), centre, angle), strict=True
        ):
            found = np.zeros((side, side))
            y, x, value = stamps.pixels[stamps.start[direction] : stamps.start[direction + 1]].T
            found[y + tables.half, x + tables.half] = value / 255
            np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
def test_pictures_are_the_reference_s_on_average() -> None:
    rng = np.random.default_rng(0)
    drawn = [reference.picture(benchmark_rule(32, "easy"), rng)[0] for _ in range(40)]
    means = np.array([picture.mean() for picture in drawn])
    shares = np.array([(picture > 0).mean() for picture in drawn])
    ours = pictures(32, "easy", 2000)
    for sample, value in ((means, ours.mean()), (shares, (ours > 0).mean())):
        assert value == pytest.approx(sample.mean(), abs=4 * sample.std() / np.sqrt(len(sample)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pixels", "difficulty", "faithful", "n", "grey", "share"),
    [
        (32, "easy", True, 2000, 12.98, 0.228),
        (32, "intermediate", True, 2000, 15.90, 0.275),
        (32, "hard", True, 2000, 20.2, 0.342),
        (32, "hard", False, 2000, 27.7, 0.451),
        (64, "intermediate", True, 200, 12.0, 0.231),
        (64, "intermediate", False, 200, 14.3, 0.287),
        (128, "hard", True, 60, 8.0, 0.138),
        (256, "hard", True, 60, 2.95, 0.0388),
    ],
)
def test_statistics_are_the_benchmark_s(
    pixels: int, difficulty: str, faithful: bool, n: int, grey: float, share: float
) -> None:
    drawn = pictures(pixels, difficulty, n, faithful)
    assert drawn.mean() == pytest.approx(grey, rel=0.03)
    assert (drawn > 0).mean() == pytest.approx(share, rel=0.03)
    assert (drawn.max(axis=(1, 2)) == 255).all()
    assert (drawn.min(axis=(1, 2)) == 0).all()


def test_labels_are_balanced() -> None:
    labels = Pathfinder(benchmark_rule(32, "easy"), seed=0).draw(0, 4000).labels
    assert labels.mean() == pytest.approx(0.5, abs=0.03)


def test_a_margin_is_drawn_for_each_picture() -> None:
    margins = Pathfinder(benchmark_rule(128, "easy"), seed=0).draw(0, 200).margins
    assert set(margins) == {2, 3}
    assert (margins == 2).mean() == pytest.approx(0.5, abs=0.15)


def test_a_picture_is_a_function_of_its_number() -> None:
    rule = benchmark_rule(32, "hard")
    whole = Pathfinder(rule, seed=0).draw(0, 50)
    part = Pathfinder(rule, seed=0).draw(20, 10)
    np.testing.assert_array_equal(part.pixels, whole.pixels[20:30])
    np.testing.assert_array_equal(part.labels, whole.labels[20:30])
    assert len(np.unique(whole.pixels, axis=0)) == 50
    assert (Pathfinder(rule, seed=1).draw(0, 50).pixels != whole.pixels).any()


def test_any_number_of_threads_gives_the_same_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wavspa.data.lra.pathfinder.generator.CHUNK", 1024 * 16)
    rule = benchmark_rule(32, "hard")
    alone, together = (list(Pathfinder(rule, 0, threads).chunks(5, 100)) for threads in (1, 3))
    assert [len(chunk.labels) for chunk in alone] == [16] * 6 + [4]
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)
        np.testing.assert_array_equal(one.labels, other.labels)
