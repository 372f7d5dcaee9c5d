"""Time series on the command line: training, scores, forecasts and errors."""

import json
import re
from pathlib import Path

import numpy as np
import pandas
import pytest
from test_cli import run

import glassnet as gn

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
N = 72
SOLD = 100 + 2 * np.arange(N) + 20 * np.sin(np.arange(N) * np.pi / 6) + RNG.normal(0, 2, N)
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
SHOP = pandas.DataFrame({"year": 2015 + np.arange(N) // 12, "month": MONTHS * 6, "sold": SOLD})
TRAIN = ("train", "shop.csv", "--target", "sold", "--forecast", "6", "--time", "month", "--no-plot")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a table and a trained network, and the lines that the training printed."""
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


def rmse(errors):
    return float(np.sqrt(np.mean(np.square(errors))))


def test_training(folder):
    """Oracle: two networks, each trained on the steps before its origin."""
    lines = folder[1]
    assert lines[:3] == [
        "shop.csv: 72 rows, 3 columns, separated by commas",
        "time: year and month, a step is a month, 2015-01 to 2020-12",
        "shop.csv: 2015-01 to 2020-06 (66 months) for training, the last 6 for testing",
    ]
    assert lines[5] == "24x1 → Flatten → Dense(128, relu) → Dropout(1/2) → Dense(6): 3,974 weights"
    series = gn.data.series("shop.csv", "sold", time="month", horizon=6)
    errors = []
    for end in (60, 66):
        hidden = [gn.layers.Dense(128, activation="relu"), gn.layers.Dropout(0.5)]
        model = gn.Sequential([gn.layers.Flatten(), *hidden, gn.layers.Dense(6)], seed=0)
        model.fit(series[:end], epochs=200, verbose=0)
        errors.append(model.forecast().values - SOLD[end : end + 6])
    naive = [SOLD[end - 12 : end - 6] - SOLD[end : end + 6] for end in (60, 66)]
    table = {
        line[:16].strip(): [float(cell) for cell in line.split()[-2:]]
        for line in lines
        if re.match("all|from|month", line)
    }
    assert table["all"] == pytest.approx([rmse(errors), rmse(naive)], rel=1e-3)
    for i, start in enumerate(("from 2020-01", "from 2020-07")):
        assert table[start] == pytest.approx([rmse(errors[i]), rmse(naive[i])], rel=1e-3)
    assert table["month 1 ahead"] == pytest.approx(
        [rmse([m[0] for m in errors]), rmse([m[0] for m in naive])], rel=1e-3
    )
    assert table["all"][0] < 0.5 * table["all"][1]
    start = lines.index("the network was trained on 2015-01 to 2020-06 (66 months)")
    assert lines[start : start + 3] == [
        "the network was trained on 2015-01 to 2020-06 (66 months)",
        "the earlier forecast is from a second network, trained on the steps before it",
        "forecasts start after 2020-12",
    ]
    assert re.match(
        r"shop\.csv: RMSE [\d.]+, seasonal naive [\d.]+, [\d.]+ s, shop\.glassnet  loss █",
        lines[-1],
    )
    loaded = gn.load("shop.glassnet")
    assert loaded.forecast(series=series[:66]).values.tolist() == model.forecast().values.tolist()


def test_forecasts():
    """Oracle: the forecast of the loaded model."""
    forecast = gn.load("shop.glassnet").forecast(8)
    result = run("forecast", "shop.glassnet", "--steps", "8", "--plot", "next.png")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:9] == str(forecast).splitlines()
    assert lines[0].split() == ["time", "sold", "seasonal", "naive"]
    assert [line.split()[0] for line in lines[1:9]] == [f"2021-{month:02}" for month in range(1, 9)]
    assert (
        lines[-1]
        == "shop.glassnet: 2021-01 to 2021-08, trained on 2015-01 to 2020-06 (66 months), next.png"
    )
    assert Path("next.png").read_bytes().startswith(b"\x89PNG\r\n")
    facts = json.loads(run("forecast", "shop.glassnet", "--json").stdout)
    assert facts["forecast"]["time"] == [f"2021-{month:02}" for month in range(1, 7)]
    assert facts["forecast"]["sold"] == forecast.values[:6].tolist()
    assert facts["forecast"]["seasonal naive"] == pytest.approx(SOLD[60:66])
    assert (facts["trained_on"], facts["steps"]) == ("2015-01 to 2020-06 (66 months)", 6)


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
    assert "from the 24 previous differences" in " ".join(
        run("summary", "shop.glassnet").stdout.split()
    )
    loss, mae = gn.load("shop.glassnet").evaluate(
        gn.data.series("shop.csv", "sold", time="month", horizon=6)
    )
    equal_rows, score = run("evaluate", "shop.glassnet", "shop.csv").stdout.splitlines()
    assert score == f"shop.csv: loss {loss:.4g}, mae {mae:.4g}"
    assert equal_rows.startswith("evaluate: 25 of 31 rows equal training rows")


def test_json_and_other_wishes():
    """A short series has one origin; other options are a single layer, Parquet and a logarithm."""
    options = ("--layers", "none", "--epochs", "2", "--target-transform", "log", "--json")
    facts = json.loads(
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
            *options,
        ).stdout
    )
    assert facts["learned"] == {
        "target": "sold",
        "season": 12,
        "length": 22,
        "trained_on": "2015-01 to 2019-09 (57 months)",
    }
    assert [one["from"] for one in facts["score"]["origins"]] == ["2019-10"]
    assert len(facts["score"]["by_step"]) == 15
    assert facts["score"]["rivals"][0]["value"] == pytest.approx(
        rmse(np.resize(SOLD[45:57], 15) - SOLD[57:])
    )
    assert facts["settings"]["validation_split"] == 0.0
    assert (facts["dataset"], facts["epochs"]) == ("shop.parquet", 2)


def test_flights_by_name(shared_data):
    facts = json.loads(
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
    assert facts["score"]["network"]["value"] < 0.5 * facts["score"]["rivals"][0]["value"]
    assert [one["from"] for one in facts["score"]["origins"]] == ["1959-01", "1960-01"]


def air(tmp_path):
    """Write hours of a local clock in two columns, across a clock change, and without two rows."""
    times = pandas.date_range("2024-03-28", periods=120, freq="h", tz="Europe/Berlin")
    hours = np.arange(120)
    frame = pandas.DataFrame(
        {
            "Date": times.strftime("%d/%m/%Y"),
            "Time": times.strftime("%H.%M.%S"),
            "T": np.sin(hours * np.pi / 12) + hours / 99,
        }
    )
    frame.drop([50, 118]).to_csv(tmp_path / "air.csv", index=False)
    return frame


def test_two_columns_of_times_a_time_zone_and_filling(tmp_path):
    """Each option is needed: without it, one line says so."""
    air(tmp_path)
    file, model = str(tmp_path / "air.csv"), str(tmp_path / "air.glassnet")
    train = ("train", file, "--target", "T", "--forecast", "6", "--no-plot", "--layers", "none")
    train = (*train, "--epochs", "1", "--time", "Date")
    result = run(*train)
    assert "looks like a change to summer time, as in Europe/Berlin" in result.stderr
    result = run(*train, "--time-zone", "Europe/Berlin")
    gaps = "missing=2, gaps=2, times=['2024-03-30 02:00+01:00', '2024-04-01 23:00+02:00']"
    assert gaps in result.stderr
    options = ("--time-zone", "Europe/Berlin", "--fill", "previous", "--out", model)
    result = run(*train, "--time", "Time", *options)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert "Date and Time, a step is an hour (Europe/Berlin), 2024-03-28 00:00+01:00" in lines[1]
    assert lines[2] == (
        "T: 2 of 120 values filled by the previous value: "
        "2024-03-30 02:00+01:00, 2024-04-01 23:00+02:00"
    )
    assert "1 of the 12 test values were filled, not measured" in lines
    assert "forecasts start after 2024-04-02 00:00+02:00" in lines
    result = run("forecast", model, file, "--steps", "2", "--fill", "interpolate")
    lines = result.stdout.splitlines()
    filled = "T: 2 of 120 values filled by interpolation: 2024-03-30 02:00+01:00, 2024-04-01 23:00"
    assert any(line.startswith(filled) for line in lines[:4])
    assert [line[:22] for line in lines if line.startswith("2024-04-02")] == [
        "2024-04-02 01:00+02:00",
        "2024-04-02 02:00+02:00",
    ]
    facts = json.loads(run("forecast", model, file, "--steps", "1", "--json").stdout)
    assert facts["forecast"]["time"] == ["2024-04-02 01:00+02:00"]
    assert any("filled by the previous value" in line for line in facts["messages"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("train", "digits", "--forecast", "12"),
            "--forecast is for tables: digits is a dataset of arrays.",
        ),
        (("train", ".", "--forecast", "12"), "--forecast is for tables: . is a folder."),
        (
            ("train", "shop.csv", "--forecast", "12"),
            "Missing option '--target': the column to forecast, such as --target sold. Columns: year, month, sold.",
        ),
        (
            ("train", "shop.csv", "--target", "sold", "--time", "month"),
            "--time needs --forecast N, the number of steps to forecast.",
        ),
        (("train", "digits", "--time", "month"), "--time needs --forecast N"),
        (("train", "shop.csv", "--fill", "previous"), "--fill needs --forecast N"),
        (("train", "shop.csv", "--time-zone", "UTC"), "--time-zone needs --forecast N"),
        ((*TRAIN, "--time-zone", "UTX"), "time_zone: expected the name of a time zone"),
        ((*TRAIN, "--fill", "mean"), "'mean' is not one of 'interpolate', 'previous'"),
        (("forecast", "shop.glassnet", "--fill", "previous"), "--fill needs a FILE"),
        ((*TRAIN, "--features", "year"), "--features cannot be combined with --forecast"),
        ((*TRAIN, "--task", "numbers"), "--task cannot be combined with --forecast"),
        ((*TRAIN, "--time", "mnth"), "Did you mean 'month'?"),
        (
            (*TRAIN[:-3], "--time", "year"),
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
            "a season of 12, 1 input and 80 targets. Received: steps=72, horizon=80, season=12.",
        ),
        (
            (*TRAIN, "--forecast", "30"),
            "expected at least 87 steps for training and testing. Received: steps=72",
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
            "table.glassnet is not a forecasting model. Train one: glassnet train FILE --target COLUMN --forecast N",
        ),
        (
            ("predict", "shop.glassnet", "shop.csv"),
            "shop.glassnet is a forecasting model. Run: glassnet forecast shop.glassnet shop.csv",
        ),
        (
            ("trace", "shop.glassnet", "shop.csv"),
            "shop.glassnet is a forecasting model. To trace it in Python: gn.load('shop.glassnet').trace(",
        ),
    ],
)
def test_mistakes_are_one_line(words, message):
    gn.Sequential([gn.layers.Dense(1)], seed=0).save("table.glassnet")
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("glassnet: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
