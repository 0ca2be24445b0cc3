"""Labels that are numbers, as files spell them."""

import pytest

from wavspa.data.targets.numbers import Numbers
from wavspa.errors import UserError


@pytest.mark.parametrize(
    ("value", "number"),
    [(3, 3.0), ("3", 3.0), (" -0.5 ", -0.5), ("1e-3", 0.001)],
)
def test_spellings_of_a_number(value: object, number: float) -> None:
    assert Numbers(["y"]).read([value], "here") == (number,)


@pytest.mark.parametrize(
    "value", ["", "a", "nan", "-inf", "1e999", True, None, [1], pytest.param(10**400, id="large")]
)
def test_others_are_named_with_their_place(value: object) -> None:
    with pytest.raises(UserError, match=r"line 3: the column 'y' holds .* not a finite number"):
        Numbers(["y"]).read([value], "a.csv, line 3")
