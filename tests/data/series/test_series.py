"""Files of series: what is read, what is filled, what is refused."""

import numpy as np
import pytest

from wavspa.data import Series
from wavspa.data.series.files import Columns, open_series
from wavspa.data.series.missing import filled
from wavspa.errors import UserError

NAN = np.nan
COLUMNS = Columns("values", "lengths", "id", "time", ["label"], None)


def rows_of(path, *columns, names=COLUMNS, labels=None):
    return [row.values for row in open_series(path, names, labels).read(["values", *columns])]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("zero", [[1, 0], [0, 5], [0, 0]]), ("forward", [[1, 0], [1, 5], [1, 5]])],
)
def test_missing_values_are_filled(policy, expected):
    given = np.array([[1, NAN], [NAN, 5], [NAN, NAN]], np.float32)
    assert filled(given, policy, "here").tolist() == expected


@pytest.mark.parametrize(
    ("value", "policy", "message"),
    [
        (
            NAN,
            "refuse",
            r"series 1: the value of step 2, channel 1 is missing \(NaN\): dataset.nan=zero",
        ),
        (np.inf, "zero", "series 1: the value of step 2, channel 1 is infinite"),
    ],
)
def test_others_are_refused_with_their_place(value, policy, message):
    with pytest.raises(UserError, match=message):
        filled(np.array([[1.0], [value]], np.float32), policy, "series 1")


def test_arrays_of_equal_and_of_unequal_lengths(tmp_path):
    cube = np.arange(12.0).reshape(2, 3, 2)
    np.savez(tmp_path / "cube.npz", values=cube, label=[1, 0])
    np.savez(tmp_path / "cut.npz", values=cube, lengths=[2, 3], label=[1, 0])
    np.savez(tmp_path / "flat.npz", values=cube.reshape(6, 2)[:5], lengths=[2, 3], label=[1, 0])
    np.save(tmp_path / "x.npy", cube[..., 0])
    np.save(tmp_path / "y.npy", [1, 0])
    values, label = rows_of(tmp_path / "cube.npz", "label")[1]
    assert values.tolist() == cube[1].tolist()
    assert label == 0
    assert [len(v) for (v,) in rows_of(tmp_path / "cut.npz")] == [2, 3]
    assert [v.tolist() for (v,) in rows_of(tmp_path / "flat.npz")] == [
        cube.reshape(6, 2)[:2].tolist(),
        cube.reshape(6, 2)[2:5].tolist(),
    ]
    values, label = rows_of(tmp_path / "x.npy", "label", labels=tmp_path / "y.npy")[0]
    assert values.tolist() == [[0.0], [2.0], [4.0]]
    assert label == 1


def test_a_table_is_ordered_by_time_and_series_by_their_first_row(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("id,time,a,b,label\nz,2,20,,x\ny,1,5,6,w\nz,1,10,11,x\n")
    (first, label), (second, _) = rows_of(path, "label")
    assert first.tolist()[0] == [10, 11]
    assert first.tolist()[1][0] == 20
    assert np.isnan(first[1, 1])
    assert second.tolist() == [[5, 6]]
    assert label == "x"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "id,time,a,label\nz,1,1,x\nz,2,1,y\n",
            "series 1: the column 'label' holds several values",
        ),
        ("id,time,a,label\nz,,1,x\n", "has no value in the column 'time'"),
        ("name,time,a,label\nz,1,1,x\n", "has no column 'id'; its columns are 'name', 'time'"),
        ("id,time,a,label\nz,1,word,x\n", "has no column of numbers"),
    ],
)
def test_a_table_that_is_no_series_is_refused(tmp_path, text, message):
    (tmp_path / "long.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        rows_of(tmp_path / "long.csv", "label")


def test_lengths_that_do_not_add_up_are_refused(tmp_path):
    np.savez(tmp_path / "x.npz", values=np.zeros((5, 2)), lengths=[2, 2])
    with pytest.raises(UserError, match=r"add up to 4, and values has 5 steps"):
        rows_of(tmp_path / "x.npz")


def test_batches_hold_raw_values_padded_with_zeros(tmp_path):
    values = np.arange(120.0).reshape(10, 6, 2)
    np.savez(tmp_path / "x.npz", values=values, lengths=[6, 2] * 5, label=[0, 1] * 5)
    data = Series(
        name="x",
        data_root=tmp_path,
        train=tmp_path / "x.npz",
        val=tmp_path / "x.npz",
        test=tmp_path / "x.npz",
        classes=2,
        max_length=4,
        batch_size=2,
    )
    data.prepare_data()
    data.setup()
    batch = next(iter(data.val_dataloader()))
    assert batch.lengths.tolist() == [4, 2]
    assert batch.tokens[0].tolist() == values[0, :4].tolist()
    assert batch.tokens[1].tolist() == [*values[1, :2].tolist(), [0, 0], [0, 0]]
    assert batch.labels.tolist() == [0, 1]
    expected = np.concatenate([row[:n] for row, n in zip(values, [6, 2] * 5, strict=True)])
    assert [one["mean"] for one in data.card["channels"]] == pytest.approx(expected.mean(axis=0))
    assert data.card["splits"]["train"]["length"]["max"] == 6
