import pytest

from support.kernel_checks import INTERPRETED


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    """The interpreter takes its time over each operation: few of them, and several tiles a row."""
    if not INTERPRETED:
        return
    from wavspa.wavelets.operators import triton_operators
    from wavspa.wavelets.operators.lifting import triton_steps
    from wavspa.wavelets.operators.tiles import GradientTile, Tile

    def gradient_tile(channels, taps, itemsize):
        return GradientTile(strips=4, steps=2, channels=4, warps=1, blocks=2, taps=taps // 2)

    for name in ("level_tile", "synthesis_tile"):
        monkeypatch.setattr(triton_operators, name, lambda *_: Tile(2, 2, 4, 1, 4))
    monkeypatch.setattr(triton_operators, "gradient_tile", gradient_tile)

    def lifting_gradient_tile(channels, taps, itemsize):
        return GradientTile(strips=4, steps=2, channels=4, warps=1, blocks=2, taps=-(-taps // 2))

    monkeypatch.setattr(triton_steps, "lifting_tile", lambda *_: Tile(2, 2, 4, 1, 4))
    monkeypatch.setattr(triton_steps, "lifting_gradient_tile", lifting_gradient_tile)
