"""Real tables over ten splits, against a linear model on the same encoded columns; and the labs."""

import runpy
from pathlib import Path

import numpy as np
import pandas
import pytest
from sklearn.linear_model import LogisticRegression, RidgeCV

import glassnet as gn
from glassnet.layers import Dense, Dropout

pytestmark = pytest.mark.slow

LABS = Path(__file__).parents[2] / "labs"
SEEDS = range(10)


def split(frame, seed):
    """Split off a random fifth for scoring."""
    order = np.random.default_rng(seed).permutation(len(frame))
    fifth = len(frame) // 5
    return frame.iloc[order[fifth:]], frame.iloc[order[:fifth]]


def test_titanic(shared_data, record_property):
    """Goal: mean accuracy 0.80 over ten splits with all columns.

    Logistic regression reaches 0.801. Measured: 0.825.
    """
    frame, ours, theirs = pandas.read_csv(shared_data / "titanic" / "titanic.csv"), [], []
    for seed in SEEDS:
        train, test = split(frame, seed)
        model = gn.Sequential(
            [Dense(32, activation="relu"), Dropout(0.3), Dense(1, activation="sigmoid")], seed=seed
        )
        model.fit(train, target="survived", epochs=60, verbose=0)
        ours.append(np.mean(model.predict_labels(test) == test.survived))
        rows = model.preprocessor.transform(train), model.preprocessor.transform(test)
        theirs.append(
            LogisticRegression(max_iter=1000)
            .fit(rows[0], train.survived)
            .score(rows[1], test.survived)
        )
    record_property("accuracy", float(np.mean(ours)))
    record_property("logistic regression", float(np.mean(theirs)))
    assert np.mean(ours) >= 0.80
    assert np.mean(ours) > np.mean(theirs) > 0.78


def test_house_prices(shared_data, record_property):
    """Goal: mean RMSE of the log price at most 0.14 over ten splits, and below ridge regression.

    Measured: 0.128, and 0.131 for ridge regression.
    """
    frame, ours, theirs = pandas.read_csv(shared_data / "house-prices" / "train.csv"), [], []
    for seed in SEEDS:
        train, test = split(frame, seed)
        model = gn.Sequential([Dense(128, activation="relu"), Dropout(0.5), Dense(1)], seed=seed)
        model.fit(train, target="SalePrice", target_transform="log", epochs=60, verbose=0)
        rows = model.preprocessor.transform(train), model.preprocessor.transform(test)
        ridge = (
            RidgeCV(np.logspace(-1, 3, 9)).fit(rows[0], np.log(train.SalePrice)).predict(rows[1])
        )
        for misses, result in ((ours, np.log(model.predict(test)[:, 0])), (theirs, ridge)):
            misses.append(np.sqrt(np.mean((result - np.log(test.SalePrice)) ** 2)))
    paired = np.subtract(ours, theirs)
    record_property("rmse of log price", float(np.mean(ours)))
    record_property(
        "ahead of ridge by",
        f"{-paired.mean():.4f} +- {paired.std(ddof=1) / np.sqrt(len(paired)):.4f}",
    )
    assert np.mean(ours) <= 0.14
    assert paired.mean() < 0


def test_titanic_lab(shared_data, tmp_path, monkeypatch, capsys):
    """All columns give a higher accuracy than fare and age. Women survive more often than men."""
    monkeypatch.setattr("sys.argv", ["titanic.py", str(tmp_path)])
    result = runpy.run_path(str(LABS / "titanic.py"))
    assert len(list(tmp_path.glob("titanic_*.png"))) == 6
    boundaries = result["boundaries"]
    assert boundaries["fare and age"].fixed == {}
    assert boundaries["male"].fixed["sex"] == "male"
    assert boundaries["female"].prediction.mean() > boundaries["male"].prediction.mean()
    assert result["mistakes"].accuracy == pytest.approx(result["accuracy"])
    assert result["importance"].names[0] == "sex"
    assert result["accuracy"] > 0.78
    woman, man = result["model"].predict(result["invented"]).ravel()
    assert woman > 0.8 > 0.2 > man
    lines = capsys.readouterr().out.splitlines()
    scores = [float(line.split("accuracy ")[1][:5]) for line in lines if ": accuracy" in line]
    assert len(scores) == 2
    assert scores[0] < scores[1]


def test_houses_lab(shared_data, capsys, monkeypatch, tmp_path):
    """Oracles: least squares through the three houses; pandas' corr.

    More columns have a lower error.
    """
    monkeypatch.setattr("sys.argv", ["houses.py", str(tmp_path / "new")])
    result = runpy.run_path(str(LABS / "houses.py"))
    names = {path.stem.removeprefix("houses_") for path in (tmp_path / "new").glob("*.png")}
    assert names == {"columns", "correlations", "mistakes", "importance"}
    train = result["train"]
    r = train.corr(numeric_only=True)["SalePrice"].drop(["SalePrice", "Id"])
    numbers = result["numbers"]
    np.testing.assert_allclose(numbers[r.index], r, atol=1e-12)
    assert numbers["area"] == numbers.max()
    assert result["importance"].mean[0] > 1000
    slope, offset = np.polyfit([3, 1, 4], [185_000, 70_000, 250_000], 1)
    np.testing.assert_allclose(
        result["prices"], [slope * 2 + offset, slope * 5 + offset], rtol=0.01
    )
    misses = [
        float(line.split("RMSE ")[1].split()[0])
        for line in capsys.readouterr().out.splitlines()
        if "ridge" in line
    ]
    assert misses[0] > misses[1] > misses[2] > misses[4]
    assert misses[4] < 0.14
