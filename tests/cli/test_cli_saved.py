"""Saved models on the command line; the oracle is the same calls in Python."""

import json
from pathlib import Path

import numpy as np
import pandas
import pytest
from test_cli import run

import glassnet as gn
from glassnet.cli.commands import evaluate
from glassnet.layers import Dense

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
N = 60
HEIGHT = RNG.normal(170, 10, N)
PEOPLE = pandas.DataFrame(
    {
        "height": HEIGHT,
        "sex": np.where(RNG.random(N) < 0.5, "f", "m"),
        "shoe": (HEIGHT // 4).astype(int),
    }
)
PEOPLE["tall"] = np.where(HEIGHT > 172, "yes", "no")
PEOPLE["club"] = RNG.choice(["chess", "row", "sing"], N)


@pytest.fixture(autouse=True)
def _a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    PEOPLE.to_csv("people.csv", index=False)


def model(target, units=1, activation="sigmoid", **options):
    made = gn.Sequential([Dense(4, activation="relu"), Dense(units, activation=activation)], seed=0)
    made.fit("people.csv", target=target, epochs=2, verbose=0, **options)
    made.save(f"{target}.glassnet")
    return made


def test_train_saves_what_it_trained():
    """Oracle: the score of the loaded network on the same rows."""
    last = run(
        "train",
        "people.csv",
        "--target",
        "tall",
        "--epochs",
        "3",
        "--no-plot",
        "--quiet",
        "--out",
        "tall.glassnet",
    ).stdout
    assert ", tall.glassnet" in last
    network = gn.load("tall.glassnet")
    assert network.epoch == 3
    result = json.loads(run("evaluate", "tall.glassnet", "people.csv", "--json").stdout)
    assert result["logs"] == pytest.approx(network.evaluate("people.csv", return_dict=True))
    assert result["score"]["network"]["value"] == pytest.approx(
        np.mean(network.predict_labels(PEOPLE) == PEOPLE.tall)
    )
    printed = run("evaluate", "tall.glassnet", "people.csv").stdout
    assert "\naccuracy on 60 rows" in printed
    assert (
        f"people.csv: loss {result['logs']['loss']:.4g}, accuracy {result['logs']['accuracy']:.4g}"
        in printed
    )


def test_evaluate_scores_rows_that_were_not_trained_on_apart():
    """Oracle: the 20 rows that training did not have, alone; and a file without fingerprints."""
    trained = gn.Sequential([Dense(4, activation="relu"), Dense(1, activation="sigmoid")], seed=0)
    trained.fit(PEOPLE[:40], target="tall", epochs=2, verbose=0)
    trained.save("tall.glassnet")
    result = json.loads(run("evaluate", "tall.glassnet", "people.csv", "--json").stdout)
    assert result["training_rows"] == 40
    others = PEOPLE[40:]
    expected = np.mean(trained.predict_labels(others) == others.tall)
    assert result["other_rows"]["score"]["network"]["value"] == pytest.approx(expected)
    assert result["other_rows"]["logs"] == pytest.approx(trained.evaluate(others, return_dict=True))
    assert result["score"]["rows"] == 60
    printed = run("evaluate", "tall.glassnet", "people.csv").stdout
    assert "40 of 60 rows equal training rows; the other 20 rows alone: loss" in printed
    assert "\naccuracy on 60 rows" in printed
    assert "without the rows that equal training rows:\naccuracy on 20 rows" in printed
    others.to_csv("others.csv", index=False)
    assert "equal" not in run("evaluate", "tall.glassnet", "others.csv").stdout
    trained.save("tall.glassnet", row_fingerprints=False)
    result = json.loads(run("evaluate", "tall.glassnet", "people.csv", "--json").stdout)
    assert result["training_rows"] is None


def test_a_number_is_scored_in_its_own_units():
    network = model("shoe", activation=None)
    result = json.loads(run("evaluate", "shoe.glassnet", "people.csv", "--json").stdout)
    rmse = np.sqrt(np.mean((network.predict(PEOPLE)[:, 0] - PEOPLE.shoe) ** 2))
    assert result["score"]["network"]["value"] == pytest.approx(rmse, rel=1e-5)


def test_answers_stand_beside_the_rows():
    network = model("tall")
    PEOPLE.drop(columns="tall").to_csv("new.csv", index=False)
    result = run("predict", "tall.glassnet", "new.csv", "--out", "scored.csv")
    assert (result.stdout, result.exit_code) == ("60 rows written to scored.csv\n", 0)
    scored = pandas.read_csv("scored.csv")
    assert list(scored.columns) == [
        "height",
        "sex",
        "shoe",
        "club",
        "predicted tall",
        "probability of yes",
    ]
    pandas.testing.assert_frame_equal(
        scored[["height", "sex", "shoe", "club"]], PEOPLE[["height", "sex", "shoe", "club"]]
    )
    assert scored["predicted tall"].tolist() == network.predict_labels(PEOPLE).tolist()
    np.testing.assert_allclose(
        scored["probability of yes"], network.predict(PEOPLE)[:, 0], rtol=1e-6
    )
    assert run("predict", "tall.glassnet", "new.csv").stdout == Path("scored.csv").read_text()


def test_answers_of_several_labels_and_of_numbers():
    clubs, shoes = model("club", 3, "softmax"), model("shoe", activation=None)
    for name, network in (("club", clubs), ("shoe", shoes)):
        run("predict", f"{name}.glassnet", "people.csv", "--out", "scored.csv")
        scored = pandas.read_csv("scored.csv")
        if name == "shoe":
            np.testing.assert_allclose(
                scored["predicted shoe"], network.predict(PEOPLE)[:, 0], rtol=1e-6
            )
        else:
            columns = [f"probability of {label}" for label in ("chess", "row", "sing")]
            np.testing.assert_allclose(scored[columns], network.predict(PEOPLE), rtol=1e-6)


def test_summary():
    model("tall")
    printed = run("summary", "tall.glassnet").stdout
    assert printed.startswith(
        "tall: 2 labels (no, yes); the output is the probability of yes, from "
    )
    assert "dense_2  Dense" in printed
    assert "trained for 2 epochs: loss 0." in printed


def test_tracing_a_saved_model():
    """Oracle: `Sequential.trace`; a missing target is replaced by the prediction."""
    network = model("tall")
    facts = json.loads(run("trace", "tall.glassnet", "people.csv", "--row", "3", "--json").stdout)
    assert facts["output"] == network.trace(PEOPLE[3:4]).output.tolist()
    assert facts["loss"] == pytest.approx(network.trace(PEOPLE[3:4]).loss)
    assert "row 3 (tall " in run("trace", "tall.glassnet", "people.csv", "--row", "3").stdout
    PEOPLE.drop(columns="tall").to_csv("new.csv", index=False)
    prediction = network.predict_labels(PEOPLE)[3]
    printed = run("trace", "tall.glassnet", "new.csv", "--row", "3").stdout
    assert f"(tall is missing, {prediction} is predicted)" in printed


def test_a_model_of_numbers_from_arrays():
    """Oracle: the error of `predict` on the test rows, and no score for two outputs."""
    network, data = gn.Sequential([Dense(1)], seed=0), gn.datasets.load("line")
    network.fit(data.x, data.y, epochs=1, verbose=0)
    network.save("line.glassnet")
    score = json.loads(run("evaluate", "line.glassnet", "line", "--json").stdout)["score"]
    rmse = np.sqrt(np.mean((network.predict(data.x_test)[:, 0] - data.y_test) ** 2))
    assert (score["metric"], score["rivals"]) == ("RMSE", [])
    assert score["network"]["value"] == pytest.approx(rmse, rel=1e-5)
    pair = gn.Sequential([gn.layers.Input(1), Dense(2)], seed=0)
    assert evaluate.score_arrays(pair, data.x_test, data.y_test) is None


def test_a_model_of_arrays():
    """Oracle: the share of right labels."""
    run("train", "xor", "--no-plot", "--quiet", "--out", "xor.glassnet")
    network, data = gn.load("xor.glassnet"), gn.datasets.load("xor")
    result = run("evaluate", "xor.glassnet", "xor").stdout
    share = np.mean(network.predict_labels(data.x_test) == data.y_test)
    assert result.startswith("evaluate: all 4 rows equal training rows")
    assert f"\naccuracy on 4 rows  95 % interval\nnetwork      {share:.3f}  " in result
    assert "\nxor: loss " in result
    assert "row 2 (" in run("trace", "xor.glassnet", "xor", "--row", "2").stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("predict", "xor.glassnet", "people.csv"),
            "was not trained on a table or on a folder of images. For arrays, call gn.load",
        ),
        (
            ("predict", "none.glassnet", "people.csv"),
            "load: expected a file that exists. Received: path='none.glassnet'.",
        ),
        (("predict", "people.csv", "people.csv"), "load: expected a safetensors file."),
        (("predict", "tall.glassnet", "poeple.csv"), "Did you mean 'people.csv'?"),
        (
            ("predict", "tall.glassnet", "people.csv", "--out", "nowhere/scored.csv"),
            "expected a file in a folder that exists.",
        ),
        (
            ("evaluate", "tall.glassnet", "new.csv"),
            "target: expected one of height, sex, shoe, club. Received: name='tall'.",
        ),
        (("trace", "tall.glassnet"), "Missing data: name a table"),
        (
            ("trace", "tall.glassnet", "people.csv", "--epochs", "3"),
            "--epochs cannot be used with a saved model",
        ),
        (
            ("train", "xor", "--out", "nowhere/x.glassnet"),
            "expected a file in a folder that exists.",
        ),
    ],
)
def test_mistakes_are_one_line(words, message):
    model("tall")
    PEOPLE.drop(columns="tall").to_csv("new.csv", index=False)
    gn.Sequential([gn.layers.Input(2), Dense(1)], seed=0).save("xor.glassnet")
    result = run(*words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
