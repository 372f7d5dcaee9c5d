"""The labs of one neuron. Oracles: the lectures' numbers, and derivatives by hand."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

LABS = Path(__file__).parents[2] / "labs"


def run(name, folder, monkeypatch):
    """Run a lab that draws into a folder, and return its globals."""
    monkeypatch.setattr(sys, "argv", [name, str(folder)])
    return runpy.run_path(str(LABS / name))


def test_neuron(tmp_path, monkeypatch, capsys):
    """Lecture 001: z = 7 and sigmoid(7) = 0.9990889488055994. The slopes at 0 are worked by hand."""
    result = run("neuron.py", tmp_path, monkeypatch)
    assert result["z"] == 7
    assert result["a"] == pytest.approx(0.9990889488055994, abs=1e-15)
    assert result["output"] == pytest.approx(0.9990889488055994, abs=1e-6)
    text = capsys.readouterr().out
    assert "x2 =  -4: a = 0.50000" in text  # the weighted sum is -b
    slopes = dict(zip(result["NAMES"], result["curves"].slope[:, result["i"][0]], strict=True))
    expected = {"linear": 1, "sigmoid": 0.25, "tanh": 1, "relu": 0, "softplus": 0.5, "silu": 0.5}
    for name, slope in expected.items():
        assert slopes[name] == pytest.approx(slope, abs=1e-6)
    assert {path.name for path in tmp_path.iterdir()} == {
        "neuron.png",
        "neuron.html",
        "activations.png",
    }


def test_perceptron(tmp_path, monkeypatch, capsys):
    """Lecture 002: g(1 + 3 x1 - 2 x2) at (-1, 2) is 1 / (1 + exp(6)) = 0.0024726231566347743."""
    result = run("perceptron.py", tmp_path, monkeypatch)
    assert result["answer"] == pytest.approx(0.0024726231566347743, abs=1e-6)
    np.testing.assert_allclose(result["line_answers"], 0.5, atol=1e-6)
    np.testing.assert_allclose(result["ratios"], [3, -2], rtol=0.1)
    assert result["accuracy"] > 0.99
    assert result["difference"] < 1e-5
    assert result["accuracies"]["linear"] < 0.92 < 0.95 < result["accuracies"]["tanh"]
    assert len(list(tmp_path.glob("*.png"))) == 4


def test_line(tmp_path, monkeypatch, capsys):
    """Lecture 000: the losses at w = 8, 7 and 9 are 599.41, 703.16 and 566.05.

    With them, L(w) = 35.195 (w - 8.974)^2 + 566.02. The other oracle is least squares.
    """
    result = run("line.py", tmp_path, monkeypatch)
    text = capsys.readouterr().out
    for w, loss in ((8, 599.41), (7, 703.16), (9, 566.05)):
        assert result["losses"][w] == pytest.approx(loss, abs=0.005)
        assert f"y = {w} x + 3" in text
    parabola = 35.195 * (result["over_w"].values - (8 + 68.555 / 70.39)) ** 2 + 566.0247
    np.testing.assert_allclose(result["over_w"].loss, parabola, rtol=1e-5)
    best = np.array([result["best_w"], result["best_b"]])
    np.testing.assert_allclose([result["w"], result["b"]], best, rtol=1e-3)
    surface = result["path"]
    for i, values in enumerate(surface.values):
        assert abs(surface.minimum[i] - best[i]) <= (values[1] - values[0]) / 2
    np.testing.assert_allclose(surface.path[0], [8, 3])
    np.testing.assert_allclose(surface.path[-1], [result["w"], result["b"]])
    assert result["rates"].outcomes == ("on the way", "arrived", "left the bowl")
    names = {"w", "b", "surface", "bowl", "path", "fit", "rates"}
    assert {path.stem for path in tmp_path.iterdir()} == {f"line-{name}" for name in names}
