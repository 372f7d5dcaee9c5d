"""Convolutions on small sets of real images, in the labs."""

import runpy
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

LABS = Path(__file__).parents[2] / "labs"


def run(lab, folder, monkeypatch):
    """Run a lab in a folder, and return its globals."""
    monkeypatch.chdir(folder)
    result = runpy.run_path(str(LABS / lab))
    assert (folder / lab).with_suffix(".png").stat().st_size > 20_000
    return result


def test_digits(shared_data, tmp_path, monkeypatch, record_property, capsys):
    """Goal: 0.975 after ten epochs on 8,000 digits.

    PyTorch reaches 0.978 to 0.985. Measured over seeds: 0.984 to 0.985.
    """
    result = run("digits.py", tmp_path, monkeypatch)
    assert result["EPOCHS"] == 10
    record_property("accuracy", result["accuracy"])
    assert result["accuracy"] >= 0.975
    counts, test = result["counts"], result["data"].y_test
    np.testing.assert_array_equal(counts.sum(axis=1), np.bincount(test))
    assert np.trace(counts) / len(test) == pytest.approx(result["accuracy"])
    assert len(result["wrong"]) == len(test) - np.trace(counts)
    assert np.all(np.diff(result["confidence"][result["wrong"]]) <= 0)
    first, kernel = result["maps"]["first"], result["trace"]["first"].params["kernel"]
    middle = result["data"].x_test[0, 10:13, 10:13] / 255
    bias = result["trace"]["first"].params["bias"]
    by_hand = np.maximum(np.einsum("ij,ijf->f", middle, kernel[:, :, 0]) + bias, 0)
    np.testing.assert_allclose(first[10, 10], by_hand, rtol=1e-4, atol=1e-5)
    assert "digits.png" in capsys.readouterr().out


def test_clothes(shared_data, tmp_path, monkeypatch, record_property, capsys):
    """Goals on the subset after ten epochs: 0.845 with convolutions, 0.80 without.

    Measured over seeds with convolutions: 0.850 to 0.878 (PyTorch: 0.831 to 0.855). Without:
    scikit-learn's MLP reaches 0.808 to 0.831.
    """
    result = run("clothes.py", tmp_path, monkeypatch)
    *dense, convolutions = result["scores"].values()
    assert result["EPOCHS"] == 10
    record_property("accuracy", convolutions)
    assert convolutions >= 0.845
    assert convolutions > max(dense) > min(dense) > 0.80
    assert result["history"].history["accuracy"][-1] > 0.85
    assert np.mean(result["predicted"] == result["test_labels"]) == pytest.approx(convolutions)
    assert "clothes.png" in capsys.readouterr().out


def test_looks(shared_data, tmp_path, monkeypatch, capsys):
    """Oracle: Adebayo et al. 2018: gradients change with re-drawn weights; the sizes of integrated
    gradients follow the picture.
    """
    monkeypatch.setattr("sys.argv", ["looks.py", str(tmp_path)])
    result = runpy.run_path(str(LABS / "looks.py"))
    for (_, method), correlation in result["correlations"].items():
        assert abs(correlation) < (0.65 if method == "grad_cam" else 0.2)
    assert result["sizes"]["dense", "gradient"] < 0.2
    assert result["sizes"]["dense", "integrated_gradients"] > 0.9
    assert all(path.stat().st_size > 20_000 for path in tmp_path.glob("looks_*.png"))
    assert len(list(tmp_path.glob("looks_*.png"))) == 8
    assert result["mistake"].residual.max() < 0.05
    assert "the surest mistake" in capsys.readouterr().out
