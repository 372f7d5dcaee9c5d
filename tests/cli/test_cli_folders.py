"""Folders of Parquet and CSV files on the command line. Oracle: the same rows in one file."""

import json
import re

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import glassnet as gn
from glassnet.cli.app import main
from glassnet.cli.jobs import partitioned

N = 300


def run(*words):
    return CliRunner().invoke(main, list(map(str, words)))


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    size, city = rng.normal(size=N), rng.choice(["Basel", "Chur", "=1+1"], N)
    return pl.DataFrame(
        {
            "size": size,
            "city": city,
            "price": 3 * size + (city == "Chur") + rng.normal(size=N) * 0.1,
            "sold": np.where(size + rng.normal(size=N) > 0, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def folder(frame, tmp_path_factory):
    path = tmp_path_factory.mktemp("sales")
    for i in range(3):
        frame[i * 100 : (i + 1) * 100].write_parquet(path / f"{i}.parquet")
    return path


@pytest.fixture(scope="module")
def model(folder, tmp_path_factory):
    """The path of a model of prices, trained on the command line."""
    path = tmp_path_factory.mktemp("models") / "sales.glassnet"
    words = "--target price --features size,city --epochs 3 --no-plot --seed 0 --out"
    result = run("train", folder, *words.split(), path)
    assert result.exit_code == 0, result.stderr
    return path, result.output


def test_train_scores_a_fifth_of_the_rows(folder, model):
    _, output = model
    n_test = int(output.split("training rows, ")[1].split()[0])
    assert f"{N - n_test} training rows, {n_test} test rows, regression" in output
    assert 40 < n_test < 80
    assert "validation on" in output
    assert "gradient-boosted trees" in output


def test_train_learns_classes_by_a_glob(folder):
    words = "--target sold --features size --epochs 2 --no-plot --json --seed 0"
    result = run("train", folder / "*.parquet", *words.split())
    assert result.exit_code == 0, result.stderr
    facts = json.loads(result.stdout)
    assert facts["score"]["metric"] == "accuracy"
    assert facts["settings"]["batch_size"] == 32


def test_samples_of_larger_tables_are_reported(folder, monkeypatch):
    monkeypatch.setattr(partitioned, "MAX_SAMPLE_ROWS", 30)
    words = "--target sold --features size --epochs 1 --no-plot --seed 0"
    result = run("train", folder, *words.split())
    assert result.exit_code == 0, result.stderr
    line = next(line for line in result.output.splitlines() if "the score is that of" in line)
    n_test, n_train = (int(word) for word in line.split() if word.isdigit())
    assert 15 < n_test < 50
    assert 15 < n_train < 50


def test_evaluate(folder, frame, model, tmp_path):
    frame.write_parquet(tmp_path / "all.parquet")
    logs = [
        json.loads(run("evaluate", model[0], rows, "--json").stdout)["logs"]
        for rows in (folder, tmp_path / "all.parquet")
    ]
    assert logs[0] == pytest.approx(logs[1], rel=1e-6)


def test_predictions_as_parquet(folder, frame, model, tmp_path):
    result = run("predict", model[0], folder, "--out", tmp_path / "scored.parquet")
    assert f"300 rows written to {tmp_path}/scored.parquet" in result.output.replace("\n", "")
    scored = pl.read_parquet(tmp_path / "scored.parquet")
    assert scored.drop("predicted price").equals(frame)
    expected = gn.load(model[0]).predict(frame)[:, 0]
    np.testing.assert_array_equal(scored["predicted price"].to_numpy(), expected)


@pytest.mark.filterwarnings("default::glassnet.errors.DataWarning")
def test_predictions_as_csv_have_no_formulas(folder, frame, model, tmp_path):
    n_formulas = int((frame["city"] == "=1+1").sum())
    result = run("predict", model[0], folder, "--out", tmp_path / "scored.csv")
    assert f"before {n_formulas} cells" in result.stderr
    scored = pl.read_csv(tmp_path / "scored.csv")
    assert set(scored["city"]) == {"Basel", "Chur", "'=1+1"}
    np.testing.assert_allclose(scored["size"].to_numpy(), frame["size"].to_numpy())
    printed = run("predict", model[0], folder, "--no-safe-csv")
    assert "=1+1" in printed.stdout
    assert "'=1+1" not in printed.stdout
    assert len(printed.stdout.splitlines()) == N + 1


def test_predictions_of_one_file_as_parquet(folder, model, tmp_path):
    result = run("predict", model[0], folder / "0.parquet", "--out", tmp_path / "scored.parquet")
    assert result.exit_code == 0, result.stderr
    assert len(pl.read_parquet(tmp_path / "scored.parquet")) == 100


def test_nothing_is_written_if_a_file_is_damaged(folder, model, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    pl.DataFrame({"size": ["big"], "city": ["Chur"], "price": [1.0], "sold": ["no"]}).write_parquet(
        tmp_path / "2.parquet"
    )
    result = run("predict", model[0], tmp_path, "--out", tmp_path.parent / "scored.csv")
    assert result.exit_code == 2
    assert "2.parquet: expected the type double in column 'size'" in result.stderr
    assert not (tmp_path.parent / "scored.csv").exists()


def test_a_folder_of_csv_files(frame, tmp_path):
    for i in range(2):
        frame[i * 150 : (i + 1) * 150].write_csv(tmp_path / f"{i}.csv")
    words = "--target price --epochs 1 --no-plot --seed 0 --features size --out"
    result = run("train", tmp_path, *words.split(), tmp_path.parent / "m.glassnet")
    assert result.exit_code == 0, result.stderr
    result = run("evaluate", tmp_path.parent / "m.glassnet", tmp_path)
    assert "loss" in result.output


def test_views_show_a_sample(folder, model, monkeypatch):
    monkeypatch.setattr(partitioned, "MAX_SAMPLE_ROWS", 60)
    result = run("inspect", "importance", model[0], folder)
    assert result.exit_code == 0, result.stderr
    assert "size" in result.output
    assert 30 < len(partitioned.sample_parts(str(folder), "price")) < 100


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("train {folder}", r"Missing option '--target'.*Columns: size, city, price, sold"),
        ("train {folder} --target prize", r"'price'"),
        ("train {folder} --target price --features sizes", "'size'"),
        ("train {folder} --target price --decimal ,", "--decimal is for one file"),
        ("train {folder} --target price --folds 3", "rows, which can be divided into folds"),
        ("train {folder} --target price --size 8", "--size"),
        ("predict {model} {folder} --out {folder}/../a.csv.gz", r"ends in \.csv or \.parquet"),
        ("trace {model} {folder}", "a trace shows rows in memory"),
        ("train {folder}/*.csv --target price", "No path matches this pattern"),
        ("train nowhere/ --target price", r"a folder that exists\. Received: 'nowhere/'"),
        ("evaluate {model} nowhere/", r"a folder that exists\. Received: 'nowhere/'"),
    ],
)
def test_what_is_refused(folder, model, words, text):
    words = words.format(folder=folder, model=model[0]).split()
    result = run(*words)
    assert result.exit_code == 2
    assert re.search(text, result.stderr.replace("\n", " ")), result.stderr
