"""What is written for SLURM and asked of it, without one; tests/slurm/ runs on a real one."""

import re
import shlex
import subprocess
from importlib.resources import files

import pytest
import yaml
from omegaconf import OmegaConf

from support.tiny_runs import tiny_run
from wavspa.commands.retry import main as retry_command
from wavspa.errors import UserError
from wavspa.launching.run.cluster import cluster_environment
from wavspa.launching.run.slurm import requeue_after, retry
from wavspa.launching.slurm import submit as submit_module
from wavspa.launching.slurm.script import arrays_of, options_from, script, shape_of
from wavspa.launching.slurm.submit import submit, wait_for
from wavspa.run_folder import layout
from wavspa.run_folder.status import update_status

TRAINER = {"devices": 2, "num_nodes": 1, "accelerator": "cpu", "strategy": "ddp"}
DEFAULTS = yaml.safe_load((files("wavspa.conf") / "hydra/launcher/slurm.yaml").read_text())
del DEFAULTS["_target_"]


def options(**changes):
    return options_from({**DEFAULTS, **changes})


def trainer(**changes):
    return OmegaConf.create({**TRAINER, **changes})


@pytest.fixture
def answers(monkeypatch):
    """Stands in for SLURM's commands: what each prints, and the commands that were asked."""
    answers, asked = {}, []

    def run(command, **_):
        asked.append(command)
        name = command[0] if command[1] != "requeue" else "requeue"
        if name not in answers:
            raise FileNotFoundError(name)
        return subprocess.CompletedProcess(command, *answers[name])

    monkeypatch.setattr(submit_module.subprocess, "run", run)
    answers["asked"] = asked
    return answers


@pytest.fixture
def in_job(monkeypatch):
    """Sets the variables of a job's step, without those named."""

    def arrange(tasks=2, nodes=1, without=(), **more):
        variables = {
            "SLURM_JOB_ID": "13",
            "SLURM_ARRAY_JOB_ID": "12",
            "SLURM_ARRAY_TASK_ID": "3",
            "SLURM_STEP_ID": "0",
            "SLURM_STEP_NUM_TASKS": str(tasks),
            "SLURM_STEP_NUM_NODES": str(nodes),
            "SLURM_NTASKS": str(tasks),
            "SLURM_NTASKS_PER_NODE": str(tasks // nodes),
            **more,
        }
        for name, value in variables.items():
            if name not in without:
                monkeypatch.setenv(name, value)

    return arrange


def directives(array, tasks=(1,), **changes):
    return re.findall("^#SBATCH (.*)$", script(array, tasks, options(**changes)), re.MULTILINE)


@pytest.fixture
def array(tmp_path):
    (found,) = arrays_of([tiny_run(tmp_path, f"seed={seed}") for seed in (1, 2, 3)])
    return found


def test_tasks_gpus_and_nodes_come_from_the_trainer(tmp_path):
    words = ["trainer=ddp", "trainer.devices=4", "trainer.num_nodes=2"]
    (array,) = arrays_of([tiny_run(tmp_path, *words)])
    lines = directives(array, gpus="--gres=gpu:a100:{gpus} {more}")
    assert {"--nodes=2", "--ntasks-per-node=4", "--gres=gpu:a100:4 {more}"} < set(lines)


def test_the_users_options_reach_sbatch(array):
    given = {"time": "4:00:00", "memory": "32G", "partition": "long", "account": "me"}
    lines = directives(array, (1, 2, 3, 5), at_once=2, signal_seconds=90, **given)
    expected = ["--array=1-3,5%2", "--signal=USR1@90", "--time=4:00:00", "--mem=32G"]
    assert set(expected) < set(lines)
    assert {"--partition=long", "--account=me", "--requeue", "--open-mode=append"} < set(lines)
    assert not any("gpu" in line for line in lines)
    text = script(array, (1,), options(sbatch=["--qos=long"], setup=["module load cuda"]))
    assert "#SBATCH --qos=long\n" in text
    assert "\nmodule load cuda\n" in text
    assert not any("signal" in line for line in directives(array, signal_seconds=None))


def test_bash_understands_the_script(array):
    text = script(array, (1,), options())
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)


def test_each_shape_gets_an_array_and_the_same_sweep_the_same_one(tmp_path):
    words = [(f"seed={seed}", f"trainer.devices={n}") for seed in (1, 2) for n in (1, 2)]
    folders = [tiny_run(tmp_path, *pair) for pair in words]
    one, two = arrays_of(folders)
    assert (one.shape.tasks_per_node, two.shape.tasks_per_node) == (1, 2)
    assert [*one.folders, *two.folders] == [folders[n] for n in (0, 2, 1, 3)]
    assert one.base.parent == folders[0].parent
    assert arrays_of(folders) == [one, two]
    assert arrays_of(folders[:1])[0].base != one.base


def test_a_limit_of_the_cluster_makes_several_arrays(tmp_path):
    folders = [tiny_run(tmp_path, f"seed={seed}") for seed in (1, 2, 3)]
    one, two = arrays_of(folders, 2)
    assert [len(array.folders) for array in (one, two)] == [2, 1]
    assert one.base != two.base


def test_what_has_finished_or_is_queued_is_not_submitted(array, answers, capsys):
    answers.update(squeue=(0, "2\n", ""), sbatch=(0, "77;cluster\n", ""))
    update_status(array.folders[0], state="finished")
    assert submit(array, options()) == "77"
    assert "#SBATCH --array=3\n" in array.script.read_text()
    assert array.folders_file.read_text().splitlines() == [str(f) for f in array.folders]
    assert "3 runs: 1 to start, 1 already queued, 1 finished" in capsys.readouterr().out
    answers["squeue"] = (0, "2\n3\n", "")
    assert submit(array, options()) is None


def test_without_sbatch_the_script_is_there_for_another_machine(array, answers):
    with pytest.raises(UserError, match=f"no sbatch.*, run sbatch {array.script}"):
        submit(array, options())
    assert array.script.exists()


def test_what_to_type_elsewhere_is_quoted(tmp_path, answers):
    (array,) = arrays_of([tiny_run(tmp_path / "my runs")])
    with pytest.raises(UserError, match=f"these files, run sbatch '{array.script}'$"):
        submit(array, options())


def test_waiting_outlasts_a_controller_that_does_not_answer(answers, monkeypatch, capsys):
    replies = [(0, "1\n", ""), (1, "", "Unable to contact slurm controller\n"), (0, "", "")]
    monkeypatch.setattr(
        submit_module.time, "sleep", lambda _: answers.update(squeue=replies[len(answers["asked"])])
    )
    answers["squeue"] = replies[0]
    wait_for(["digits-0a1b2c3d"])
    assert len(answers["asked"]) == 3
    assert "Unable to contact" in capsys.readouterr().err


def test_a_refusal_of_sbatch_is_passed_on(array, answers):
    answers.update(squeue=(0, "", ""), sbatch=(1, "", "sbatch: error: invalid partition\n"))
    with pytest.raises(UserError, match=r"sbatch refuses .*invalid partition"):
        submit(array, options())


@pytest.mark.parametrize(
    "changes",
    [
        {"devices": "auto"},
        {"devices": -1},
        {"devices": [0, 1]},
        {"accelerator": "auto"},
        {"accelerator": "tpu"},
    ],
    ids=str,
)
def test_what_the_machine_would_decide_is_refused(changes):
    (name,) = changes
    with pytest.raises(UserError, match=f"^trainer.{name}="):
        shape_of(trainer(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"cpus_per_task": 0},
        {"stop_after": 0},
        {"submit": "no"},
        {"at_once": 0},
        {"retries": -1},
        {"signal_seconds": "soon"},
        {"sbatch": ["--ntasks-per-node=4"]},
        {"sbatch": ["-n 4"]},
        {"sbatch": ["-N4"]},
        {"sbatch": ["qos=long"]},
        {"sbatch": "--qos=long"},
        {"gpus": "--gpus=2"},
        {"wait": "maybe"},
        {"retry": 3},
    ],
    ids=str,
)
def test_impossible_options_are_named(changes):
    (name,) = changes
    with pytest.raises(UserError, match=f"^hydra.launcher.{name}"):
        options(**changes)


@pytest.mark.parametrize(("tasks", "nodes", "found"), [(2, 1, True), (4, 2, False), (1, 1, False)])
def test_the_ranks_come_from_slurm_and_must_be_the_trainers(in_job, tasks, nodes, found):
    in_job(tasks, nodes)
    if found:
        (environment,) = cluster_environment(trainer())
        assert (environment.auto_requeue, environment.creates_processes_externally) == (False, True)
    else:
        with pytest.raises(UserError, match=r"needs sbatch --nodes=1 --ntasks-per-node=2; srun"):
            cluster_environment(trainer())


def test_a_restart_meets_on_another_port(in_job):
    ports = set()
    for start in range(3):
        in_job(SLURM_RESTART_COUNT=str(start))
        ports.add(cluster_environment(trainer())[0].main_port)
    assert len(ports) == 3


def test_tasks_per_node_that_were_not_given_are_asked_for(in_job):
    in_job(without=["SLURM_NTASKS_PER_NODE"])
    with pytest.raises(UserError, match=r"ntasks-per-node=2.*not given"):
        cluster_environment(trainer())


def test_outside_of_srun_a_job_is_one_machine(in_job, monkeypatch):
    assert cluster_environment(trainer()) == []
    in_job(without=["SLURM_STEP_ID"])
    (environment,) = cluster_environment(trainer())
    assert environment.world_size() == 1
    with pytest.raises(UserError, match="srun wavspa-run"):
        cluster_environment(trainer(num_nodes=2))
    in_job(SLURM_JOB_NAME="bash")
    assert cluster_environment(trainer())[0].world_size() == 1


STATES = {
    "time limit": (10, "JobState=RUNNING PreemptTime=None", True),
    "grace period": (15, "JobState=RUNNING PreemptTime=2026-01-01T00:00:00", True),
    "told to stop": (15, "JobState=RUNNING PreemptTime=None", False),
    "cancelled": (15, "JobState=COMPLETING PreemptTime=None", False),
    "ctrl-c": (2, "JobState=RUNNING PreemptTime=None", False),
}


@pytest.mark.parametrize("case", STATES)
def test_a_run_goes_back_into_the_queue_when_its_time_is_over(in_job, answers, capsys, case):
    number, facts, requeued = STATES[case]
    answers.update(scontrol=(0, f"JobId=13 {facts} Command=a b", ""), requeue=(0, "", ""))
    requeue_after(number)
    assert answers["asked"] == []
    in_job()
    requeue_after(number)
    assert (["scontrol", "requeue", "12_3"] in answers["asked"]) == requeued
    assert ("requeued: job 12_3" in capsys.readouterr().out) == requeued


def test_a_requeueing_that_fails_says_why(in_job, answers, capsys):
    in_job()
    answers["requeue"] = (1, "", "Requested operation is presently disabled\n")
    requeue_after(10)
    assert "cannot be requeued: Requested operation" in capsys.readouterr().out


def test_a_run_in_a_container_is_requeued_outside(in_job, answers, tmp_path, capsys):
    in_job()
    requeue_after(10)
    assert "has to be requeued by its script: there is no scontrol" in capsys.readouterr().out
    answers.update(scontrol=(0, "JobState=RUNNING", ""), requeue=(0, "", ""))
    assert retry(tmp_path, 138, 0).startswith("requeued: job 12_3")
    assert not (tmp_path / layout.DEATHS).exists()
    answers["scontrol"] = (0, "JobState=COMPLETING", "")  # the run could do so itself
    assert retry(tmp_path, 138, 0) is None


def test_deaths_are_counted_by_job(in_job, answers, tmp_path):
    in_job()
    (tmp_path / layout.DEATHS).write_text("11_3 2026-01-01 node1 exit code 1\n" * 5 + "\n")
    answers.update(scontrol=(0, "JobState=RUNNING", ""), requeue=(0, "", ""))
    assert "exit code 137, retry 1 of 2; requeued: job 12_3" in retry(tmp_path, 137, 2)
    assert "retry 2 of 2" in retry(tmp_path, 1, 2)
    assert "not tried again" in retry(tmp_path, 1, 2)
    assert answers["asked"].count(["scontrol", "requeue", "12_3"]) == 2
    answers["scontrol"] = (0, "JobState=COMPLETING", "")
    assert retry(tmp_path, 143, 9) is None


def test_an_array_whose_first_runs_fail_alike_is_ended(array, in_job, answers, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", retry_words(array, code=2, stop_after=2))
    in_job()
    answers.update(scancel=(0, "", ""), scontrol=(0, "JobState=RUNNING", ""))
    update_status(array.folders[0], state="failed", reason="it rains")
    retry_command()
    assert answers["asked"] == []
    update_status(array.folders[1], state="failed", reason="it rains")
    retry_command()
    assert answers["asked"] == [["scancel", "--state=PENDING", "12"]]
    told = (
        "failed for the same reason (stop_after=2), so the rest of job 12 is cancelled: it rains\n"
    )
    assert capsys.readouterr().out == f"the first jobs {told}"


def retry_words(array, code, stop_after):
    """What the array's script types after its first run has ended so."""
    array.folders_file.write_text("".join(f"{folder}\n" for folder in array.folders))
    (line,) = re.findall("-m wavspa.commands.retry .*", script(array, (1,), options(stop_after=2)))
    typed = line.replace("$FOLDER", str(array.folders[0])).replace("$code", str(code))
    return ["retry", *shlex.split(typed)[2:]]


def test_a_mistake_is_never_tried_again(monkeypatch, tmp_path, answers):
    monkeypatch.setattr("sys.argv", ["retry", str(tmp_path), "2", "5"])
    retry_command()
    assert answers["asked"] == []
