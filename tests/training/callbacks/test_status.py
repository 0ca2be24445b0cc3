"""What loggers get of a run's speed."""

from functools import partial

import pytest
import torch
from pytorch_lightning import Trainer
from pytorch_lightning.loggers.logger import DummyLogger
from torch.utils.data import DataLoader

from wavspa.data import Batch
from wavspa.models import Encoder
from wavspa.run_folder.status import read_status
from wavspa.tasks import Classification
from wavspa.training import schedules
from wavspa.training.callbacks.status import StatusFile
from wavspa.training.loggers.metrics_csv import MetricsCsv
from wavspa.training.optimizers import adamw


class Recorded(DummyLogger):
    """Keeps what is logged."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def log_metrics(self, metrics, step=None):
        self.rows.append((step, dict(metrics)))


@pytest.mark.parametrize(
    ("peak", "names"), [(1e12, {"tokens_per_second", "mfu"}), (None, {"tokens_per_second"})]
)
def test_loggers_get_the_speed_that_status_json_holds(tmp_path, peak, names):
    sizes = {"max_len": 12, "dim": 8, "depth": 1, "heads": 2, "mlp_dim": 8, "taps": 4}
    constant = partial(schedules.constant, warmup=0)
    task = Classification(Encoder(10, 3, **sizes), partial(adamw, lr=0.01), constant, 3)
    batch = Batch(torch.randint(1, 10, (4, 12)), torch.full((4,), 12), torch.randint(3, (4,)))
    logger, csv = Recorded(), MetricsCsv(tmp_path)
    trainer = Trainer(
        accelerator="cpu",
        max_steps=3,
        logger=[logger, csv],
        log_every_n_steps=10,
        callbacks=[StatusFile(tmp_path, "val/loss", "min", lambda device: peak)],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(task, DataLoader([batch] * 3, batch_size=None))
    step, curves = logger.rows[-1]
    status = read_status(tmp_path)
    assert curves == {name: status[name] for name in names}
    assert all(value > 0 for value in curves.values())
    assert step == 2
    assert csv.columns == ["step", "epoch", "seconds"]
