"""Data are prepared before the jobs of a sweep start, and jobs get what theirs need; without a SLURM."""

import subprocess
from pathlib import Path

import pytest

from support.slurm_stand_in import launcher, submitted
from support.tiny_runs import compose_run, tiny_run
from wavspa.errors import UserError
from wavspa.run_folder.status import update_status


def prepared(tmp_path):
    return sorted(
        path.name.partition("-")[0] for path in (tmp_path / "data/prepared").glob("[a-z]*-*")
    )


def test_here_is_at_submission_once_for_each_data_set(tmp_path, slurm, folders, capsys):
    launcher().start(folders)
    assert prepared(tmp_path) == ["digits", "listops"]
    printed = capsys.readouterr().out
    assert printed.count("prepared: ") == 2
    assert printed.index("prepared: ") < printed.index("submitted: ")
    assert [len(words) for words in submitted(slurm.asked)] == [1]  # no dependency


def test_what_is_finished_or_queued_needs_no_data(tmp_path, slurm, folders):
    for folder in folders:
        update_status(folder, state="finished")
    launcher().start(folders)
    assert not (tmp_path / "data").exists()


def test_what_cannot_be_prepared_is_not_submitted(tmp_path, slurm):
    folder = tiny_run(tmp_path, "dataset=lra/pathfinder32", "dataset.limit=null")
    with pytest.raises(UserError, match=r"^Pathfinder-32: no folder under"):
        launcher().start([folder])
    assert submitted(slurm.asked) == []


def test_no_leaves_it_to_the_runs(tmp_path, slurm, folders):
    launcher(prepare="no").start(folders)
    assert not (tmp_path / "data").exists()
    assert len(submitted(slurm.asked)) == 1


def test_a_job_prepares_and_the_array_waits_for_it(tmp_path, slurm, folders, capsys):
    start = launcher(prepare="job", partition="cpu", setup=["module load x"], time=90)
    start.start(folders)
    assert not (tmp_path / "data").exists()
    (first,), (*order, _) = submitted(slurm.asked)
    assert order == ["--dependency=afterok:71", "--kill-on-invalid-dep=yes"]
    script = Path(first).read_text()
    assert "#SBATCH --partition=cpu" in script
    assert "#SBATCH --time=90" in script
    assert "--gres" not in script
    assert "--gpus" not in script
    assert "module load x" in script
    # A run for each data set, not one for each run.
    assert script.rstrip().endswith(f"-m wavspa.commands.prepare {folders[0]} {folders[2]}")
    assert subprocess.Popen(["bash", "-n", first]).wait() == 0
    assert "submitted: job 71 prepares the data (2)" in capsys.readouterr().out


def test_the_job_is_not_submitted_twice(tmp_path, slurm, folders):
    start = launcher(prepare="job")
    start.start(folders)
    (script,) = (tmp_path / "runs").glob("prepare-*.sbatch")
    slurm.queue[script.stem] = "71\n"
    slurm.asked.clear()
    start.start(folders)
    ((dependency, *_),) = submitted(slurm.asked)
    assert dependency == "--dependency=afterok:71"


def test_prepared_data_need_no_job(slurm, folders):
    launcher().start(folders)
    slurm.asked.clear()
    launcher(prepare="job").start(folders)
    assert [len(words) for words in submitted(slurm.asked)] == [1]


def test_time_and_memory_by_data_set_make_an_array_each(tmp_path, slurm, folders):
    start = launcher(prepare="no", time={"digits": 10, "listops-short": "2-12"}, memory="4G")
    start.start(folders)
    one, two = (Path(words[-1]).read_text() for words in submitted(slurm.asked))
    assert "#SBATCH --time=10\n#SBATCH --mem=4G" in one
    assert "--array=1-2" in one
    assert "#SBATCH --time=2-12\n#SBATCH --mem=4G" in two
    assert "--array=1\n" in two


def test_a_data_set_without_a_time_is_named_before_anything_is_made():
    job = compose_run("trainer.devices=1")
    with pytest.raises(UserError, match=r"hydra\.launcher\.time has text, listops but not digits"):
        launcher(time={"text": 1, "listops": 2}).check(job)
    launcher(time={"digits": 1}).check(job)


def test_another_way_to_prepare_is_unknown():
    with pytest.raises(
        UserError, match=r"hydra\.launcher\.prepare='there' is unknown; choose one of here"
    ):
        launcher(prepare="there").check(compose_run())
