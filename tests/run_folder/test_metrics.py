import csv

import pytest

from wavspa.errors import UserError
from wavspa.run_folder.layout import METRICS
from wavspa.run_folder.metrics import read_metrics
from wavspa.training.loggers.metrics_csv import MetricsCsv


def rows(folder):
    """The file's rows without the clock's column."""
    return [
        {name: value for name, value in row.items() if name != "seconds"}
        for row in read_metrics(folder / METRICS)
    ]


def test_metrics_of_a_step_share_a_row_and_new_ones_get_a_column(tmp_path):
    logger = MetricsCsv(tmp_path)
    logger.log_metrics({"a": 0.5, "epoch": 0}, step=9)
    logger.log_metrics({"a": 0.25, "epoch": 0}, step=19)
    logger.log_metrics({"b": 2.0}, step=19)
    logger.log_metrics({"a": 0.125, "epoch": 1}, step=29)
    assert rows(tmp_path) == [
        {"step": 10, "epoch": 0, "a": 0.5},
        {"step": 20, "epoch": 0, "a": 0.25, "b": 2.0},
        {"step": 30, "epoch": 1, "a": 0.125},
    ]
    assert (tmp_path / METRICS).read_text().splitlines()[0] == "step,epoch,seconds,a,b"


def test_a_resumed_run_drops_what_it_repeats(tmp_path):
    first = MetricsCsv(tmp_path)
    for step in (9, 19, 29):
        first.log_metrics({"a": float(step)}, step=step)
    second = MetricsCsv(tmp_path, resumed_step=20)
    assert [row["step"] for row in rows(tmp_path)] == [10, 20]
    second.log_metrics({"a": 1.0}, step=29)
    assert [row["a"] for row in rows(tmp_path)] == [9.0, 19.0, 1.0]
    seconds = [row["seconds"] for row in read_metrics(tmp_path / METRICS)]
    assert seconds == sorted(seconds)


def test_a_run_that_died_before_its_test_adds_it_to_its_last_row(tmp_path):
    MetricsCsv(tmp_path).log_metrics({"val/a": 1.0, "epoch": 0}, step=9)
    MetricsCsv(tmp_path, resumed_step=10).log_metrics({"test/a": 2.0, "epoch": 0}, step=9)
    assert rows(tmp_path) == [{"step": 10, "epoch": 0, "val/a": 1.0, "test/a": 2.0}]


def test_a_fresh_start_leaves_nothing_of_an_older_one(tmp_path):
    MetricsCsv(tmp_path).log_metrics({"a": 1.0}, step=0)
    MetricsCsv(tmp_path)
    assert rows(tmp_path) == []


def test_a_run_that_dies_while_it_adds_a_column_keeps_its_last_row(tmp_path, monkeypatch):
    logger = MetricsCsv(tmp_path)
    for step in (0, 1):
        logger.log_metrics({"a": 1.0, "epoch": 0}, step=step)

    def dies(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", dies)
    with pytest.raises(KeyboardInterrupt):
        logger.log_metrics({"b": 2.0}, step=1)
    assert [row["step"] for row in rows(tmp_path)] == [1, 2]


def test_a_torn_last_row_is_left_out(tmp_path):
    logger = MetricsCsv(tmp_path)
    logger.log_metrics({"a": 1.0}, step=0)
    path = tmp_path / METRICS
    path.write_text(path.read_text() + "2,0,0.1")
    assert len(rows(tmp_path)) == 1
    MetricsCsv(tmp_path, resumed_step=5).log_metrics({"a": 2.0}, step=5)
    assert [row["step"] for row in rows(tmp_path)] == [1, 6]


def test_float32_values_survive(tmp_path):
    value = 0.1234567165374756  # a float32
    MetricsCsv(tmp_path).log_metrics({"a": value}, step=0)
    assert abs(rows(tmp_path)[0]["a"] - value) < 1e-9


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("loss,step\n1,2\n", "not a metrics.csv"),
        ("step,epoch,seconds,a\n1,0,0.1\n", "line 2"),
        ("step,epoch,seconds\nx,0,0.1\n", "line 2"),
        ("step,epoch,seconds\n1,0,soon\n", "soon"),
        ("step,epoch,seconds\n1,0,\xff\n", "can't decode"),
    ],
)
def test_damage_is_named(tmp_path, text, message):
    path = tmp_path / METRICS
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=message):
        read_metrics(path)


def test_a_field_longer_than_csv_reads_is_damage(tmp_path):
    (tmp_path / METRICS).write_text(f'step,epoch,seconds\n1,0,"{200 * "0"}"\n')
    before = csv.field_size_limit(100)
    try:
        with pytest.raises(UserError, match="field larger than"):
            read_metrics(tmp_path / METRICS)
    finally:
        csv.field_size_limit(before)
