"""What scripts/wandb_report.py sends to W&B, told by a stand-in of its interface."""

import json
import os
import runpy
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from support.tiny_runs import tiny_run
from wavspa.errors import UserError
from wavspa.reports.runs.collect import collect
from wavspa.training.loggers.metrics_csv import MetricsCsv

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[2] / "scripts/wandb_report.py"
ANSWERS = {
    "viewer": {
        "id": "1",
        "username": "me",
        "entity": "me",
        "email": "",
        "flags": "{}",
        "teams": {"edges": []},
    },
    "project": {"id": "p", "internalId": "UHJvamVjdDp2MTp3"},
    "models": {"edges": [], "pageInfo": {"endCursor": None, "hasNextPage": False}},
}


@pytest.fixture
def service():
    """Answers GraphQL; its address, and the views that were saved."""
    views = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = json.loads(body) if body.startswith(b"{") else {"query": ""}
            data = {name: value for name, value in ANSWERS.items() if name in request["query"]}
            if "upsertView" in request["query"]:
                views.append(request["variables"])
                data["upsertView"] = {"view": saved(request["variables"]), "inserted": True}
            if "upsertModel" in request["query"]:
                made = {"id": "p", "name": "wavspa", "entityName": "me"}
                made |= {"description": "", "access": "", "views": "{}"}
                data["result"] = {"project": made, "model": made, "inserted": True}
            answer = json.dumps({"data": data}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", views
    server.shutdown()


def saved(view):
    project = {"id": "p", "name": view["projectName"], "entityName": view["entityName"]}
    user = {"username": "me", "name": "me", "photoUrl": "", "email": ""}
    times = {"createdAt": "2026-01-01", "updatedAt": "2026-01-01"}
    names = {"name": view["name"], "displayName": view["displayName"], "description": ""}
    return {
        "id": "v",
        "type": "runs",
        "project": project,
        "user": user,
        "spec": view["spec"],
        **times,
        **names,
    }


def report(*words, **variables):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WANDB_")}
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, words), "--entity", "me"],
        capture_output=True,
        text=True,
        env=environment | {"WANDB_API_KEY": "0" * 40, **variables},
    )


def test_cells_are_grouped_and_each_metric_has_its_panel(tmp_path, service):
    for wavelet in ("none", "ada"):
        folder = tiny_run(tmp_path, "logger=wandb", f"model/wavelet={wavelet}")
        logger = MetricsCsv(folder)
        logger.log_metrics({"val/accuracy": 0.5, "val/loss": 1.0, "train/loss": 1.0}, step=0)
        if wavelet == "ada":
            logger.log_metrics({"energy/layer1/cA1": 0.5, "orthogonality/layer1": 0.1}, step=0)
    address, views = service
    done = report(tmp_path / "runs", WANDB_BASE_URL=address)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith(f"report: {address}/me/wavspa/reports/")
    (view,) = views
    assert (view["projectName"], view["displayName"]) == ("wavspa", "digits: attention by wavelet")
    grids = [b["metadata"] for b in json.loads(view["spec"])["blocks"] if b["type"] == "panel-grid"]
    panels = [
        panel["config"] for grid in grids for panel in grid["panelBankSectionConfig"]["panels"]
    ]
    assert [name for panel in panels for name in panel.get("metrics", panel.get("mediaKeys"))] == [
        "val/accuracy",
        "train/loss",
        "val/loss",
        "energy/layer1/cA1",
        "orthogonality/layer1",
        "figures/filters",
        "figures/energy",
        "figures/confusion",
    ]
    for grid in grids:
        (runs,) = grid["runSets"]
        assert [key["name"] for key in runs["grouping"]] == [
            "model.value.attention",
            "model.value.wavelet",
        ]
        (kept,) = runs["filters"]["filters"]
        assert (kept["key"]["name"], kept["value"]) == ("experiment_name", "digits")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([[]], "none of these runs logs to W&B: start them with logger=wandb"),
        (
            [["logger=wandb"], ["logger=wandb", "experiment_name=other"]],
            r"these runs belong to several experiments \(digits, other\): name one folder",
        ),
    ],
)
def test_mistakes_are_named(tmp_path, words, message):
    for choices in words:
        tiny_run(tmp_path, *choices)
    logged = runpy.run_path(str(SCRIPT))["logged"]
    with pytest.raises(UserError, match=message):
        logged(collect([tmp_path / "runs"]))
