import pytest
import pywt
import torch

from support.final_state import rows
from support.tiny_runs import tiny_run
from wavspa.launching.run.build import build_run
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.worker import run
from wavspa.models.introspection import filters_of, layers_of
from wavspa.run_folder.layout import last_checkpoint
from wavspa.training.checkpoints.read import load_model


def wavelet_metrics(folder):
    """Those of each validation."""
    found = [{k: v for k, v in row.items() if "layer" in k} for row in rows(folder)]
    return [row for row in found if row]


def test_shares_of_the_bands_and_orthogonality_are_logged_at_each_validation(tmp_path):
    folder = tiny_run(tmp_path, "model.level=2", "optimizer.lr=0.1")
    run(folder)
    validations = wavelet_metrics(folder)
    bands = [f"energy/layer{n}/{band}" for n in (1, 2) for band in ("cA2", "cD2", "cD1")]
    errors = ["orthogonality/layer1", "orthogonality/layer2"]
    assert [set(row) for row in validations] == [{*bands, *errors}] * 2
    for row in validations:
        assert sum(row[name] for name in bands[:3]) == pytest.approx(1, abs=1e-6)
        assert all(0 < row[name] < 1 for name in bands)
    assert all(row[name] > 1e-3 for row in validations for name in errors)
    low = filters_of(layers_of(load_model(last_checkpoint(folder)))[1])["low pass"].double()
    shifts = torch.stack([low.square().sum(0) - 1, (low[:2] * low[2:]).sum(0)])
    assert validations[-1][errors[1]] == pytest.approx(shifts.norm(dim=0).mean().item(), rel=1e-5)


@pytest.mark.parametrize(
    ("word", "columns"),
    [
        ("model/wavelet=none", set()),
        ("model/wavelet=lift", {f"energy/layer{n}/{b}1" for n in (1, 2) for b in ("cA", "cD")}),
        ("~callbacks.wavelet_metrics", set()),
    ],
)
def test_what_is_not_there_is_not_logged(tmp_path, word, columns):
    folder = tiny_run(tmp_path, word, "trainer.max_steps=1")
    run(folder)
    assert {name for row in wavelet_metrics(folder) for name in row} == columns


def test_orthogonal_filters_share_the_energy_as_pywavelets_does(tmp_path):
    folder = tiny_run(
        tmp_path,
        "optimizer.lr=0",
        "trainer.max_steps=1",
        "model.boundary=periodic",
        "model.depth=1",
    )
    run(folder)
    model, seen = load_model(folder), []
    model.blocks[0].attention.register_forward_pre_hook(lambda _m, inputs: seen.append(inputs[0]))
    _, data = build_run(read_config(folder))
    data.setup()
    with torch.no_grad():
        for batch in data.val_dataloader():
            model(batch.tokens, batch.lengths)
    x = torch.cat(seen).double().numpy()
    bands = pywt.wavedec(x, "db2", mode="periodization", level=1, axis=1)
    (row,) = wavelet_metrics(folder)
    approximation, detail = ((band**2).sum() for band in bands)
    expected = approximation / (approximation + detail)
    assert row["energy/layer1/cA1"] == pytest.approx(expected, rel=1e-5)
    assert row["orthogonality/layer1"] < 1e-6
