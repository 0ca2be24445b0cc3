"""Training that fails where a test wants it to."""

from wavspa.tasks import Classification


def fail_at(monkeypatch, number, error):
    """Raise an error when training has taken so many steps."""
    step = Classification.training_step

    def training_step(self, batch, batch_idx):
        if self.global_step == number:
            raise error
        return step(self, batch, batch_idx)

    monkeypatch.setattr(Classification, "training_step", training_step)
