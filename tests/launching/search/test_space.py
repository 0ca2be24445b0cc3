import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from optuna.distributions import CategoricalDistribution as Choice
from optuna.distributions import FloatDistribution as Float
from optuna.distributions import IntDistribution as Int

from wavspa.errors import UserError
from wavspa.launching.search.space import space_of


def space(*words):
    return space_of(OverridesParser.create().parse_overrides(list(words)))


@pytest.mark.parametrize(
    ("word", "distribution"),
    {
        "a.b=interval(0, 0.5)": Float(0, 0.5),
        "a.b=tag(log, interval(1e-4, 1e-2))": Float(1e-4, 1e-2, log=True),
        "a.b=int(interval(1, 8))": Int(1, 8),
        "a.b=tag(log, int(interval(16, 256)))": Int(16, 256, log=True),
        "a.b=range(1, 9)": Int(1, 8),
        "a.b=range(2, 17, 4)": Int(2, 14, step=4),
        "a.b=range(8, 0, -2)": Int(2, 8, step=2),
        "a.b=range(0.1, 0.5, 0.1)": Float(0.1, 0.4, step=0.1),
        "a.b=1,2": Choice(("1", "2")),
        "a.b=choice(yes, 2.5, [x, y])": Choice(("yes", "2.5", "[x,y]")),
        "+a/b=x,y": Choice(("x", "y")),
    }.items(),
)
def test_hydras_ranges(word, distribution):
    assert list(space(word).searched.values()) == [distribution]


@pytest.mark.parametrize(
    ("word", "message"),
    {
        "a=1": "nothing to search",
        "seed=1,2": "^seed cannot be searched",
        "a=interval(2, 1)": r"^a=interval\(2, 1\) is empty",
        "a=interval(1, 1)": "is empty",
        "a=range(3, 3)": "is empty",
        "a=range(1, 3, 0)": r"^a=range\(1, 3, 0\): the step of a range must not be 0$",
        "a=tag(log, interval(0, 1))": "above 0",
        "a=tag(log, interval(-1, 1))": "above 0",
        "a=tag(log, range(1, 9, 2))": "a step of 1 or no step",
        "a=tag(log, choice(x, y))": "only applies to ranges of numbers",
        "a=tag(lgo, interval(1, 2))": "tag 'lgo' is unknown",
    }.items(),
)
def test_what_cannot_be_searched(word, message):
    with pytest.raises(UserError, match=message):
        space(word)


def test_a_trial_is_a_command_line():
    found = space("x=1", "~y", "+model/wavelet=ada,ortho", "lr=interval(0, 1)", "n=range(1, 5)")
    words = found.words({"+model/wavelet": "ortho", "lr": 0.123456789, "n": 3})
    assert words == ["x=1", "~y", "+model/wavelet=ortho", "lr=0.123457", "n=3"]


def test_each_end_and_choice_is_tried_once():
    found = space("w=a,b,c", "lr=interval(0, 1)")
    assert found.one_by_one() == [
        {"w": "a", "lr": 0},
        {"w": "b", "lr": 0},
        {"w": "c", "lr": 0},
        {"w": "a", "lr": 0},
        {"w": "a", "lr": 1},
    ]
