"""Labs about decision boundaries: XOR, and classification. Oracles: the lectures' numbers (1)."""

import runpy
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

LABS = Path(__file__).parents[2] / "labs"


def run(name, folder, monkeypatch):
    """Return the names of a lab that wrote its figures into a folder."""
    monkeypatch.setattr("sys.argv", [name, str(folder)])
    names = runpy.run_path(str(LABS / name))
    assert all(path.stat().st_size > 8_000 for path in folder.glob("*.png"))
    return names


def test_xor(tmp_path, monkeypatch, capsys):
    """One layer separates AND and OR, and cannot separate XOR: its loss is ln 2."""
    result = run("xor.py", tmp_path, monkeypatch)
    assert result["losses"]["and"] < 0.1
    assert result["losses"]["or"] < 0.1
    assert result["losses"]["xor"] == pytest.approx(np.log(2), abs=1e-4)
    assert result["accuracies"]["before training"] < 1
    assert result["accuracies"]["after"] == 1
    after = result["view"]
    corners = [[0, 0], [0, 1], [1, 0], [1, 1]]
    for (x1, x2), answer in zip(corners, (0, 1, 1, 0), strict=True):
        nearest = np.argmin((after.x1 - x1) ** 2 + (after.x2 - x2) ** 2)
        assert after.prediction.flat[nearest] == answer
    assert len(list(tmp_path.glob("xor_*.png"))) == 3
    assert "and, one layer: 4 of 4 right" in capsys.readouterr().out


def test_classify(tmp_path, monkeypatch, capsys):
    """The ten probabilities of lecture 001, and -log of the third."""
    result = run("classify.py", tmp_path, monkeypatch)
    expected = [9.0640e-07, 0.010957, 0.297071, 0.661143, 5.4410e-3]
    expected += [2.2179e-4, 2.7230e-06, 0.019965, 2.9861e-3, 2.2122e-3]
    np.testing.assert_allclose(result["probabilities"], expected, rtol=2e-4)
    assert result["loss_of_one_hot"] == pytest.approx(-np.log(0.661143), rel=1e-4)
    assert result["loss_of_class"] == pytest.approx(-np.log(0.661143), rel=1e-4)
    assert result["histories"]["binary_crossentropy"][-1] > 0.95
    assert result["histories"]["mse"][-1] < 0.1
    accuracy = float(np.mean(~result["boundary"].test_points.is_wrong))
    assert accuracy > 0.9
    assert len(list(tmp_path.glob("classify_*.png"))) == 4
    assert "the probabilities sum to 1.0000" in capsys.readouterr().out
