import pytest
import torch
from omegaconf import OmegaConf

from wavspa.errors import UserError
from wavspa.training.instantiate import instantiate
from wavspa.training.locate import locate


def test_it_builds_with_plain_containers():
    config = OmegaConf.create(
        {"_target_": "torch.nn.Unflatten", "dim": 1, "unflattened_size": [2, 3]}
    )
    module = instantiate(config)
    assert isinstance(module, torch.nn.Unflatten)
    assert type(module.unflattened_size) is list


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "subprocess.run",
        "wavspa.launching.subprocesses.os.system",
        "wavspa.launching.subprocesses.subprocess.run",
    ],
)
def test_targets_elsewhere_are_refused(target):
    with pytest.raises(UserError, match="packages"):
        instantiate(OmegaConf.create({"_target_": target}))
    with pytest.raises(UserError, match="packages"):
        instantiate(
            OmegaConf.create({"_target_": "torch.nn.Identity", "inner": [{"_target_": target}]})
        )


def test_an_unknown_target_is_named():
    with pytest.raises(UserError, match=r"wavspa\.models\.Nothing.*does not exist"):
        locate("wavspa.models.Nothing")
