"""Tables on the command line: scores, messages and errors."""

import json

import numpy as np
import pandas
import pytest
from sklearn.linear_model import LogisticRegression
from test_cli import run

import glassnet as gn
from glassnet.cli.jobs import base, resolve
from glassnet.data.split import train_validation_split

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
N = 150
SIZE = RNG.normal(100, 30, N)
HOUSES = pandas.DataFrame(
    {
        "size": SIZE,
        "town": RNG.choice(["Rome", "Bonn"], N),
        "remark": [f"a house that was built in the year {i}" for i in range(N)],
        "floors": RNG.integers(1, 4, N),
        "price": np.exp(0.01 * SIZE + RNG.normal(11, 0.1, N)),
        "sold": np.where(SIZE + RNG.normal(0, 10, N) > 100, "yes", "no"),
    }
)


@pytest.fixture(autouse=True)
def _a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    HOUSES.to_csv("houses.csv", index=False)


def test_classes():
    """Oracle: the same split and a logistic regression; a message names the unused column."""
    result = run("train", "houses.csv", "--target", "sold", "--no-plot")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "houses.csv: 150 rows, 6 columns, separated by commas"
    assert lines[1] == "houses.csv: 120 training rows, 30 test rows, 2 classes"
    assert lines[2] == "sold: 2 labels (no, yes); the output is the probability of yes"
    assert lines[3] == "left out: remark (it is free text)"
    assert lines[4] == "4 columns as 5 numbers: size, town (2), floors, price"
    assert lines[5] == "5 → Dense(128, relu) → Dropout(0.3) → Dense(1, sigmoid): 897 weights"
    assert "accuracy on 30 rows            95 % interval" in lines
    facts = json.loads(run("train", "houses.csv", "--target", "sold", "--no-plot", "--json").stdout)
    train_index, test_index = train_validation_split(N, HOUSES.sold.to_numpy(), 0.2, "random", 0)
    model = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")], seed=0)
    model.fit(HOUSES.iloc[train_index], target="sold", epochs=0, verbose=0, validation_split=0.1)
    x, x_test = (
        model.preprocessor.transform(HOUSES.iloc[rows]) for rows in (train_index, test_index)
    )
    theirs = (
        LogisticRegression(max_iter=1000)
        .fit(x, HOUSES.sold.iloc[train_index])
        .score(x_test, HOUSES.sold.iloc[test_index])
    )
    logistic, _, majority = facts["score"]["rivals"]
    assert logistic["value"] == pytest.approx(theirs)
    assert majority["value"] == pytest.approx(
        np.mean(HOUSES.sold.iloc[test_index] == HOUSES.sold.iloc[train_index].mode()[0])
    )
    assert facts["score"]["rows"] == len(test_index) == 30
    assert facts["learned"]["left_out"] == {"remark": "it is free text"}
    assert facts["learned"]["columns"] == list(model.preprocessor.encoder.feature_names)
    assert facts["settings"]["dropout"] == 0.3
    assert lines[-1].startswith(f"houses.csv: accuracy {facts['score']['network']['value']:.3f} (")


def test_numbers_and_their_logarithm():
    """Oracle: a model of the same rows; the score is in units of the price."""
    command = "train houses.csv --target price --target-transform log --epochs 30 --no-plot"
    words = (*command.split(), "--features", "size,town")
    result = run(*words)
    assert "price: numbers, learned as (log y - " in result.stdout
    assert "2 columns as 3 numbers: size, town (2)" in result.stdout
    assert "left out" not in result.stdout
    train_index, test_index = train_validation_split(N, None, 0.2, "random", 0)
    layers = [gn.layers.Dense(128, activation="relu"), gn.layers.Dropout(0.3), gn.layers.Dense(1)]
    model, rows = gn.Sequential(layers, seed=0), HOUSES[["size", "town", "price"]]
    model.fit(
        rows.iloc[train_index],
        target="price",
        target_transform="log",
        epochs=30,
        validation_split=0.1,
        verbose=0,
    )
    predicted = model.predict(rows.iloc[test_index])[:, 0]
    truth = rows.price.iloc[test_index]
    rmse = np.sqrt(np.mean((predicted - truth) ** 2))
    rmse_of_log = np.sqrt(np.mean((np.log(predicted) - np.log(truth)) ** 2))
    facts = json.loads(run(*words, "--json").stdout)
    assert facts["score"]["metric"] == "RMSE"
    assert facts["score_of_log"]["network"]["value"] == pytest.approx(rmse_of_log, rel=1e-3)
    assert "\n\nlogarithm of price:\nRMSE on 30 rows" in result.stdout
    assert facts["score"]["network"]["value"] == pytest.approx(rmse, rel=1e-3)
    names = [rival["name"] for rival in facts["score"]["rivals"]]
    assert names == ["ridge", "gradient-boosted trees", "mean"]


def test_the_task_is_told_from_the_target():
    """A target of few integers is a number, and a message tells how to make it a class."""
    printed = run("train", "houses.csv", "--target", "floors", "--no-plot", "--epochs", "1").stdout
    assert (
        "floors has 3 different integers and is treated as a number; --task classes treats them as classes"
        in printed
    )
    assert "RMSE on 30 rows" in printed
    printed = run(
        "train",
        "houses.csv",
        "--target",
        "floors",
        "--no-plot",
        "--epochs",
        "1",
        "--task",
        "classes",
    ).stdout
    assert "floors: 3 labels (1, 2, 3)" in printed
    assert "Dense(3, softmax)" in printed
    assert "accuracy on 30 rows" in printed


def test_rows_without_a_target_are_said():
    HOUSES.assign(sold=HOUSES.sold.where(np.arange(N) % 10 > 0)).to_csv("gaps.csv", index=False)
    printed = run("train", "gaps.csv", "--target", "sold", "--no-plot", "--epochs", "1").stdout
    assert "15 of 150 rows lack sold: left out" in printed
    assert "108 training rows, 27 test rows" in printed


def test_nothing_is_learned_of_the_rows_to_be_scored_on():
    """A word in a number column of a test row is an error before the training starts."""
    train_index, test_index = train_validation_split(N, HOUSES.sold.to_numpy(), 0.2, "random", 0)
    odd = HOUSES.astype({"floors": object})
    odd.loc[test_index[0], "floors"] = "many"
    odd.to_csv("odd.csv", index=False)
    assert (
        resolve.resolve_job("odd.csv", base.TrainOptions("sold"), 0).train["floors"].tolist()
        == HOUSES.floors.iloc[train_index].tolist()
    )
    result = run("train", "odd.csv", "--target", "sold", "--no-plot")
    assert result.exit_code == 2
    assert (
        "column 'floors': expected numbers, as in training. Received: text=['many']"
        in result.stderr
    )
    assert "epoch" not in result.stdout


def test_other_files(tmp_path):
    HOUSES.to_csv("houses.tsv", sep="\t", index=False)
    HOUSES.to_parquet("houses.parquet")
    scores = [
        run("train", name, "--target", "sold", "--no-plot", "--quiet").stdout
        for name in ("houses.csv", "houses.tsv", "houses.parquet")
    ]
    assert len({score.split(": ", 1)[1].rsplit(", ", 1)[0] for score in scores}) == 1


def test_data_sets_that_are_tables(shared_data):
    """The test rows of flights are the last years."""
    job = resolve.resolve_job("flights", base.TrainOptions(), 0)
    assert job.train["year"].max() <= job.test["year"].min()
    last = run("train", "flights", "--no-plot", "--quiet").stdout
    assert last.startswith("flights: RMSE ")
    assert "ridge" in last


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("houses.csv",),
            "Missing option '--target': the column to predict, such as --target sold. Columns: size, town, remark, floors, price, sold.",
        ),
        (("houses.csv", "--target", "solt"), "Did you mean 'sold'?"),
        (
            ("houses.csv", "--target", "sold", "--features", "sise"),
            "--features: expected one of size, town, remark, floors, price.",
        ),
        (("hauses.csv", "--target", "sold"), "Did you mean 'houses.csv'?"),
        (("houses.csv", "--target", "price", "--target-transform", "sqrt"), "'sqrt' is not 'log'"),
        (
            ("houses.csv", "--target", "sold", "--features", "remark"),
            "expected a column to learn from. Received: left_out={'remark'",
        ),
        (
            ("houses.csv", "--target", "town", "--task", "numbers"),
            "target 'town': expected numbers, because the network outputs a number.",
        ),
        (("digits", "--target", "x"), "--target is for tables: digits is a dataset of arrays."),
        (("digits", "--features", "x"), "--features is for tables"),
    ],
)
def test_mistakes_are_one_line(words, message):
    result = run("train", *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_tracing_a_table():
    """Oracle: `Sequential.trace` of the same row."""
    result = run(
        "trace", "houses.csv", "--target", "sold", "--features", "size,floors", "--row", "3"
    )
    assert (result.exit_code, result.stderr) == (0, "")
    row = resolve.resolve_job(
        "houses.csv", base.TrainOptions("sold", ("size", "floors")), 0
    ).train.take(slice(3, 4))
    assert result.stdout.startswith(
        f"houses.csv, row 3 (sold {row['sold'][0]}): 2 → Dense(2, sigmoid) → Dense(1, sigmoid): 9 weights"
    )
    assert "x: size, floors" in result.stdout
    facts = json.loads(
        run(
            "trace",
            "houses.csv",
            "--target",
            "sold",
            "--features",
            "size,floors",
            "--row",
            "3",
            "--json",
        ).stdout
    )
    model = gn.Sequential(
        [gn.layers.Dense(2, activation="sigmoid"), gn.layers.Dense(1, activation="sigmoid")], seed=0
    )
    model.fit(
        resolve.resolve_job("houses.csv", base.TrainOptions("sold", ("size", "floors")), 0).train,
        target="sold",
        epochs=0,
        verbose=0,
    )
    assert facts["output"] == model.trace(row).output.tolist()


@pytest.mark.parametrize(("n", "is_small"), [(12, True), (299, True), (300, False)])
def test_few_rows_are_too_few_to_compare(tmp_path, n, is_small):
    """Oracle: by construction; a fifth of the rows is tested."""
    frame = pandas.DataFrame({"x": np.arange(n) % 7, "y": np.arange(n) % 2 * 1.5})
    frame.to_csv(tmp_path / "t.csv", index=False)
    words = ("train", str(tmp_path / "t.csv"), "--target", "y", "--epochs", "0", "--no-plot")
    printed = run(*words).stdout
    sentence = f"\n{n} rows are too few to compare methods: the 95 % interval of a score on "
    assert (sentence in printed) == is_small
    remark = json.loads(run(*words, "--json").stdout)["remark"]
    assert remark.startswith(sentence.strip()) == is_small
    assert remark.endswith("--folds 10, which scores all rows.") == is_small


@pytest.mark.filterwarnings("always::glassnet.errors.DataWarning")
def test_problems_of_a_table_are_lines(tmp_path):
    """Oracle: by construction. Each is one line on standard error."""
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame({"a": rng.normal(0, 1, 200), "b": rng.random(200)})
    frame["y"] = np.where(rng.random(200) < 0.5, "ill", "well")
    frame.loc[:19, "a"] = -999
    frame.loc[[30, 31], "y"] = "Well"
    frame.to_csv(tmp_path / "t.csv", index=False)
    words = ("train", str(tmp_path / "t.csv"), "--target", "y", "--epochs", "1", "--no-plot")
    lines = run(*words).stderr.splitlines()
    assert [line.split(":")[0] for line in lines] == ["glassnet", "glassnet"]
    assert "some classes may be one, written in two ways: 'Well' like 'well'" in lines[0]
    assert "-999 seems to stand for missing values in a" in lines[1]
    (line,) = run(*words, "--missing", "-999").stderr.splitlines()
    assert line == lines[0]
