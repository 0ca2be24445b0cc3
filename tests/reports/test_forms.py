import io
import re
import shutil
import subprocess

import pandas
import pytest

from support.reported_runs import finish, frozen_run
from wavspa.commands.report import main
from wavspa.errors import UserError
from wavspa.reports.formats.csv import csv_text
from wavspa.reports.formats.latex import escaped, latex
from wavspa.reports.formats.markdown import markdown
from wavspa.reports.formats.write import FORMS, default_report_dir, write_report
from wavspa.reports.report import build_report
from wavspa.reports.runs.collect import collect
from wavspa.reports.tables.comparison import Layout
from wavspa.run_folder.status import update_status


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """ListOps with a published column, a bold cell, a cell that failed, and words to escape."""
    root = tmp_path_factory.mktemp("runs")
    card = {"name": "listops (100 % & more_x)", "root_operator_control": {"test": 0.361}}
    for wavelet, accuracies in {"none": (0.35, 0.36), "ada": (0.55, 0.552)}.items():
        for seed, accuracy in enumerate(accuracies, start=1):
            folder = frozen_run(root, seed, dataset__name="listops", model__wavelet=wavelet)
            finish(folder, accuracy, **card)
    lost = frozen_run(root, 1, dataset__name="listops", model__wavelet="lift")
    update_status(lost, state="failed", reason="it rains\tcats_&_dogs")
    return build_report(collect([root]), Layout())


def test_markdown(report):
    lines = markdown(report).splitlines()
    assert lines[0] == "| attention | wavelet | listops (100 % & more\\_x) | published |"
    assert lines[2:5] == [
        "| softmax | none | 35.50 ± 0.71 (2) | 36.37 |",
        "| softmax | ada | **55.10 ± 0.14 (2)** | 55.40 |",
        "| softmax | lift | - (1 failed) | 42.95 |",
    ]
    text = "\n".join(lines)
    assert "reading the root operator alone 36.1 %" in text
    assert "always the most frequent class 75.0 %" in text
    assert "it rains" in text.split("## Not finished")[1]
    widths = {line.count(" | ") for line in lines[0:5]}
    assert len(widths) == 1


def test_csv_loads_with_its_numbers(report):
    frame = pandas.read_csv(io.StringIO(csv_text(report)))
    assert list(frame["wavelet"]) == ["none", "ada", "lift"]
    assert frame["accuracy_percent"][1] == pytest.approx(55.1)
    assert frame["accuracy_percent_sd"][0] == pytest.approx(0.7071, abs=1e-4)
    assert list(frame["best"]) == [False, True, False]
    assert list(frame["published_percent"]) == [36.37, 55.40, 42.95]
    assert frame["peak_memory_bytes"][0] == 500 * 2**20
    assert frame["unfinished"][2] == "1 failed"


def test_latex_has_what_is_to_be_pasted(report):
    text = latex(report)
    assert r"softmax & ada & \textbf{55.10 $\pm$ 0.14 (2)} & 55.40 \\" in text
    assert r"\multicolumn{2}{c}{listops (100 \% \& more\_x)}" in text
    for rule in ("toprule", "midrule", "bottomrule"):
        assert text.count(rf"\{rule}") == 2


def test_latex_compiles(report, tmp_path):
    if not shutil.which("pdflatex"):
        pytest.skip("there is no pdflatex (Debian: texlive-latex-recommended)")
    (tmp_path / "table.tex").write_text(latex(report))
    head = r"\documentclass{article}\usepackage[utf8]{inputenc}\usepackage{booktabs,graphicx}"
    body = r"\begin{document}\input{table}\end{document}"
    (tmp_path / "main.tex").write_text(head + body)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout


def test_latex_escapes_everything():
    assert escaped(r"a_b % & # $ {x} ~ ^ \ < >").count("\\") == 10
    assert not re.search(r"(?<!\\)[_%&#]", escaped("a_b % & #"))


def test_no_row_begins_as_an_option_of_the_one_above(tmp_path):
    for betas in ([0.9, 0.9], [0.9, 0.99], [0.9, 0.999]):
        finish(frozen_run(tmp_path, optimizer__betas=betas), 0.5)
    text = latex(build_report(collect([tmp_path]), Layout(rows=["optimizer.betas"])))
    assert not re.search(r"\\\\\s*[\[*]", text)
    assert "{[}0.9, 0.99] & " in text


def test_files_are_written_beside_the_runs(report, tmp_path):
    run = frozen_run(tmp_path / "digits")
    assert default_report_dir([tmp_path / "digits"]) == tmp_path / "digits" / "report"
    assert default_report_dir([run]) == tmp_path / "digits" / "report"
    assert default_report_dir([run, tmp_path]) == tmp_path / "report"
    written = write_report(report, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(FORMS)
    assert all(path.stat().st_size for path in written)


def test_nothing_is_written_if_a_form_fails(report, tmp_path, monkeypatch):
    monkeypatch.setitem(FORMS, "report.html", lambda report: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(report, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command(tmp_path, monkeypatch, capsys):
    finish(frozen_run(tmp_path / "digits"), 0.5)
    words = [str(tmp_path), "rows=model.wavelet", "columns=seed", "--output", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", ["wavspa-report", *words, "--figure", str(tmp_path / "c.svg")])
    main()
    out = capsys.readouterr().out
    assert "50.00" in out
    assert out.count("written: ") == 5
    assert (tmp_path / "out" / "table.md").read_text().startswith("## digits\n\n| wavelet | 1 |")
    assert (tmp_path / "c.svg").exists()


@pytest.mark.parametrize(
    ("word", "told"), [("row=model.dim", "neither a folder"), ("rows=", "neither a folder")]
)
def test_other_words_are_refused(word, told, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["wavspa-report", word])
    with pytest.raises(SystemExit):
        main()
    assert told in capsys.readouterr().err


def test_all_runs_damaged_is_told(tmp_path):
    (frozen_run(tmp_path) / "status.json").write_text("{")
    with pytest.raises(UserError, match="all runs are damaged"):
        build_report(collect([tmp_path]), Layout())
