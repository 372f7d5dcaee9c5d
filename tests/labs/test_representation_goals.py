"""The labs of overfitting and of representation learning. Oracles: what must hold if they are right
(6), and PCA from scikit-learn as a rival (3).
"""

import runpy
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

LABS = Path(__file__).parents[2] / "labs"


def run(name, folder, monkeypatch):
    """Run a lab that draws into a folder, and return its globals."""
    monkeypatch.setattr("sys.argv", [name, str(folder)])
    return runpy.run_path(str(LABS / name))


def test_overfitting(tmp_path, monkeypatch, capsys):
    """The best size is neither end; a large network learns wrong labels; each remedy helps."""
    result = run("overfitting.py", tmp_path, monkeypatch)
    sizes, by_size = result["SIZES"], result["by_size"]
    assert result["best_size"] not in (sizes[0], sizes[-1])
    training, validation = (np.array([by_size[size][i] for size in sizes]) for i in (0, 1))
    assert (np.diff(training) < 0).all()
    assert training[-1] < 0.05 < validation.min() < validation[-1]
    assert 1 < result["best_epoch"] < result["EPOCHS"] / 2
    accuracy, final = result["accuracy"], result["final"]
    for remedy in ("dropout 0.5", "L2 0.005", "early stopping"):
        assert accuracy[remedy] > accuracy["nothing"]
        assert final[remedy] < final["nothing"]
    stopped = result["runs"]["early stopping"][1]
    assert len(stopped.epoch) == result["best_epoch"] + 10  # the patience
    assert not set(result["train"]) & set(result["test"])
    changed = result["labels"] != result["digit"]
    assert changed.sum() == 90
    assert set(np.flatnonzero(changed)) <= set(result["train"])
    assert (tmp_path / "overfitting.png").stat().st_size > 20_000
    assert "overfitting.png shows" in capsys.readouterr().out


def test_autoencoder(shared_data, tmp_path, monkeypatch):
    """Two numbers of the network keep more of a digit than the two of PCA, which is linear."""
    result = run("autoencoder.py", tmp_path, monkeypatch)
    errors = result["errors"]
    assert errors["the autoencoder"] < errors["PCA"] < errors["the mean digit"]
    assert result["accuracy"] > result["accuracy_of_pca"] + 0.1
    assert errors["the autoencoder"] == pytest.approx(
        np.mean((result["model"].predict(result["x_test"]) - result["x_test"]) ** 2), rel=1e-5
    )
    assert {path.name for path in tmp_path.iterdir()} == {
        f"autoencoder_{name}.png" for name in ("code", "weights", "rebuilt")
    }
