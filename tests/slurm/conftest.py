"""One SLURM for all of these tests, and the runs on it that nothing disturbs."""

import contextlib
import subprocess
import sys

import pytest

from support.final_state import final_state
from support.slurm_cluster import Cluster, NotStarted, unavailable
from support.slurm_jobs import HERE, words_of
from support.tiny_runs import tiny_run


@pytest.fixture(scope="session")
def cluster():
    if (reason := unavailable()) is not None:
        pytest.skip(reason)
    with contextlib.ExitStack() as stack:
        try:
            cluster = stack.enter_context(Cluster())
        except NotStarted as error:
            pytest.skip(f"SLURM does not start here: {error}")
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("SLURM_CONF", cluster.environment["SLURM_CONF"])
        yield cluster


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("slurm")


@pytest.fixture(scope="session")
def sweep(cluster, root):
    """Four runs that nothing disturbs: two cells, each on two processes and on one."""
    words = [*words_of(root, "undisturbed", 2)[:-1], "trainer.devices=2,1"]
    words += ["model/wavelet=none,ada", "hydra/launcher=slurm", "hydra.launcher.wait=true"]
    words += [f'hydra.launcher.setup=["{HERE}"]']
    return subprocess.run(
        [sys.executable, "-m", "wavspa.commands.train", "-m", *words],
        env=cluster.environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="session")
def undisturbed(sweep, root):
    """The state in which a run on so many processes ends."""
    return {n: final_state(tiny_run(root, *words_of(root, "undisturbed", n))) for n in (1, 2)}
