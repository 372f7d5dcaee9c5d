"""The lab of learning rates. Oracle: trainings for ten epochs at eighteen rates (6)."""

import runpy
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

LABS = Path(__file__).parents[2] / "labs"


def test_rates(tmp_path, monkeypatch, capsys):
    """At the suggestion, the loss has made 90 % of the fall that the best of the rates makes."""
    monkeypatch.setattr("sys.argv", ["rates.py", str(tmp_path)])
    lab = runpy.run_path(str(LABS / "rates.py"))
    assert list(lab["results"]) == ["digits, SGD", "digits, Adam", "diabetes, SGD"]
    for name, result in lab["results"].items():
        losses = lab["reached"][name]
        assert len(losses) == len(lab["RATES"])
        assert result.band[0] < result.suggestion <= result.band[1]
        finite = np.where(np.isfinite(losses), losses, 2 * losses[0])
        reached = np.interp(np.log(result.suggestion), np.log(lab["RATES"]), finite)
        best = losses.min()
        assert reached - best < 0.1 * (losses[0] - best)
    sgd, adam = lab["results"]["digits, SGD"], lab["results"]["digits, Adam"]
    assert sgd.suggestion > 5 * adam.suggestion
    assert (tmp_path / "rates.png").stat().st_size > 50_000
    assert "rates.png" in capsys.readouterr().out
