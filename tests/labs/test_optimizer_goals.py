"""The lab of optimizers. Oracles: 2 / curvature, and what the lectures say of each method."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

LAB = Path(__file__).parents[2] / "labs" / "optimizers.py"


def test_optimizers(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["optimizers.py", str(tmp_path)])
    result = runpy.run_path(str(LAB))
    sgd, momentum, rmsprop, adam = (losses[-1] for losses in result["optimizers"].losses)
    assert max(momentum, rmsprop, adam) < sgd
    assert result["rates"].outcomes == ("on the way", "arrived", "left the bowl")
    assert 0.02 < result["steepest"] < 0.03
    # Rows of one batch disagree about the slope: steps of one row turn most often.
    turns = [np.mean((np.diff(path, 2, axis=0) ** 2).sum(1)) for path in result["batches"].paths]
    assert turns == sorted(turns)
    assert len({tuple(path[0]) for path in result["starts"].paths}) == 5
    names = ("optimizers", "rates", "batches", "starts")
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{name}{end}" for name in names for end in (".png", "_3d.png", ".html")
    }
    assert "rate 0.03 left the bowl" in capsys.readouterr().out
