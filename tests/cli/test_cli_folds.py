"""`glassnet cross-validate`.

Oracle: `gn.selection.cross_validate` in Python, and scikit-learn's models on the same folds.
"""

import json
import signal
from pathlib import Path

import numpy as np
import pandas
import pytest
from click.testing import CliRunner
from house_table import HOUSES, SIZE, Command, N
from PIL import Image
from sklearn.linear_model import LogisticRegression

import glassnet as gn
from glassnet.callbacks import EarlyStopping
from glassnet.cli import main
from read_page import read_page

RNG = np.random.default_rng(1)
COMMAND = Command("cross-validate")
run, read_json, refused = COMMAND.run, COMMAND.read_json, COMMAND.refused
FAST = ("--epochs", "5", "--layers", "4", "--dropout", "0", "--folds", "3")


@pytest.fixture(autouse=True)
def _a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    HOUSES.to_csv("houses.csv", index=False)


def train_in_python(frame, target, last, loss, metric, **options):
    layers = [gn.layers.Dense(4, activation="relu"), last]
    model = gn.Sequential(layers, seed=0)
    model.compile("adam", loss, [metric])
    return gn.selection.cross_validate(
        model, frame, target=target, folds=3, epochs=5, seed=0, verbose=0, **options
    )


def test_classes_equal_those_of_python():
    """Also: a logistic regression on the columns as each fold encodes them."""
    facts = read_json("houses.csv", "--target", "sold", *FAST, "--out", "p.csv")
    last = gn.layers.Dense(1, activation="sigmoid")
    result = train_in_python(HOUSES, "sold", last, "binary_crossentropy", "accuracy")
    score, folds = facts["score"], facts["score"]["folds"]
    assert (score["metric"], score["rows"]) == ("accuracy", N)
    assert [fold["network"] for fold in folds] == pytest.approx(result.scores.tolist())
    assert score["network"]["value"] == pytest.approx(result.mean)
    assert score["network"]["interval"][0] == pytest.approx(max(result.interval[0], 0))
    for fold, train, test, model in zip(
        folds, result.train_rows, result.test_rows, result.models, strict=True
    ):
        x, x_test = (model.preprocessor.transform(HOUSES.iloc[rows]) for rows in (train, test))
        linear = LogisticRegression(max_iter=1000).fit(x, HOUSES.sold[train])
        assert fold["logistic regression"] == linear.score(x_test, HOUSES.sold[test])
        assert fold["majority"] == np.mean(HOUSES.sold[test] == HOUSES.sold[train].mode()[0])
        assert (fold["training_rows"], fold["test_rows"]) == (len(train), len(test))
    written = pandas.read_csv("p.csv")
    assert written["probability of yes"].tolist() == pytest.approx(
        result.predictions[:, 0].tolist(), rel=1e-5
    )
    assert written["predicted sold"].tolist() == result.predicted_labels.tolist()
    assert written["size"].tolist() == pytest.approx(SIZE.tolist())
    for k, rows in enumerate(result.test_rows, start=1):
        assert set(written.fold[rows]) == {k}
    assert [each["seed"] for each in facts["networks"]] == result.seeds.tolist()
    assert facts["settings"]["folds"] == 3
    assert facts["learned"]["target"] == "sold"


def test_numbers_and_what_is_printed():
    """RMSE is the root of the mean square of out-of-fold errors, by fold."""
    words = ("houses.csv", "--target", "price", *FAST, "--features", "size,town")
    result = run(*words, "--out", "p.csv", "--plot", "folds.png")
    assert (result.exit_code, result.stderr) == (0, "")
    frame = pandas.read_csv("p.csv")
    errors = (frame["predicted price"] - frame["price"]) ** 2
    rmse = np.sqrt(errors.groupby(frame.fold).mean())
    lines = result.stdout.splitlines()
    assert "houses.csv: 60 rows, regression" in lines
    start = next(i for i, line in enumerate(lines) if line.startswith("fold  test rows  network"))
    printed = [float(line.split()[2]) for line in lines[start + 1 : start + 4]]
    assert printed == pytest.approx(rmse.tolist(), rel=1e-3)
    assert (
        "Each of the 3 networks was trained on the other folds, and learned the encoding of the "
        "columns (3 numbers) and the scale of price from those rows alone."
    ) in lines
    assert "RMSE on 60 rows in 3 folds" in result.stdout
    assert lines[-1].startswith(f"houses.csv: RMSE {rmse.mean():.2f} (")
    assert lines[-1].endswith("s, p.csv, folds.png")
    with Image.open("folds.png") as picture:
        assert picture.width > 200
    networks = read_json(*words)["networks"]
    assert [each["RMSE"] for each in networks] == pytest.approx(rmse.tolist(), rel=1e-4)
    quiet = run(*words, "--quiet")
    assert quiet.stdout.count("\n") == 1
    assert quiet.stdout.startswith(lines[-1].rpartition(",")[0].split("), ")[0])


def test_groups_stay_together():
    facts = read_json(
        "houses.csv", "--target", "sold", *FAST, "--groups", "owner", "--out", "p.csv"
    )
    assert "owner" not in facts["learned"]["columns"]
    folds = pandas.read_csv("p.csv").fold
    assert folds.groupby(HOUSES.owner).nunique().max() == 1


def test_repeats_are_means_over_several_divisions():
    facts = read_json("houses.csv", "--target", "sold", *FAST, "--repeats", "2", "--out", "p.csv")
    assert len(facts["score"]["folds"]) == 6
    assert facts["score"]["rows"] == N
    frame = pandas.read_csv("p.csv")
    assert len(frame) == N
    assert "fold" not in frame.columns
    lines = run("houses.csv", "--target", "sold", *FAST, "--repeats", "2").stdout.splitlines()
    assert any(line.startswith("repeat  network") for line in lines)


def test_arrays_leave_their_own_test_rows_out():
    x, y = RNG.normal(size=(40, 3)) * 9, np.arange(40) % 2
    np.savez("a.npz", x_train=x, y_train=y, x_test=x[:7], y_test=y[:7])
    result = run("a.npz", *FAST, "--out", "p.csv")
    assert "The 7 test rows of a.npz were not used." in result.stdout.splitlines()
    assert "the mean and the spread of the inputs" in result.stdout
    assert pandas.read_csv("p.csv").row.tolist() == list(range(40))
    np.savez("b.npz", x=x, y=x[:, 0] + 100)
    result = run("b.npz", *FAST)
    mean, std = (x[:, 0] + 100).mean(), x[:, 0].std()
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("The scale of")]
    assert f"mean {mean:.2f}"[:9] in line or f"mean {mean:.1f}" in line
    assert f"deviation {std:.3f}"[:12] in line


def test_series_are_divided_by_time():
    """The naive forecast repeats the last value; the truth in the file is that of the series."""
    values = np.sin(np.arange(90) / 5) * 10 + RNG.normal(0, 1, 90)
    pandas.DataFrame({"day": np.arange(1900, 1990), "level": values}).to_csv("s.csv", index=False)
    words = ("s.csv", "--target", "level", "--forecast", "2", "--time", "day", *FAST)
    facts = read_json(*words, "--out", "p.csv")
    frame = pandas.read_csv("p.csv")
    truth = frame[["level 1", "level 2"]].to_numpy()
    guess = frame[["predicted level 1", "predicted level 2"]].to_numpy()
    start = frame["first step"].to_numpy() - 1900
    np.testing.assert_allclose(truth, np.stack([values[start], values[start + 1]], 1))
    naive = values[start - 1][:, None]
    for k, fold in enumerate(facts["score"]["folds"], start=1):
        rows = frame.fold == k
        assert fold["network"] == pytest.approx(np.sqrt(np.mean((guess - truth)[rows] ** 2)))
        assert fold["last value"] == pytest.approx(np.sqrt(np.mean((naive - truth)[rows] ** 2)))
    text = run(*words).stdout
    assert "was trained on the time before its fold, and learned the scale of the series" in text
    assert "test forecasts" in text


@pytest.mark.slow
def test_images():
    for label, color in (("cat", 40), ("dog", 200)):
        Path("photos", label).mkdir(parents=True)
        for i in range(6):
            Image.new("RGB", (8, 8), (color + i,) * 3).save(f"photos/{label}/{i}.png")
    result = run("photos", "--folds", "2", "--epochs", "1", "--layers", "2", "--out", "p.csv")
    assert result.exit_code == 0, result.output
    assert "photos: 12 images, 2 classes" in result.stdout
    frame = pandas.read_csv("p.csv")
    assert frame["file"].nunique() == 12
    assert set(frame["predicted class"]) <= {"cat", "dog"}
    result = train("photos", "--folds", "2", "--epochs", "1", "--layers", "2", "--no-plot")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("class: 2 labels (cat, dog)") == 1
    assert result.stdout.splitlines()[-1].startswith("photos: accuracy ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--target", "sold", "--folds", "61"), "Received: folds=61, rows=60. Use --folds 60"),
        (("--target", "sold", "--folds", "1"), "'--folds': 1 is not in the range x>=2"),
        (("--target", "sold", "--groups", "ownr"), "Did you mean 'owner'?"),
        (("--target", "sold", "--groups", "owner", "--folds", "13"), "folds=13, groups=12"),
        ((), "Missing option '--target'"),
        (("--target", "sold", "--out", "p.png"), "expected a file name for a table"),
    ],
)
def test_mistakes_are_one_line(words, message):
    assert message in refused("houses.csv", *words)


def test_the_advice_on_a_rare_class_is_an_option():
    frame = HOUSES.assign(sold=["yes"] * 2 + ["no"] * 58)
    frame.to_csv("rare.csv", index=False)
    text = refused("rare.csv", "--target", "sold", "--folds", "5")
    assert "class='yes', rows of that class=2. Use --folds 2." in text


@pytest.mark.filterwarnings("always")
@pytest.mark.parametrize("as_json", [False, True])
def test_folds_that_all_diverge_have_no_score(as_json):
    """(1e30)^2 is beyond float32: the loss of the first step is infinite."""
    Path("huge.csv").write_text(
        "a,y\n" + "".join(f"{i * 7 % 17},{(i % 7 + 1) * 1e30}\n" for i in range(40))
    )
    words = ("--target", "y", *FAST, "--out", "p.csv", *(["--json"] if as_json else []))
    result = run("huge.csv", *words)
    assert result.exit_code == 3
    assert not Path("p.csv").exists()
    if as_json:
        facts = json.loads(result.stdout)
        assert facts["score"] is None
        assert all(each["problem"] for each in facts["networks"])
    else:
        assert "failed" in result.stdout.splitlines()[-1]


def train(*words):
    return CliRunner().invoke(main, ["train", *map(str, words)])


TRAIN = ("houses.csv", "--target", "sold", *FAST, "--no-plot")


def test_train_with_folds_keeps_no_rows_back():
    """Oracle: a fit to all rows, and the score of `cross-validate`."""
    result = train(*TRAIN, "--json", "--out", "m.glassnet", "--report", "run.html")
    assert (result.exit_code, result.stderr) == (0, "")
    facts = json.loads(result.stdout)
    score = read_json("houses.csv", "--target", "sold", *FAST)["score"]
    assert facts["score"] == score
    layers = [gn.layers.Dense(4, activation="relu"), gn.layers.Dense(1, activation="sigmoid")]
    model = gn.Sequential(layers, seed=0)
    model.compile("adam", "binary_crossentropy", ["accuracy"])
    model.fit(HOUSES, target="sold", epochs=5, seed=0, verbose=0)
    np.testing.assert_allclose(
        gn.load("m.glassnet").predict(HOUSES), model.predict(HOUSES), atol=1e-6
    )
    assert facts["settings"]["validation_split"] == 0
    assert facts["remark"] == (
        "The score is the mean of 3 networks, each trained on 40 of the 60 rows and scored on "
        "others. The final network is trained on all 60 rows, so that none are left to score it."
    )
    page = read_page(Path("run.html"))
    table = page.tables["accuracy on 60 rows in 3 folds"]
    assert [row[0] for row in table[1:]][:2] == ["network", "logistic regression"]
    assert facts["remark"] in page.text
    assert "On new rows it makes more mistakes." in page.text


def test_train_with_folds_prints_the_mean_of_the_folds():
    result = train(*TRAIN)
    lines = result.stdout.splitlines()
    assert "houses.csv: 60 rows, 2 classes" in lines
    (title,) = [line for line in lines if line.startswith("accuracy on")]
    assert title.startswith("accuracy on 60 rows in 3 folds")
    network = lines[lines.index(title) + 1].split()[1]
    assert lines[-1].startswith(f"houses.csv: accuracy {network} (")
    assert ", in 3 folds, " in lines[-1]
    assert "too few to compare" not in result.stdout
    assert lines[-2].startswith("The score is the mean of 3 networks")


@pytest.mark.slow
def test_train_with_folds_and_a_series():
    values = np.sin(np.arange(90) / 5) * 10 + RNG.normal(0, 1, 90)
    pandas.DataFrame({"day": np.arange(1900, 1990), "level": values}).to_csv("s.csv", index=False)
    words = ("s.csv", "--target", "level", "--forecast", "2", "--time", "day", *FAST)
    result = train(*words, "--out", "s.glassnet", "--no-plot", "--report", "s.html")
    assert result.exit_code == 0, result.output
    assert "last value" in result.stdout
    forecast = gn.load("s.glassnet").forecast()
    assert forecast.times.label_at(0) == "1990"
    assert "RMSE on" in " ".join(read_page(Path("s.html")).tables)


def test_train_with_folds_cannot_be_resumed():
    result = train(*TRAIN, "--resume", "runs")
    assert result.exit_code == 2
    assert "--resume cannot be combined with --folds" in result.stderr
    assert "glassnet cross-validate" in result.stderr
    assert not Path("runs").exists()


@pytest.mark.filterwarnings("always")
def test_train_with_folds_that_all_diverge():
    rows = "".join(f"{i * 7 % 17},{(i % 7 + 1) * 1e30}\n" for i in range(40))
    Path("huge.csv").write_text("a,y\n" + rows)
    result = train("huge.csv", "--target", "y", *FAST, "--no-plot", "--out", "m.glassnet")
    assert result.exit_code == 3
    assert not Path("m.glassnet").exists()


@pytest.mark.parametrize("command", [("cross-validate",), ("train", "--no-plot")])
def test_ctrl_c_before_a_fold_has_ended(command, monkeypatch):
    """The folds are trained side by side: after the first epoch, none has ended."""
    update, pending = EarlyStopping.update, [signal.SIGINT]

    def interrupt(self, memory, record):
        if pending:
            signal.raise_signal(pending.pop())
        return update(self, memory, record)

    monkeypatch.setattr(EarlyStopping, "update", interrupt)
    words = ("houses.csv", "--target", "sold", "--folds", "3", "--epochs", "3000")
    result = CliRunner().invoke(main, [*command, *words, "--patience", "3000"])
    assert not pending
    assert (result.exit_code, result.stderr) == (130, "glassnet: interrupted\n")
