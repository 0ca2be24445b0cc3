"""The division of a step's time among its parts, from the events of a profiler."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from wavspa.training.profiling.ranges import (
    ATTENTION,
    COMPILED,
    DATA,
    MLP,
    OPTIMIZER,
    PREFIX,
    PROJECTIONS,
    TRANSFORM,
    VALIDATION,
)

OTHER, GAPS = "other", "gaps"
# Rows of a table, and those that only some runs have: of compiled blocks, parts may not be distinguishable.
OF_BLOCKS = (TRANSFORM, ATTENTION, PROJECTIONS, MLP)
ROWS = (*OF_BLOCKS, COMPILED, OPTIMIZER, DATA, VALIDATION, OTHER, GAPS)
SELDOM = (COMPILED, VALIDATION)

# How torch calls what it records itself.
_LOADER = "enumerate(DataLoader)#"
_STEP, _ZERO_GRAD = "Optimizer.step#", "Optimizer.zero_grad#"
_BACKWARD = "autograd::engine::evaluate_function:"
# Operators that a compiled block calls as they are.
_OPERATORS = {
    "wavspa::dropout_attention": ATTENTION,
    "wavspa::": TRANSFORM,
    "aten::scaled_dot_product": ATTENTION,
    "aten::_scaled_dot_product": ATTENTION,
    "aten::_flash_attention": ATTENTION,
    "aten::_efficient_attention": ATTENTION,
}


class Event(NamedTuple):
    """An operator or a range on the host, in microseconds.

    ``sequence`` numbers the operators that can be differentiated, and their backward; negative: none.
    ``kernels`` is what the device took for it.
    """

    name: str
    start: float
    end: float
    thread: int
    sequence: int = -1
    kernels: float = 0.0


Span = tuple[float, float]


def read_events(found: Iterable[Any]) -> tuple[list[Event], list[Span]]:
    """The host's events, and when the device computed.

    Args:
        found: What ``torch.profiler.profile().events()`` lists.
    """
    events, busy = [], []
    for event in found:
        start, end = event.time_range.start, event.time_range.end
        if event.device_type.name == "CPU":
            kernels = sum(kernel.duration for kernel in event.kernels)
            sequence = event.sequence_nr
            events.append(Event(event.name, start, end, event.thread, sequence, kernels))
        elif not event.is_user_annotation:
            busy.append((start, end))
    return events, busy


def time_by_part(events: Sequence[Event], busy: Sequence[Span], whole: float) -> dict[str, float]:
    """Microseconds of each part: of the device where there is one, else of the thread that trains.

    A gradient belongs to the part that made what it differentiates. Gaps are times when nothing computes; if
    the host waits for data meanwhile, they count as data.

    Args:
        events: What the host did.
        busy: When the device computed; empty without one.
        whole: Microseconds that were recorded.
    """
    named = list(_with_parts(events))
    found: dict[str, float] = defaultdict(float)
    if not busy:
        thread = next((e.thread for e in events if e.name.startswith(_STEP)), None)
        for event, part, above in named:
            if event.thread == thread:
                found[part] += event.end - event.start
                if above is not None:
                    found[above] -= event.end - event.start
        found[GAPS] = max(0.0, whole - sum(found.values()))
        return dict(found)
    for event, part, _ in named:
        found[part] += event.kernels
    computing = _union(busy)
    loading = _union([(e.start, e.end) for e, part, _ in named if part == DATA])
    waiting = _length(loading) - _length(_overlaps(computing, loading))
    found[DATA] += waiting
    found[GAPS] = max(0.0, whole - _length(computing) - waiting)
    return dict(found)


def table(parts: Mapping[str, float], steps: int) -> list[str]:
    """Lines of a table: milliseconds per step and the share of each part.

    Args:
        parts: Microseconds by part.
        steps: Number of recorded steps.
    """
    total = sum(parts.values()) or 1.0
    seldom = {*SELDOM, *(OF_BLOCKS if COMPILED in parts else ())}
    lines = [f"{'part':16}{'ms/step':>10}{'share':>9}"]
    for name in ROWS:
        time = parts.get(name, 0.0)
        if time or name not in seldom:
            lines.append(f"{name:16}{time / 1000 / steps:10.2f}{100 * time / total:7.1f} %")
    return lines


def _with_parts(events: Sequence[Event]) -> Iterator[tuple[Event, str, str | None]]:
    """Each event, its part and that of the event around it."""
    open_events: dict[int, list[tuple[Event, str]]] = defaultdict(list)
    of_sequence: dict[int, str] = {}
    for event in sorted(events, key=lambda event: (event.start, -event.end)):
        around = open_events[event.thread]
        while around and around[-1][0].end < event.end:
            around.pop()
        above = around[-1][1] if around else None
        if event.name.startswith(_BACKWARD):
            part = of_sequence.get(event.sequence, above or OTHER)
        else:
            part = _part_of(event.name, above or OTHER)
            if event.sequence >= 0:
                # Of several with one number the last one is that which is differentiated.
                of_sequence[event.sequence] = part
        around.append((event, part))
        yield event, part, above


def _part_of(name: str, above: str) -> str:
    if above == VALIDATION:
        return above
    if name.startswith(PREFIX):
        return name.removeprefix(PREFIX)
    if name.startswith(_LOADER):
        return DATA
    if name.startswith(_ZERO_GRAD):
        return OPTIMIZER
    if above == COMPILED:
        return next((part for start, part in _OPERATORS.items() if name.startswith(start)), above)
    return above


def _union(spans: Iterable[Span]) -> list[Span]:
    united: list[Span] = []
    for start, end in sorted(spans):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        else:
            united.append((start, end))
    return united


def _overlaps(first: Sequence[Span], second: Sequence[Span]) -> Iterator[Span]:
    """The overlap of two lists of spans, each sorted and disjoint."""
    i = j = 0
    while i < len(first) and j < len(second):
        start, end = max(first[i][0], second[j][0]), min(first[i][1], second[j][1])
        if start < end:
            yield start, end
        if first[i][1] < second[j][1]:
            i += 1
        else:
            j += 1


def _length(spans: Iterable[Span]) -> float:
    return sum(end - start for start, end in spans)
