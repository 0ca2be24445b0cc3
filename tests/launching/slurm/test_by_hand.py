"""Scripts that are not submitted, and sweeps larger than the cluster's arrays; without a SLURM."""

import subprocess
import sys

import pytest

from support.slurm_stand_in import launcher, submitted
from support.tiny_runs import tiny_words
from wavspa.errors import UserError
from wavspa.run_folder.status import update_status


def commands(printed):
    """What is printed to be typed."""
    marks = ("to submit it: ", "to prepare the data first: ")
    lines = printed.splitlines()
    return [line.removeprefix(m) for line in lines for m in marks if line.startswith(m)]


def test_a_script_that_is_not_submitted_is_printed(tmp_path, slurm, folders, capsys):
    launcher(submit=False).start(folders)
    assert submitted(slurm.asked) == []
    assert not (tmp_path / "data").exists()
    (script,) = (tmp_path / "runs").glob("sweep-*.sbatch")
    printed = capsys.readouterr().out
    assert f"written: {script}\n\n{script.read_text()}" in printed
    assert commands(printed) == [f"wavspa-prepare {folders[0]} {folders[2]}", f"sbatch {script}"]


def test_a_job_that_prepares_is_named_to_the_array(tmp_path, slurm, folders, capsys):
    launcher(submit=False, prepare="job").start(folders)
    first, then = commands(capsys.readouterr().out)
    # A shell in which sbatch prints a number to the first, and what it was told to the second.
    shell = f'sbatch() {{ [ $1 = --parsable ] && echo 71 || echo "$1" "$3"; }}\n{first}\n{then}'
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True)
    (sweep,) = (tmp_path / "runs").glob("sweep-*.sbatch")
    assert done.stdout == f"--dependency=afterok:71 {sweep}\n"
    assert submitted(slurm.asked) == []


def test_what_has_finished_is_not_written(slurm, folders, capsys):
    for folder in folders:
        update_status(folder, state="finished")
    launcher(submit=False).start(folders)
    assert capsys.readouterr().out == "3 runs: 0 to start, 3 finished\n"


def test_nothing_is_waited_for():
    with pytest.raises(
        UserError, match=r"^hydra\.launcher\.wait must be false with .*submit=false"
    ):
        launcher(submit=False, wait=True).start([])


@pytest.mark.parametrize(("limit", "sizes"), [(3, [2, 1]), (4, [3]), (1001, [3])])
def test_a_sweep_is_cut_to_what_the_cluster_takes(slurm, folders, capsys, limit, sizes):
    slurm.config = f"MailProg = /bin/mail\nMaxArraySize            = {limit}\nMaxJobCount = 9\n"
    launcher(prepare="no").start(folders)
    lines = [line for line in capsys.readouterr().out.splitlines() if " runs: " in line]
    assert [int(line.split()[0]) for line in lines] == sizes
    assert len(submitted(slurm.asked)) == len(sizes)


def test_a_size_that_is_given_is_taken(slurm, folders):
    slurm.config = "MaxArraySize = 2\n"
    launcher(prepare="no", array_size=3).start(folders)
    assert len(submitted(slurm.asked)) == 1
    assert not any(command[0] == "scontrol" for command in slurm.asked)


@pytest.mark.slow
def test_the_command_ends_well(tmp_path):
    words = tiny_words(tmp_path, "seed=1,2", "hydra/launcher=slurm", "hydra.launcher.submit=false")
    done = subprocess.run(
        [sys.executable, "-m", "wavspa.commands.train", "-m", *words],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "#SBATCH --array=1-2\n" in done.stdout
    assert "to submit it: sbatch " in done.stdout.splitlines()[-1]
