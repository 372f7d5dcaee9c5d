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
