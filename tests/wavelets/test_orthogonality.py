import pytest
import torch

from wavspa.wavelets import lattice_filters, orthogonal_taps, orthogonality_error


@pytest.mark.parametrize("name", ["haar", "db8", "sym5", "coif3"])
def test_orthogonal_wavelets_have_no_error(name):
    assert orthogonality_error(orthogonal_taps(name)[:, None]) < 1e-9


def test_the_lattice_has_none():
    angles = torch.randn(8, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert orthogonality_error(lattice_filters(angles)).max() < 1e-12


def test_by_hand():
    """[1, 2, 3, 4]: 30 - 1 at rest, 1 * 3 + 2 * 4 two samples on."""
    filters = torch.tensor([[1.0, 1.0], [2.0, 0.0], [3.0, 0.0], [4.0, 0.0]])
    assert orthogonality_error(filters).tolist() == pytest.approx([(29**2 + 11**2) ** 0.5, 0])
