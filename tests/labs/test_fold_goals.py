"""The lab of folds. Oracles: counts of rows, and accuracies counted from the predictions."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

LAB = Path(__file__).parents[2] / "labs" / "folds.py"


def test_folds(tmp_path, monkeypatch, capsys, shared_data):
    monkeypatch.setattr(sys, "argv", ["folds.py", str(tmp_path)])
    lab = runpy.run_path(str(LAB))
    result, survived = lab["result"], lab["survived"]
    rows = np.arange(len(survived))
    np.testing.assert_array_equal(np.sort(np.concatenate(result.test_rows)), rows)
    is_right = (result.predictions[:, 0] > 0.5) == survived
    for k, (train, test) in enumerate(zip(result.train_rows, result.test_rows, strict=True)):
        np.testing.assert_array_equal(train, np.setdiff1d(rows, test))
        assert abs(survived[test].sum() - survived.mean() * len(test)) < 1  # stratified
        assert result.scores[k] == pytest.approx(is_right[test].mean())
    nobody_survives = 1 - survived.mean()
    assert nobody_survives < result.interval[0] < result.mean < result.interval[1]
    splits, means = lab["splits"], lab["means"]
    assert splits.min() < means.min() < means.max() < splits.max()
    # Of five independent scores, the mean has a fifth of the variance.
    assert means.std(ddof=1) < splits.std(ddof=1) / 2
    text = capsys.readouterr().out
    assert f"accuracy {splits.min():.1%} to {splits.max():.1%}" in text
    assert {path.name for path in tmp_path.iterdir()} == {"folds.png", "folds_luck.png"}
