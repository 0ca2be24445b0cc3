"""What runs write, on the report page."""

import json
from pathlib import Path

from wavspa.reports.formats.examples import EXAMPLES, MOST_CHARACTERS, written_examples
from wavspa.reports.runs.collect import Run
from wavspa.run_folder import layout


def run_in(folder: Path, lines: list[str], state: str = "finished") -> Run:
    folder.mkdir()
    (folder / layout.TEXTS).write_text("".join(line + "\n" for line in lines))
    return Run(folder, status={"state": state})


def row(number: int) -> str:
    return json.dumps({"source": f"s{number}", "reference": "r", "text": "x" * 2000, "score": -1.0})


def test_ten_examples_are_spread_over_the_test(tmp_path: Path) -> None:
    runs = [
        run_in(tmp_path / "many", [row(n) for n in range(25)]),
        run_in(tmp_path / "few", [row(0), row(1)]),
        run_in(tmp_path / "damaged", ["{"]),
        run_in(tmp_path / "running", [row(0)], "running"),
        Run(tmp_path, status={"state": "finished"}),
    ]
    found = written_examples(runs)
    assert list(found) == ["many", "few"]
    assert [example.source for example in found["many"]] == [
        f"s{int(place * 2.5)}" for place in range(EXAMPLES)
    ]
    assert len(found["few"]) == 2
    assert len(found["few"][0].text) == MOST_CHARACTERS + 1


def test_a_text_may_hold_any_end_of_a_line(tmp_path: Path) -> None:
    line = json.dumps({"source": "a\u2028b\x85c", "reference": "", "text": ""}, ensure_ascii=False)
    found = written_examples([run_in(tmp_path / "run", [line])])
    assert [example.source for example in found["run"]] == ["a\u2028b\x85c"]
