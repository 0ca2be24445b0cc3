import pytest

from wavspa.tasks import Classification


@pytest.fixture
def at_step(monkeypatch):
    """Does something, once for each given step, when training comes to it."""
    step = Classification.training_step

    def arrange(action, *numbers):
        left = set(numbers)

        def training_step(self, batch, batch_idx):
            if self.global_step in left:
                left.remove(self.global_step)
                action()
            return step(self, batch, batch_idx)

        monkeypatch.setattr(Classification, "training_step", training_step)

    return arrange
