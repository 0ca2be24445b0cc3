import numpy as np
import pytest

from wavspa.data.loading.widths import bucket_widths


@pytest.mark.parametrize(
    ("lengths", "most"),
    [((500, 1999), 2000), ((1, 4096), 4096), ((7, 65_536), 65_536), ((3, 50), 60)],
)
def test_few_widths_fit_every_length(lengths: tuple[int, int], most: int) -> None:
    widths = np.array(bucket_widths(np.arange(lengths[0], lengths[1] + 1), most))
    assert len(widths) <= 16
    assert (np.diff(widths) > 0).all()
    assert (widths[:-1] % 64 == 0).all()
    assert lengths[1] <= widths[-1] <= most
    # No row is padded by more than a step of the geometric series and a rounding to 64.
    growth = (lengths[1] / lengths[0]) ** (1 / 15)
    below = np.concatenate([[lengths[0] - 1], widths[:-1]])
    assert (widths <= (below + 1) * growth + 64).all()


def test_rows_of_one_length_have_one_width() -> None:
    assert bucket_widths(np.array([64, 64]), 64) == (64,)
    assert bucket_widths(np.array([784]), 784) == (784,)
    assert bucket_widths(np.array([784]), 900) == (832,)
