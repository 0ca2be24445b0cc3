import pytest

from wavspa.data.labels import binary
from wavspa.errors import UserError


@pytest.mark.parametrize(
    ("value", "label"),
    [(0, 0), (1, 1), (False, 0), (True, 1), (1.0, 1), ("0", 0), (" 1", 1), ("0.0", 0), ("True", 1)],
)
def test_spellings_of_0_and_1(value: object, label: int) -> None:
    assert binary(value, "here") == label


@pytest.mark.parametrize("value", [2, -1, 0.5, "yes", "", None, [1]])
def test_others_are_named_with_their_place(value: object) -> None:
    with pytest.raises(UserError, match=r"a\.csv, line 3: the label .* is neither 0 nor 1"):
        binary(value, "a.csv, line 3")
