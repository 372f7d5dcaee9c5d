"""Series on the command line: a CSV in, forecasts of its end beside the seasonal naive ones, and
what comes next out of the file.
"""

import json
import re
from pathlib import Path

import numpy as np
import pandas
import pytest
from test_cli import run

import glassnet as gn

RNG = np.random.default_rng(0)
N = 72
SOLD = 100 + 2 * np.arange(N) + 20 * np.sin(np.arange(N) * np.pi / 6) + RNG.normal(0, 2, N)
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
SHOP = pandas.DataFrame({"year": 2015 + np.arange(N) // 12, "month": MONTHS * 6, "sold": SOLD})
TRAIN = ("train", "shop.csv", "--target", "sold", "--forecast", "6", "--time", "month", "--no-plot")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table, and a network that was trained on it by the command line; what that printed."""
    place = tmp_path_factory.mktemp("shop")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        SHOP.to_csv("shop.csv", index=False)
        SHOP.to_parquet("shop.parquet")
        result = run(*TRAIN, "--epochs", "200", "--out", "shop.glassnet")
    assert (result.exit_code, result.stderr) == (0, "")
    return place, result.stdout.splitlines()


@pytest.fixture(autouse=True)
def _there(folder, monkeypatch):
    monkeypatch.chdir(folder[0])


def root(misses):
    return float(np.sqrt(np.mean(np.square(misses))))


def test_training(folder):
    """Oracle: the networks made here; what was held out is forecast from two origins, each by a
    network that saw what came before.
    """
    lines = folder[1]
    assert lines[:3] == [
        "shop.csv: 72 rows, 3 columns, separated by commas",
        "time: year and month, a step is a month, 2015-01 to 2020-12",
        "shop.csv: 2015-01 to 2020-06 (66 months) to learn from, the last 6 to be scored on",
    ]
    assert lines[5] == "24x1 → Flatten → Dense(128, relu) → Dropout(1/2) → Dense(6): 3,974 weights"
    series = gn.data.series("shop.csv", "sold", time="month", horizon=6)
    misses = []
    for end in (60, 66):
        layers = [
            gn.layers.Flatten(),
            gn.layers.Dense(128, activation="relu"),
            gn.layers.Dropout(0.5),
            gn.layers.Dense(6),
        ]
        model = gn.Sequential(layers, seed=0)
        model.fit(series[:end], epochs=200, verbose=0)
        misses.append(model.forecast().values - SOLD[end : end + 6])
    naive = [SOLD[end - 12 : end - 6] - SOLD[end : end + 6] for end in (60, 66)]
    table = {
        line[:16].strip(): [float(cell) for cell in line.split()[-2:]]
        for line in lines
        if re.match("all|from|month", line)
    }
    assert table["all"] == pytest.approx([root(misses), root(naive)], rel=1e-3)
    assert table["from 2020-01"] == pytest.approx([root(misses[0]), root(naive[0])], rel=1e-3)
    assert table["from 2020-07"] == pytest.approx([root(misses[1]), root(naive[1])], rel=1e-3)
    assert table["month 1 ahead"] == pytest.approx(
        [root([m[0] for m in misses]), root([m[0] for m in naive])], rel=1e-3
    )
    assert table["all"][0] < 0.5 * table["all"][1]
    assert lines[-4].startswith(
        "the network was trained on 2015-01 to 2020-06 (66 months); the earlier origin by a network"
    )
    assert lines[-3] == "it goes on from 2020-12"
    assert re.match(
        r"shop\.csv: RMSE [\d.]+ \(seasonal naive [\d.]+\) in [\d.]+ s, shop\.glassnet  loss █",
        lines[-1],
    )
    loaded = gn.load("shop.glassnet")
    assert loaded.forecast(series=series[:66]).values.tolist() == model.forecast().values.tolist()


def test_forecasts():
    """Oracle: the file, loaded and asked here: from the end of the table, and what was read of
    it.
    """
    found = gn.load("shop.glassnet").forecast(8)
    result = run("forecast", "shop.glassnet", "--steps", "8", "--plot", "next.png")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:9] == str(found).splitlines()
    assert lines[0].split() == ["time", "sold", "seasonal", "naive"]
    assert [line.split()[0] for line in lines[1:9]] == [f"2021-{month:02}" for month in range(1, 9)]
    assert (
        lines[-1]
        == "shop.glassnet: 2021-01 to 2021-08, trained on 2015-01 to 2020-06 (66 months), next.png"
    )
    assert Path("next.png").read_bytes().startswith(b"\x89PNG\r\n")
    told = json.loads(run("forecast", "shop.glassnet", "--json").stdout)
    assert told["forecast"]["time"] == [f"2021-{month:02}" for month in range(1, 7)]
    assert told["forecast"]["sold"] == found.values[:6].tolist()
    assert told["forecast"]["seasonal naive"] == pytest.approx(SOLD[60:66])
    assert (told["trained_on"], told["steps"]) == ("2015-01 to 2020-06 (66 months)", 6)


def test_forecasts_from_a_newer_file_into_a_file():
    newer = pandas.concat([SHOP, SHOP[:3].assign(year=2021)])
    newer.to_csv("newer.csv", index=False)
    result = run("forecast", "shop.glassnet", "newer.csv", "--steps", "2", "--out", "next.csv")
    assert (
        result.stdout
        == "shop.glassnet: 2021-04 to 2021-05, trained on 2015-01 to 2020-06 (66 months), next.csv\n"
    )
    written = pandas.read_csv("next.csv")
    assert written.columns.tolist() == ["time", "sold", "seasonal naive"]
    assert written["time"].tolist() == ["2021-04", "2021-05"]
    np.testing.assert_allclose(
        written["sold"], gn.load("shop.glassnet").forecast(2, "newer.csv").values
    )


def test_what_else_takes_the_file():
    assert "from the 24 differences" in " ".join(run("summary", "shop.glassnet").stdout.split())
    loss, mae = gn.load("shop.glassnet").evaluate(
        gn.data.series("shop.csv", "sold", time="month", horizon=6)
    )
    assert (
        run("evaluate", "shop.glassnet", "shop.csv").stdout
        == f"shop.csv: loss {loss:.4g}, mae {mae:.4g}\n"
    )


def test_json_and_other_wishes():
    """A series too short for two origins is scored from one; a straight line, another kind of file,
    the logarithm.
    """
    wishes = ("--layers", "none", "--epochs", "2", "--target-transform", "log", "--json")
    told = json.loads(
        run(
            "train",
            "shop.parquet",
            "--target",
            "sold",
            "--forecast",
            "15",
            "--time",
            "month",
            "--no-plot",
            *wishes,
        ).stdout
    )
    assert told["learned"] == {
        "target": "sold",
        "season": 12,
        "length": 22,
        "trained_on": "2015-01 to 2019-09 (57 months)",
    }
    assert [one["from"] for one in told["score"]["origins"]] == ["2019-10"]
    assert len(told["score"]["by_step"]) == 15
    assert told["score"]["naive"] == pytest.approx(root(np.resize(SOLD[45:57], 15) - SOLD[57:]))
    assert told["settings"]["validation_split"] == 0.0
    assert (told["dataset"], told["epochs"]) == ("shop.parquet", 2)


def test_flights_by_name(shared_data):
    told = json.loads(
        run(
            "train",
            "flights",
            "--target",
            "passengers",
            "--forecast",
            "12",
            "--time",
            "month",
            "--no-plot",
            "--json",
        ).stdout
    )
    assert told["score"]["value"] < 0.5 * told["score"]["naive"]
    assert [one["from"] for one in told["score"]["origins"]] == ["1959-01", "1960-01"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("train", "digits", "--forecast", "12"),
            "--forecast is for tables: digits is a data set of arrays.",
        ),
        (("train", ".", "--forecast", "12"), "--forecast is for tables: . is a folder."),
        (
            ("train", "shop.csv", "--forecast", "12"),
            "Which column is to be forecast? --target sold, say. There are year, month, sold.",
        ),
        (
            ("train", "shop.csv", "--target", "sold", "--time", "month"),
            "--time goes with --forecast N, the steps to learn.",
        ),
        (("train", "digits", "--time", "month"), "--time goes with --forecast N"),
        ((*TRAIN, "--features", "year"), "--features does not go with --forecast"),
        ((*TRAIN, "--task", "numbers"), "--task does not go with --forecast"),
        ((*TRAIN, "--time", "mnth"), "Did you mean 'month'?"),
        (
            (*TRAIN, "--time", "year"),
            "time: expected one row for each year. Received: time='2015', rows=12. Pass time=\"month\".",
        ),
        (
            (*TRAIN, "--target", "solt"),
            "target: expected one of year, month, sold. Received: name='solt'. Did you mean 'sold'?",
        ),
        (
            (*TRAIN, "--target", "month"),
            "target 'month': expected numbers in every row. Received: text=['Jan', 'Feb', 'Mar'].",
        ),
        ((*TRAIN, "--forecast", "0"), "0 is not in the range x>=1"),
        (
            (*TRAIN, "--forecast", "80"),
            "a season of 12, a step to see and 80 to forecast. Received: steps=72, horizon=80, season=12.",
        ),
        (
            (*TRAIN, "--forecast", "30"),
            "expected 87 steps or more, to learn from and to be scored on. Received: steps=72",
        ),
        (("forecast", "shop.csv"), "load: expected a safetensors file."),
        (("forecast", "shop.glassnet", "--steps", "0"), "0 is not in the range x>=1"),
        (
            ("forecast", "shop.glassnet", "--plot", "next.doc"),
            "a file that ends in .png, .svg, .pdf. Received: 'next.doc'.",
        ),
        (
            ("forecast", "shop.glassnet", "--out", "nowhere/next.csv"),
            "a file in a folder that exists",
        ),
        (
            ("forecast", "table.glassnet"),
            "table.glassnet was not trained to forecast: glassnet train FILE --target COLUMN --forecast N does.",
        ),
        (
            ("predict", "shop.glassnet", "shop.csv"),
            "shop.glassnet forecasts a series: glassnet forecast shop.glassnet shop.csv.",
        ),
        (
            ("trace", "shop.glassnet", "shop.csv"),
            "shop.glassnet forecasts a series, not rows: gn.load('shop.glassnet').trace(",
        ),
    ],
)
def test_mistakes_are_one_line(words, said):
    gn.Sequential([gn.layers.Dense(1)], seed=0).save("table.glassnet")
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("glassnet: ")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
