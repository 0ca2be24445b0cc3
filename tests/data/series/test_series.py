"""Files of series: what is read, what is filled, what is refused."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
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


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([3.0, 3.0], r"lengths must be whole numbers \[examples\], got float64 \[2\]"),
        ([[3], [3]], r"lengths must be whole numbers \[examples\], got int64 \[2, 1\]"),
        ([3, 4], "series 2: its length is 4, and it has 3 steps"),
        ([3, -1], "series 2: its length is -1, below 0"),
        ([3], "there are 1 lengths and 2 series"),
    ],
)
def test_lengths_that_are_none_are_refused(tmp_path, lengths, message):
    np.savez(tmp_path / "x.npz", values=np.zeros((2, 3, 1)), lengths=lengths)
    with pytest.raises(UserError, match=message):
        rows_of(tmp_path / "x.npz")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"values": np.zeros((2, 3, 1)), "label": np.zeros((2, 2))},
            r"'label' must hold one value .* got \[2, 2\]",
        ),
        (
            {"values": np.zeros((2, 3, 1)), "label": np.array(["a", None])},
            "cannot be read .* texts as dtype=str",
        ),
        (
            {"values": np.zeros((0, 3, 1)), "label": []},
            r"holds no series: its shape is \[0, 3, 1\]",
        ),
        ({"values": np.zeros((2, 3, 0))}, r"holds no series: its shape is \[2, 3, 0\]"),
        ({"values": np.zeros((2, 3, 1), complex)}, "values must be numbers .* got complex128"),
    ],
)
def test_arrays_that_are_no_series_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "x.npz", **{"label": [0, 1], **arrays})
    with pytest.raises(UserError, match=message):
        rows_of(tmp_path / "x.npz", "label")


def test_an_npy_of_more_labels_than_are_named_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 3)))
    np.save(tmp_path / "y.npy", np.zeros((2, 3)))
    with pytest.raises(
        UserError, match=r"y\.npy has 3 columns \[2, 3\], and dataset\.label names 1"
    ):
        rows_of(tmp_path / "x.npy", "label", labels=tmp_path / "y.npy")


def long(path, *rows, header="id,time,a,label"):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_the_order_of_times_of_text_is_not_guessed(tmp_path):
    late = [f"z,t{hour},{hour},x" for hour in (1, 2, 10)]
    with pytest.raises(UserError, match=r"holds text such as 't10', .* write numbers, or dates"):
        rows_of(long(tmp_path / "late.csv", *late))
    # Where it is also the order of the rows there is nothing to guess.
    in_order = [f"z,t{hour:02},{hour},x" for hour in (1, 2, 10)]
    ((values,),) = rows_of(long(tmp_path / "padded.csv", *in_order))
    assert values[:, 0].tolist() == [1, 2, 10]
    ((values,),) = rows_of(tmp_path / "late.csv", names=COLUMNS._replace(time=None))
    assert values[:, 0].tolist() == [1, 2, 10]


def test_a_column_of_numbers_with_a_word_is_not_left_out(tmp_path):
    path = long(tmp_path / "x.csv", "z,1,5,x", "z,2,?,x", "z,3,7,x")
    with pytest.raises(UserError, match=r"the column 'a' holds numbers, and \? in one of its rows"):
        rows_of(path)


def test_two_columns_of_one_name_are_refused(tmp_path):
    path = long(tmp_path / "x.csv", "z,1,5,6,x", header="id,time,a,a,label")
    with pytest.raises(UserError, match="has 2 columns 'a': rename one of them"):
        rows_of(path)


def test_ids_and_classes_are_as_they_are_spelled(tmp_path):
    path = long(tmp_path / "x.csv", "007,1,5,x", "7,1,6,x")
    assert [name for _, name in rows_of(path, "id")] == ["007", "7"]
    path = long(tmp_path / "y.csv", "a,1,5,00501", "b,1,6,501")
    assert [label for _, label in rows_of(path, "label")] == ["00501", "501"]


def test_categories_of_ids_and_times_are_read_as_their_values(tmp_path):
    ids = pa.DictionaryArray.from_arrays([2, 2, 0, 0, 1, 1], ["a", "b", "z"])
    times = pa.DictionaryArray.from_arrays([1, 0, 1, 0, 1, 0], ["2020-01-01", "2019-01-01"])
    table = pa.table({"id": ids, "time": times, "a": range(6), "label": ["x"] * 6})
    pq.write_table(table, tmp_path / "long.parquet")
    found = rows_of(tmp_path / "long.parquet", "id")
    assert [(name, values[:, 0].tolist()) for values, name in found] == [
        ("z", [0, 1]),
        ("a", [2, 3]),
        ("b", [4, 5]),
    ]


def test_what_a_table_leaves_open_is_told(tmp_path):
    path = long(tmp_path / "x.csv", "z,1,5,true,x", "z,1,6,true,x", header="id,time,a,b,label")
    left_out, twice = open_series(path, COLUMNS).remarks()
    assert "channels are columns of numbers, so 'b' is left out" in left_out
    assert "series 1: the time 1 occurs twice (in all 1 steps" in twice


def test_a_channel_of_train_may_be_blank_in_all_rows_of_another_table(tmp_path):
    rows = [f"{i},1,{i},{100 + i},{'uv'[i % 2]}" for i in range(20)]
    train = long(tmp_path / "train.csv", *rows, header="id,time,a,b,label")
    blank = ["x,1,5,,u", "y,1,6,,v"]
    test = long(tmp_path / "test.csv", *blank, header="id,time,a,b,label")
    with pytest.raises(UserError, match=r"test\.csv, series 1: .* channel 2 is missing \(NaN\)"):
        series(tmp_path, train=train, test=test).prepare_data()
    data = series(tmp_path, train=train, test=test, nan="zero")
    data.prepare_data()
    data.setup()
    assert next(iter(data.test_dataloader())).tokens.tolist() == [[[5, 0]], [[6, 0]]]


@pytest.mark.parametrize("index", ["", "Unnamed: 0", "__index_level_0__"])
def test_row_numbers_of_pandas_are_channels_only_by_name(tmp_path, index):
    path = long(tmp_path / "x.csv", "0,z,1,5,x", "1,z,2,6,x", header=f"{index},id,time,a,label")
    table = open_series(path, COLUMNS)
    assert table.channels() == ["a"]
    (left_out,) = table.remarks()
    assert f"x.csv: '{index}' is left out, the row numbers that pandas writes" in left_out
    ((values,),) = rows_of(path, names=COLUMNS._replace(channels=[index, "a"]))
    assert values.tolist() == [[0, 5], [1, 6]]


def test_what_float32_rounds_away_is_told(tmp_path):
    times = 1.7e9 + np.arange(40.0).reshape(2, 20, 1)
    np.savez(tmp_path / "x.npz", values=np.concatenate([times, times - 1.7e9], axis=2))
    (remark,) = open_series(tmp_path / "x.npz", COLUMNS).remarks()
    assert "float32 rounds the channel 1 by up to" in remark


def series(tmp_path, **options):
    known = {"name": "x", "data_root": tmp_path / "data", "classes": 2, "max_length": 4}
    return Series(**{**known, "batch_size": 4, **options})


def test_channels_of_test_are_in_the_order_of_train(tmp_path):
    rows = [f"{i},1,{i},{100 + i},{'uv'[i % 2]}" for i in range(20)]
    turned = [",".join(reversed(row.split(","))) for row in rows]
    train = long(tmp_path / "train.csv", *rows, header="id,time,a,b,label")
    test = long(tmp_path / "test.csv", *turned, header="label,b,a,time,id")
    data = series(tmp_path, train=train, val=train, test=test)
    data.prepare_data()
    data.setup()
    batches = [next(iter(of())).tokens for of in (data.val_dataloader, data.test_dataloader)]
    assert batches[0].tolist() == batches[1].tolist() == [[[i, 100 + i]] for i in range(4)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": ["a", "a"]}, "channels names 'a' twice"),
        ({"channels": ["a", "label"]}, "names 'label', which is dataset.label: leave it out"),
        ({"channels": ["id"]}, "names 'id', which is dataset.id: leave it out"),
        ({"label_kind": "number", "label": ["b", "b"]}, "label names 'b' twice"),
        ({"label": []}, "label must name at least one column"),
    ],
)
def test_columns_that_are_two_things_are_refused(tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        series(tmp_path, train="x.csv", **options)


def test_another_number_of_channels_is_refused_by_the_card(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, values=np.arange(40.0).reshape(20, 2, 1), label=[0, 1] * 10)
    series(tmp_path, train=path).prepare_data()
    data = series(tmp_path, train=path, inputs=3)
    with pytest.raises(
        UserError, match=r"dataset\.inputs must be the number of channels of x, 1, got 3"
    ):
        data.check_card(data.card)
