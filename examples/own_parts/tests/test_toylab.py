"""The own parts by themselves, and the sweep, the report and the export of the README."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from support.registered_parts import forgotten_parts

HERE = Path(__file__).parents[1]
PLUGIN = "plugins=[toylab.wavspa_parts]"


@pytest.fixture(scope="module")
def parts():
    with pytest.MonkeyPatch.context() as patch, forgotten_parts():
        patch.syspath_prepend(str(HERE))
        import toylab.wavspa_parts

        yield toylab.wavspa_parts


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("toylab")


def command(place, name, *words, known=True):
    """A command of wavspa, typed in ``place``; what it printed, and its exit code."""
    path = {"PYTHONPATH": str(HERE)} if known else {}
    return subprocess.run(
        [sys.executable, "-m", f"wavspa.commands.{name}", *map(str, words)],
        cwd=place,
        env={**os.environ, **path},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("base", ["mean", "gated"])
@pytest.mark.parametrize("mode", ["shared", "ada"])
def test_padding_is_without_effect(parts, base, mode):
    from wavspa import WavSpAttention

    layer = WavSpAttention(8, 2, attention=base, wavelet=mode, taps=4).eval()
    x, lengths = torch.randn(2, 9, 8), torch.tensor([9, 5])
    y = layer(x, lengths)
    torch.testing.assert_close(y[1:, :5], layer(x[1:, :5]))
    y[0].sum().backward()
    assert layer.wavelet.taps.grad.abs().sum() > 0


def test_a_shared_filter_is_one_for_all_channels(parts):
    from wavspa import WavSpAttention

    layer = WavSpAttention(8, 2, attention="mean", wavelet="shared", taps=6)
    assert layer.wavelet.taps.shape == (6, 1)


@pytest.mark.slow
def test_swept_reported_exported(place):
    sweep = command(
        place,
        "train",
        *("-m", f"--config-dir={HERE / 'conf'}", "experiment=toy", PLUGIN, "jobs=2"),
        *("model/attention=mean,gated", "model/wavelet=shared,ada", "seed=1,2"),
    )
    assert sweep.returncode == 0, sweep.stderr
    runs = sorted((place / "runs/ones").iterdir())
    assert len(runs) == 8
    frozen = yaml.safe_load((runs[0] / "config.yaml").read_text())["frozen"]["plugins"]
    assert frozen["toylab.wavspa_parts"]["path"] == str(HERE / "toylab/wavspa_parts.py")

    report = command(place, "report", "runs/ones")
    assert report.returncode == 0, report.stderr
    assert "no filters" not in report.stdout
    table = (place / "runs/ones/report/table.csv").read_text()
    for cell in ("mean,shared", "mean,ada", "gated,shared", "gated,ada"):
        assert cell in table

    run = next(folder for folder in runs if "-mean-shared-" in folder.name)
    export = command(place, "export", f"run={run}", "output=toy-model")
    assert export.returncode == 0, export.stderr
    config = json.loads((place / "toy-model/config.json").read_text())
    assert list(config["plugins"]) == ["toylab.wavspa_parts"]
    assert "\nimport toylab.wavspa_parts\n" in (place / "toy-model/README.md").read_text()

    load = "wavspa.load_model('toy-model')(torch.tensor([[1, 2, 1]]))"
    program = f"import torch, wavspa, toylab.wavspa_parts; print({load}.shape)"
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=place, env=environment, capture_output=True, text=True
    )
    assert done.stdout == "torch.Size([1, 2])\n", done.stderr
    # Without the package: one line each that names it.
    bare = subprocess.run(
        [sys.executable, "-c", program.replace(", toylab.wavspa_parts", "")],
        cwd=place,
        capture_output=True,
        text=True,
    )
    assert "parts from toylab.wavspa_parts: install it" in bare.stderr.splitlines()[-1]
    resumed = command(place, "evaluate", f"run={run}", known=False)
    assert resumed.returncode == 2
    (line,) = resumed.stderr.splitlines()
    assert line.startswith("error: plugins: toylab.wavspa_parts cannot be imported")
    assert "toylab/wavspa_parts.py" in line
