import os

import pytest

from wavspa.run_folder import layout
from wavspa.run_folder.failures import common_failure, failure_of, first_failure
from wavspa.run_folder.status import update_status


@pytest.fixture
def runs(tmp_path):
    """Four folders: the first three failed alike, the fourth has not started."""
    folders = [tmp_path / f"digits-s{number}" for number in range(4)]
    for number, folder in enumerate(folders):
        folder.mkdir()
        if number < 3:
            reason = f"RuntimeError: {folder}/x: {number} bytes are missing"
            update_status(folder, state="failed", reason=reason)
    return folders


def test_reasons_are_alike_but_for_numbers_and_the_runs_name(runs):
    failures = {folder: failure_of(folder) for folder in runs[:3]}
    assert common_failure(failures, 3) == failures[runs[0]]
    assert common_failure(failures, 4) is None
    failures[runs[2]] = "another"
    assert common_failure(failures, 3) is None
    assert common_failure({}, 1) is None


def test_a_sweep_of_which_one_has_finished_goes_on(runs):
    assert first_failure(runs, 0.0, 3).startswith("RuntimeError: ")
    update_status(runs[3], state="finished")
    assert first_failure(runs, 0.0, 3) is None


def test_failures_of_before_do_not_count(runs):
    os.utime(runs[0] / layout.STATUS, (1, 1))
    assert first_failure(runs, 2.0, 3) is None
    assert first_failure(runs, 2.0, 2) is not None


def test_a_process_that_was_killed_is_known_by_its_code(runs):
    assert failure_of(runs[3]) is None
    assert failure_of(runs[3], -9) == failure_of(runs[3], 137) == "exit code 137"
    update_status(runs[3], state="running")
    (runs[3] / layout.DEATHS).write_text("7_1 2026-01-01T00:00:00 one exit code 137\n")
    assert failure_of(runs[3]) == "exit code 137"
    with (runs[3] / layout.DEATHS).open("a") as file:
        file.write("7_1 2026-01-01T00:00:00 one ex")  # torn by a kill
    assert failure_of(runs[3]) == "exit code 137"
    (runs[3] / layout.DEATHS).write_text("")
    assert failure_of(runs[3]) is None
    (runs[3] / layout.DEATHS).write_text("7_1 2026-01-01T00:00:00 one exit code 137\n")
    codes = {runs[3]: 137}
    assert first_failure(runs[3:], 0.0, 1, codes) == "exit code 137"
    update_status(runs[3], state="interrupted")
    assert failure_of(runs[3], 130) is None
