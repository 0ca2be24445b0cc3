"""``wavspa-train``: compose a run, or a sweep of them, freeze it and start it."""

import os

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.types import RunMode
from hydra_plugins.wavspa.local import LocalLauncher
from omegaconf import DictConfig

from wavspa.commands.errors import command
from wavspa.launching.prepare import prepare
from wavspa.launching.process import become, run_fresh
from wavspa.training.failures import RunFailed


@hydra.main(config_path="pkg://wavspa.conf", config_name="train", version_base="1.3")
def _train(config: DictConfig) -> None:
    job = HydraConfig.get()
    folder = prepare(config, job.overrides.task)
    if job.mode == RunMode.RUN:
        become(folder)
    # Another launcher runs this function once a job: the job still gets a process of its own.
    if code := run_fresh(folder):
        raise RunFailed(f"wavspa-run {folder} ended with code {code}")


@command
def main() -> None:
    """Run the command."""
    # The scan of Hydra's plugin namespace does not see an editable install.
    Plugins.instance().register(LocalLauncher)
    # Hydra hands its errors on instead of printing them and leaving with code 1.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    _train()


if __name__ == "__main__":
    main()
