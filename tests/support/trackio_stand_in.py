"""The functions of Trackio that a run uses, for machines without it."""

import sys
from types import SimpleNamespace

import pytest


class StandIn:
    """Runs by their names, as Trackio keeps them."""

    def __init__(self):
        self.runs, self.current = {}, None

    def init(self, project, name=None, group=None, space_id=None, config=None, resume="never"):
        print("* Trackio project initialized")
        assert resume == "allow"
        self.current = self.runs.setdefault((project, name), SimpleNamespace(rows=[], inits=[]))
        self.current.inits.append({"group": group, "space_id": space_id, "config": config})
        self.current.log = lambda metrics, step: self.current.rows.append((step, metrics))
        return self.current

    def finish(self):
        print("* Run finished")
        self.current = None


def stand_in_for_trackio(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Put it where Trackio is imported and looked for."""
    stand_in = StandIn()
    module = SimpleNamespace(init=stand_in.init, finish=stand_in.finish)
    monkeypatch.setitem(sys.modules, "trackio", module)
    monkeypatch.setattr("wavspa.launching.options.loggers.find_spec", lambda name: object())
    return stand_in
