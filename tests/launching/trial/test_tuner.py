import pytest
import torch

from support.tiny_runs import compose_run, tiny_words
from wavspa.errors import UserError
from wavspa.launching.run.build import build, build_run
from wavspa.launching.trial.cost import devices_of, on_one_device
from wavspa.launching.trial.tuner import find_batch_size, largest_batch
from wavspa.tasks import Classification


def test_the_batch_grows_until_it_does_not_fit(tmp_path, monkeypatch):
    """A stand-in for a GPU's memory: more than 10 rows do not fit."""
    step = Classification.training_step

    def training_step(self, batch, batch_idx):
        if len(batch.labels) > 10:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return step(self, batch, batch_idx)

    monkeypatch.setattr(Classification, "training_step", training_step)
    words = tiny_words(tmp_path, "dataset.limit=200", "dataset.batch_size=2")
    config = on_one_device(compose_run(*words), 3)
    task, data = build_run(config)
    trainer = build(config, "trainer", logger=False, default_root_dir=str(tmp_path))
    assert largest_batch(trainer, task, data) == 8


def test_a_cpu_is_no_place_to_run_out_of_memory(tmp_path):
    with pytest.raises(UserError, match="find=batch_size needs a GPU"):
        find_batch_size(compose_run(*tiny_words(tmp_path)))


@pytest.mark.parametrize(
    ("devices", "nodes", "expected"),
    [
        (4, 2, 8),
        ("auto", 1, 1),
        (-1, 1, 1),
        ("'-1'", 1, 1),
        ("'2'", 1, 2),
        ("'0,1,3'", 2, 6),
        ("'3,'", 1, 1),
        ("[0,2]", 1, 2),
    ],
)
def test_a_batch_counts_over_all_devices(devices, nodes, expected):
    words = [f"trainer.devices={devices}", f"trainer.num_nodes={nodes}"]
    assert devices_of(compose_run(*words).trainer) == expected


def test_a_device_has_its_share_of_tokens_and_rows():
    words = ["trainer.devices=[0,1]", "dataset.batch_size=32", "dataset.batch_tokens=2048"]
    alone = on_one_device(compose_run(*words), 3)
    assert (alone.dataset.batch_size, alone.dataset.batch_tokens) == (16, 1024)
