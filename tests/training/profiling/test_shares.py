"""Which part of a step a moment belongs to, by hand."""

import pytest

from wavspa.training.profiling.shares import Event, table, time_by_part

BACKWARD = "autograd::engine::evaluate_function: "


def step(kernels=0.0):
    """A step of 100: 10 of data, 4 of a gap, 60 forward and backward, 20 of the optimizer, 6 of a gap."""
    return [
        Event("enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__", 0, 10, 1),
        Event("Optimizer.step#AdamW.step", 14, 94, 1),
        Event("aten::embedding", 14, 18, 1, sequence=0, kernels=kernels),
        Event("wavspa: transform", 18, 40, 1),
        Event("wavspa::analysis", 18, 24, 1, sequence=1, kernels=kernels),
        Event("wavspa: attention", 24, 36, 1),
        # It looks at the number 2, which the product takes.
        Event("aten::empty", 24, 25, 1, sequence=2),
        Event("wavspa: projections", 25, 31, 1),
        Event("aten::addmm", 26, 31, 1, sequence=2, kernels=kernels),
        Event("aten::softmax", 31, 35, 1, sequence=3, kernels=kernels),
        Event(BACKWARD + "SoftmaxBackward0", 40, 48, 1, sequence=3),
        Event("aten::_softmax_backward_data", 41, 48, 1, kernels=kernels),
        Event(BACKWARD + "AddmmBackward0", 48, 60, 1, sequence=2),
        Event("aten::mm", 48, 60, 1, kernels=kernels),
        Event(BACKWARD + "AnalysisBackward", 60, 66, 1, sequence=1),
        Event(BACKWARD + "EmbeddingBackward0", 66, 70, 1, sequence=0),
        Event(BACKWARD + "torch::autograd::AccumulateGrad", 70, 74, 1, sequence=2**64 - 1),
        Event("wavspa: optimizer", 74, 94, 1),
        Event("aten::_fused_adamw_", 75, 90, 1, kernels=kernels),
        # Another thread, which is not waited for.
        Event("aten::empty", 5, 95, 2),
    ]


def test_a_gradient_belongs_to_what_made_its_operator():
    found = time_by_part(step(), [], whole=100)
    assert found == {
        "data": 10,
        "transform": 6 + 4 + 6,
        "attention": 1 + 4 + 1 + 8,
        "projections": 6 + 12,
        "optimizer": 20,
        "other": 4 + 4 + 4,
        "gaps": 4 + 6,
    }
    assert sum(found.values()) == 100


def test_on_a_device_kernels_count_and_gaps_are_when_none_runs():
    # Two kernels at once count once as busy; the device waits 8 of the 10 that the host loads for.
    busy = [(8, 12), (20, 40), (30, 50), (60, 90)]
    found = time_by_part(step(kernels=12), busy, whole=100)
    assert found["data"] == 8
    assert found["gaps"] == 100 - (4 + 30 + 30) - 8
    assert (found["transform"], found["attention"], found["projections"]) == (12, 24, 24)
    assert (found["optimizer"], found["other"]) == (12, 12)


def test_validation_is_a_part_of_its_own_whatever_is_in_it():
    events = [
        Event("wavspa: validation", 0, 50, 1),
        Event("wavspa: transform", 10, 20, 1),
        Event("enumerate(DataLoader)#…", 20, 30, 1),
        Event("Optimizer.step#AdamW.step", 60, 70, 1),
    ]
    assert time_by_part(events, [], whole=70) == {"validation": 50, "other": 10, "gaps": 10}


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("wavspa::lifting_analysis", "transform"),
        ("wavspa::dropout_attention", "attention"),
        ("aten::_flash_attention_forward", "attention"),
        ("aten::mm", "compiled blocks"),
    ],
)
def test_a_compiled_block_shows_the_operators_that_it_calls(name, part):
    events = [
        Event("wavspa: compiled blocks", 0, 10, 1, sequence=7),
        Event(name, 2, 10, 1),
        Event("Optimizer.step#AdamW.step", 10, 30, 1),
        Event(BACKWARD + "CompiledFunctionBackward", 10, 30, 1, sequence=7),
        Event(name, 12, 30, 1),
    ]
    found = time_by_part(events, [], whole=30)
    assert found.pop("compiled blocks", 0) == (30 if part == "compiled blocks" else 4)
    assert found.get(part, 30) in (26, 30)


def test_the_table_adds_up():
    lines = table({"transform": 3000.0, "gaps": 1000.0}, steps=2)
    assert lines[1].split() == ["transform", "1.50", "75.0", "%"]
    assert [line.split()[0] for line in lines[1:]] == [
        *("transform", "attention", "projections", "MLP", "optimizer", "data", "other", "gaps")
    ]
