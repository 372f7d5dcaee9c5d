"""`glassnet sweep`. Oracle: `gn.selection.sweep` in Python."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from house_table import HOUSES, Command
from PIL import Image

import glassnet as gn
from glassnet.cli.jobs import base, resolve, sweeps

COMMAND = Command("sweep")
run, read_json, refused = COMMAND.run, COMMAND.read_json, COMMAND.refused
FAST = ("--epochs", "5", "--folds", "3")
RATES = ("--learning-rate", "0.01,0.1", "--layers", "4", "--dropout", "0")


@pytest.fixture(autouse=True)
def _a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    HOUSES.to_csv("houses.csv", index=False)


def make_model(layers=(4,), last=None, loss="binary_crossentropy", metrics=("accuracy",)):
    hidden = [gn.layers.Dense(units, activation="relu") for units in layers]
    last = last or gn.layers.Dense(1, activation="sigmoid")
    model = gn.Sequential([*hidden, last], seed=0)
    model.compile("adam", loss, list(metrics))
    return model


def test_the_ranking_is_that_of_python():
    words = ("houses.csv", "--target", "sold", *FAST, *RATES)
    facts = read_json(*words, "--out", "best.glassnet", "--plot", "sweep.png")
    result = gn.selection.sweep(
        make_model(),
        HOUSES,
        target="sold",
        parameters={"learning_rate": [0.01, 0.1]},
        folds=3,
        epochs=5,
        seed=0,
        verbose=0,
    )
    assert facts["best"] == result.best
    assert facts["best_score"] == pytest.approx(result.best_score)
    by_rate = {each["setting"]["learning_rate"]: each for each in facts["ranking"]}
    for setting, scores in zip(result.settings, result.scores, strict=True):
        assert by_rate[setting["learning_rate"]]["folds"] == pytest.approx(scores.tolist())
    assert facts["ranking"][0]["setting"] == result.best
    assert facts["settings"] == {
        "layers": [4],
        "activation": "relu",
        "optimizer": "adam",
        "batch_size": 32,
        "epochs": 5,
        "seed": 0,
    }
    with Image.open("sweep.png") as picture:
        assert picture.width > 200
    best = gn.load("best.glassnet")
    expected = result.refit().predict(HOUSES)
    np.testing.assert_allclose(best.predict(HOUSES), expected, atol=1e-5)


def test_what_is_printed():
    words = ("--learning-rate", "1e-3..1e-1:2", "--layers", "none", "--layers", "4,2")
    result = run("houses.csv", "--target", "sold", *FAST, *words)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[2] == (
        "4 settings x 3 folds: 12 networks; each with --activation relu --dropout 0.3 "
        "--optimizer adam --batch-size 32 --epochs 5 --seed 0"
    )
    start = next(i for i, line in enumerate(lines) if line.startswith("layers  learning rate"))
    assert lines[start].split("  ")[2:] == ["accuracy", "standard error", "within noise"]
    table = [line.split() for line in lines[start + 1 : start + 5]]
    assert {tuple(row[:2]) for row in table} == {
        (layers, rate) for layers in ("none", "4,2") for rate in ("0.001", "0.1")
    }
    scores = [float(row[2]) for row in table]
    assert scores == sorted(scores, reverse=True)
    assert table[0][4] == "best"
    assert {row[4] for row in table[1:]} <= {"yes", "no"}
    layers, rate, score = table[0][:3]
    assert lines[-1].startswith(
        f"houses.csv: best of 4 settings: --layers {layers} --learning-rate {rate}, "
        f"accuracy {score} (optimistic), "
    )
    assert "optimistic: chosen among 4 on the same rows" in result.stdout
    assert "Use --inner-folds 3 to score the choice itself." in lines
    quiet = run("houses.csv", "--target", "sold", *FAST, *words, "--quiet").stdout
    assert quiet.rpartition(",")[0] == lines[-1].rpartition(",")[0]
    assert quiet.count("\n") == 1


def test_numbers_are_scored_by_their_rmse():
    facts = read_json("houses.csv", "--target", "price", *FAST, *RATES, "--features", "size")
    result = gn.selection.sweep(
        make_model(
            last=gn.layers.Dense(1),
            loss="mean_squared_error",
            metrics=["root_mean_squared_error"],
        ),
        HOUSES[["size", "price"]],
        target="price",
        parameters={"learning_rate": [0.01, 0.1]},
        folds=3,
        epochs=5,
        seed=0,
        verbose=0,
    )
    assert facts["metric"] == "RMSE"
    assert facts["best"] == result.best
    assert facts["best_score"] == pytest.approx(result.means.min(), rel=1e-4)


def test_seeds_penalties_and_inner_folds():
    """The choice of each fold is one of the settings, so its score lies among theirs."""
    words = ("--l2", "0,0.1", "--seeds", "2", "--layers", "2", "--inner-folds", "2")
    facts = read_json("houses.csv", "--target", "sold", "--epochs", "1", "--folds", "2", *words)
    assert facts["seeds"] == [0, 1]
    assert facts["inner_folds"] == 2
    scores = np.array([each["folds"] for each in facts["ranking"]])
    assert scores.shape == (2, 2)
    assert scores.min(0).mean() <= facts["nested_score"] <= scores.max(0).mean()
    assert {each["setting"]["l2"] for each in facts["ranking"]} == {0, 0.1}


def test_one_penalty_is_for_all():
    facts = read_json("houses.csv", "--target", "sold", *FAST, *RATES, "--l2", "0.5")
    assert {each["setting"]["l2"] for each in facts["ranking"]} == {0.5}


def test_each_optimizer_has_its_own_rate():
    """Oracle: the learning rates that the parts have by default."""
    values = dict.fromkeys(sweeps.DEFAULTS, ()) | {"optimizer": ("sgd", "adam"), "layers": ((2,),)}
    counts = {"folds": 3, "inner_folds": None, "seeds": 1}
    others = {"epochs": 1, "validation_split": None, "patience": None, "seed": 0}
    job = resolve.resolve_job("houses.csv", base.TrainOptions("sold"), 0, split=False)
    plan = sweeps.plan_sweep(job, values | counts | others)
    assert "learning_rate" not in plan.shared
    network = sweeps.make_network_function(job, plan.settings)
    rates = [network(optimizer=name).learning_rate for name in ("sgd", "adam")]
    assert rates == [gn.optimizers.SGD().learning_rate, gn.optimizers.Adam().learning_rate]


def test_options_as_they_are_typed():
    settings = {"layers": (), "learning_rate": 0.000316, "batch_size": "full", "l2": 0.0}
    assert sweeps.format_options(settings) == (
        "--layers none --learning-rate 0.000316 --batch-size full --l2 0"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--learning-rate", "1e-1..1e-4"), "Did you mean 1e-4..1e-1?"),
        ((), "expected several values of at least one option"),
        (("--learning-rate", "0.1", "--layers", "4"), "run glassnet cross-validate"),
        (("--optimizer", "adam,sdg"), "Did you mean 'sgd'?"),
        (("--activation", "relu,tnah"), "Did you mean 'tanh'?"),
        (("--layers", "4..8", "--layers", "16"), "the units of the hidden layers"),
        (("--dropout", "0..1"), "rates from 0 to below 1"),
        ((*RATES, "--folds", "61"), "Use --folds 60 or fewer"),
        ((*RATES, "--out", "best.csv"), "expected a file name for a model"),
    ],
)
def test_mistakes_are_one_line(words, message):
    assert message in refused("houses.csv", "--target", "sold", *words)


@pytest.mark.filterwarnings("always")
def test_a_sweep_without_a_score():
    """(1e30)^2 is beyond float32: the loss of the first step is infinite."""
    rows = "".join(f"{i * 7 % 17},{(i % 7 + 1) * 1e30}\n" for i in range(40))
    Path("huge.csv").write_text("a,y\n" + rows)
    words = ("huge.csv", "--target", "y", *FAST, *RATES, "--out", "best.glassnet")
    result = run(*words)
    assert result.exit_code == 3
    assert "No setting has a score" in result.stdout.splitlines()[-1]
    result = run(*words, "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["best"] is None
    assert not Path("best.glassnet").exists()


def test_a_diverged_setting_has_no_rank():
    """A step of 1e30 makes the next loss infinite; the other setting is ranked."""
    words = ("--learning-rate", "0.01,1e30", "--optimizer", "sgd", "--layers", "4")
    result = run("houses.csv", "--target", "price", "--features", "size", *FAST, *words)
    assert result.exit_code == 0, result.output
    (line,) = [line for line in result.stdout.splitlines() if line.split()[:2] == ["1e+30", "-"]]
    assert line.split() == ["1e+30", "-", "-", "-"]
    assert math.isfinite(float(result.stdout.splitlines()[-1].split("RMSE ")[1].split()[0]))


def test_a_sweep_continues_where_it_was(monkeypatch):
    """The second command reads the results of the first: nothing is trained, and all is equal."""
    words = ("houses.csv", "--target", "sold", *FAST, *RATES, "--resume", "runs")
    first = read_json(*words)
    assert len(list(Path("runs").glob("run-*"))) == 6
    monkeypatch.setattr("glassnet.selection.training.RunTrainer._train_stack", None)
    second = read_json(*words)
    assert second["ranking"] == first["ranking"]
