"""Who prints: the first rank, or all that are asked to."""

import pytest
from pytorch_lightning.utilities import rank_zero_only

from wavspa import reporting


@pytest.mark.parametrize("rank", [0, 1])
def test_the_first_rank_prints(rank, monkeypatch, capsys):
    monkeypatch.setattr(rank_zero_only, "rank", rank)
    reporting.print_line("finished")
    reporting.report("step 1")
    reporting.warn("no network")
    reporting.report("here", every_rank=True)
    printed = capsys.readouterr()
    assert printed.out == ("" if rank else "finished\n")
    assert printed.err == ("" if rank else "step 1\nwarning: no network\n") + "here\n"
