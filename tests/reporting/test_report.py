"""gn.report: its numbers, its texts, and which data and paths it takes."""

import re
import warnings

import numpy as np
import pandas
import pytest
from PIL import Image

import glassnet as gn
from glassnet.doctor.findings import Finding, Findings
from glassnet.errors import ConfigError, DataError
from glassnet.evaluation import baselines
from glassnet.formatting import format_number, format_share
from glassnet.layers import Dense, Flatten, Input
from glassnet.plots import page_figures
from glassnet.reporting import settings, write
from glassnet.reporting.run_data import read_run_data
from read_page import read_page

SECTIONS = ["Data", "Network", "Training", "Score", "Mistakes"]
SECTIONS += ["What it looks at", "What it learned", "Repeat this run"]
ATTACK = "<script>alert(1)</script>"
QUOTES = "\"'><img src=x onerror=alert(2)>"


def fit_digits(epochs=3):
    data = gn.datasets.load("digits")
    layers = [Flatten(), Dense(16, activation="relu"), Dense(10, activation="softmax")]
    model = gn.Sequential(layers, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(data.x, data.y, epochs=epochs, validation_split=0.1, verbose=0)
    return model, data


@pytest.fixture
def unsaved_figures(monkeypatch):
    """Figures are drawn, but not saved, which takes most of a report's time."""

    def draw_element(draw, name, alt):
        assert draw().axes
        return f'<svg id="{name}" role="img"></svg>', 100

    monkeypatch.setattr(page_figures, "draw_element", draw_element)


unsaved = pytest.mark.usefixtures("unsaved_figures")


@pytest.fixture(scope="module")
def digits():
    return fit_digits()


@pytest.fixture(scope="module")
def digits_page(digits, tmp_path_factory):
    path = gn.report(*digits, tmp_path_factory.mktemp("digits") / "digits.html")
    return path, read_page(path)


def test_the_page_is_one_small_file_without_addresses(digits_page):
    path, page = digits_page
    assert path.stat().st_size < 3_000_000
    assert {"script", "iframe", "object", "embed"}.isdisjoint(page.tags)
    assert page.handlers == []
    outside = [a for a in page.addresses if not a.startswith(("data:", "#"))]
    assert outside == []
    assert "http" not in re.sub(r"http-equiv|http://www\.w3\.org/", "", path.read_text())
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in path.read_text()


def test_links_inside_the_page_have_targets(digits_page):
    """The names of parts are unique, also those of several figures."""
    _, page = digits_page
    assert len(page.ids) == len(set(page.ids))
    assert {a[1:] for a in page.addresses if a.startswith("#")} <= set(page.ids)


def test_the_page_has_its_sections(digits_page):
    _, page = digits_page
    for section in SECTIONS:
        assert section.lower().replace(" ", "-") in page.ids
    assert page.tags.count("h1") == 1
    assert page.tags.count("h2") == len(SECTIONS)


def test_every_picture_has_a_text(digits_page):
    _, page = digits_page
    n = page.tags.count("svg") + page.tags.count("img")
    assert len(page.labels) == n > 20
    assert all(page.labels)


def test_the_score_is_that_of_evaluate_and_of_the_baselines(digits, digits_page):
    """Oracle: model.evaluate and evaluation.baselines, called here."""
    (model, data), (_, page) = digits, digits_page
    logs = model.evaluate(data.x_test, data.y_test, return_dict=True, verbose=0)
    shown = page.tables["What model.evaluate returns for the test rows"][1:]
    assert shown == [[name, format_number(value, digits=6)] for name, value in logs.items()]
    report = baselines.score_classifier(
        data.y,
        data.y_test,
        model.predict_labels(data.x_test),
        *baselines.to_columns(data.x, data.x_test),
        trees=False,
    )
    rows = [report.network, *(baseline.score for baseline in report.baselines)]
    expected = [
        [row.name, format_share(row.value), " to ".join(map(format_share, row.interval))]
        for row in rows
    ]
    assert page.tables["accuracy on 359 rows"][1:] == expected
    assert report.headline() in page.text
    assert format_share(logs["accuracy"]) == expected[0][1]


def test_classes_are_counted(digits, digits_page):
    """Oracle: np.bincount."""
    (_, data), (_, page) = digits, digits_page
    rows = page.tables["Rows of each class"][1:]
    assert [int(row[1]) for row in rows] == np.bincount(data.y).tolist()
    assert [int(row[3]) for row in rows] == np.bincount(data.y_test).tolist()
    assert page.facts["Training rows"] == "1,438"
    assert page.facts["Rows in training"] == "1,294"


def test_the_code_repeats_the_run_bit_for_bit(digits):
    """Oracle: the weights, after the code of the page has run."""
    model, data = digits
    names = {}
    exec(settings.write_code(model, read_run_data(model, data)), names)
    for a, b in zip(model.get_weights(), names["model"].get_weights(), strict=True):
        assert np.array_equal(a, b)


def nasty_frame(n=60):
    rng = np.random.default_rng(0)
    color = np.where(rng.random(n) < 0.5, f"red{ATTACK}", f"blue{QUOTES}")
    number = rng.normal(size=n)
    bought = np.where(number > 0, f"yes {ATTACK}", f"no {QUOTES}")
    return pandas.DataFrame({f"size {ATTACK}": number, "$x$ &amp;": color, f"b {QUOTES}": bought})


@pytest.fixture(scope="module")
def nasty_page(tmp_path_factory):
    frame = nasty_frame()
    model = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    model.fit(frame[:40], target=f"b {QUOTES}", epochs=1, verbose=0)
    path = tmp_path_factory.mktemp("nasty") / "nasty.html"
    gn.report(model, (frame[:40], frame[40:]), path, title=f"Run {ATTACK} {QUOTES}")
    return path, read_page(path)


def test_texts_of_the_data_are_escaped(nasty_page):
    """Oracle: a parser finds the texts as texts, and no element or handler from them."""
    path, page = nasty_page
    assert "script" not in page.tags
    assert page.tags.count("img") == 0
    assert page.handlers == []
    assert page.tables["The 3 columns of the 40 rows"][1][0] == f"size {ATTACK}"
    assert page.tables["Rows of each class"][2][0] == f"yes {ATTACK}"
    assert f"Run {ATTACK} {QUOTES}" in page.text
    assert f"target='b {QUOTES[0]}\\{QUOTES[1:]}'" in page.text  # Python's repr
    source = path.read_text()
    assert "<script" not in source
    assert "<img src=x" not in source


def test_a_table_and_its_test_rows(nasty_page):
    _, page = nasty_page
    assert page.facts["Training rows"] == "40"
    assert page.facts["Test rows"] == "20"
    assert any(caption.startswith("accuracy on 20 rows") for caption in page.tables)


def fit_line(epochs=2, x=((1.0,), (2.0,), (3.0,), (4.0,))):
    model = gn.Sequential([Input(1), Dense(1)], seed=0)
    model.compile("adam", "mean_squared_error")
    x = np.array(x)
    if epochs:
        model.fit(x, 2 * x, epochs=epochs, verbose=0)
    return model, x, 2 * x


@unsaved
def test_training_rows_only_are_called_so(tmp_path):
    model, x, y = fit_line()
    page = read_page(gn.report(model, (x, y), tmp_path / "line.html"))
    assert "All rows equal training rows: this is the score on the training rows." in page.text
    assert "RMSE on 4 rows" in page.tables
    assert len(page.tables["RMSE on 4 rows"]) == 2  # the header and the network, no baseline


@unsaved
def test_new_rows_only_have_no_baselines(tmp_path):
    model, x, y = fit_line()
    page = read_page(gn.report(model, (x + 10, y), tmp_path / "line.html"))
    assert page.facts["Test rows"] == "4"
    assert "There are no baselines, because they need training rows." in page.text


@unsaved
def test_a_mix_of_training_rows_and_new_ones(tmp_path):
    """Oracle: 4 rows of training, and the RMSE of the other 2 from NumPy."""
    model, x, y = fit_line()
    new = np.array([[10.0], [20.0]])
    rows = np.concatenate([x, new]), np.concatenate([y, 2 * new])
    page = read_page(gn.report(model, rows, tmp_path / "mix.html"))
    assert "4 of 6 rows equal training rows" in page.text
    rmse = np.sqrt(np.mean((model.predict(new, verbose=0) - 2 * new) ** 2))
    assert f"The other 2 alone: RMSE {format_number(rmse, keep_zeros=True)}" in page.text


@unsaved
def test_test_rows_may_be_an_argument(tmp_path):
    model, x, y = fit_line()
    pages = [
        gn.report(model, (x, y), tmp_path / "a.html", test=(x + 10, y)),
        gn.report(model, ((x, y), (x + 10, y)), tmp_path / "b.html"),
    ]
    tables = [read_page(path).tables for path in pages]
    assert tables[0] == tables[1]
    methods = [row[0] for row in tables[0]["RMSE on 4 rows"]]
    assert methods == ["method", "network", "ridge", "gradient-boosted trees", "mean"]


@unsaved
def test_two_rows_in_lists_are_not_two_parts(tmp_path):
    """[[1.0], [2.0]] is x with two rows, not a pair (x, y)."""
    model, _, _ = fit_line()
    data, test = ([[1.0], [2.0]], [2.0, 4.0]), ([[9.0]], [18.0])
    page = read_page(gn.report(model, data, tmp_path / "line.html", test=test))
    assert (page.facts["Training rows"], page.facts["Test rows"]) == ("2", "1")


@unsaved
def test_a_model_that_was_not_compiled(tmp_path):
    """Oracle: the loss of the same model, compiled."""
    x, y = np.array([[1.0], [2.0]]), np.array([2.0, 4.0])
    model = gn.Sequential([Input(1), Dense(1)], seed=0)
    page = read_page(gn.report(model, (x, y), tmp_path / "line.html"))
    twin, _, _ = fit_line(epochs=0)
    loss = format_number(twin.evaluate(x, y, verbose=0), digits=6)
    assert page.tables["What model.evaluate returns for the training rows"][1] == ["loss", loss]


@unsaved
def test_a_model_that_was_not_trained(tmp_path):
    model, x, y = fit_line(epochs=0)
    page = read_page(gn.report(model, (x, y), tmp_path / "line.html"))
    assert "untrained" in page.text
    assert page.text.count("The model has not been trained") == 2
    assert "It is not known whether the model was trained on these rows." in page.text


@unsaved
def test_one_epoch(tmp_path):
    model, x, y = fit_line(epochs=1)
    page = read_page(gn.report(model, (x, y), tmp_path / "line.html"))
    assert page.facts["Epochs"] == "1"
    assert "Best epoch" not in page.facts


@unsaved
def test_a_model_with_the_layout_of_keras(tmp_path):
    x = np.arange(12.0).reshape(6, 2)
    model = gn.keras.Sequential([gn.keras.layers.Dense(1, input_shape=[2])], seed=0)
    model.compile("sgd", "mse")
    model.fit(x, x.sum(1), epochs=1, verbose=0)
    page = read_page(gn.report(model, (x, x.sum(1)), tmp_path / "keras.html"))
    assert "RMSE on 6 rows" in page.tables


@unsaved
def test_several_outputs_have_no_score_but_the_loss(tmp_path):
    x = np.arange(12.0).reshape(6, 2)
    model = gn.Sequential([Dense(2)], seed=0)
    model.fit(x, x, epochs=1, verbose=0)
    page = read_page(gn.report(model, (x, x), tmp_path / "two.html"))
    loss = model.evaluate(x, x, verbose=0)
    assert f"loss {format_number(loss)}" in page.text


@unsaved
def test_one_hot_labels(tmp_path):
    """Oracle: the page for the same labels as integers."""
    x, y = np.arange(8.0).reshape(8, 1), np.array([0, 1, 2, 0, 1, 2, 0, 1])
    model = gn.Sequential([Dense(3, activation="softmax")], seed=0)
    model.fit(x, np.eye(3)[y], epochs=1, verbose=0)
    page = read_page(gn.report(model, (x, np.eye(3)[y]), tmp_path / "a.html"))
    twin = gn.Sequential([Dense(3, activation="softmax")], seed=0)
    twin.fit(x, y, epochs=1, verbose=0)
    other = read_page(gn.report(twin, (x, y), tmp_path / "b.html"))
    assert page.tables["accuracy on 8 rows"] == other.tables["accuracy on 8 rows"]
    assert page.tables["Rows of each class"] == other.tables["Rows of each class"]


def test_images_of_a_folder(tmp_path):
    for label, color in (("cat", 40), ("dog <b>", 200)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for i in range(6):
            pixels = np.full((8, 8, 3), color + i, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{i}.png")
    (tmp_path / "photos" / "cat" / "broken.png").write_text("no image")
    with warnings.catch_warnings(action="ignore"):
        images = gn.data.images_from_folder(tmp_path / "photos", (8, 8))
        model = gn.Sequential([Flatten(), Dense(1, activation="sigmoid")], seed=0)
        model.fit(images, epochs=1, verbose=0)
    page = read_page(gn.report(model, tmp_path / "photos", tmp_path / "photos.html"))
    assert page.labels.count("Example of dog <b>") == 2
    assert "1 file was left out:" in page.text
    assert "broken.png" in page.text
    assert str(tmp_path) not in (tmp_path / "photos.html").read_text()


@unsaved
def test_texts(tmp_path):
    texts = [f"good film {ATTACK}", "bad film", "good", "bad plot"] * 3
    labels = np.array([1, 0, 1, 0] * 3)
    words = gn.layers.TextVectorization(max_tokens=20, output_mode="multi_hot").adapt(texts)
    model = gn.Sequential([words, Dense(1, activation="sigmoid")], seed=0)
    model.fit(texts, labels, epochs=1, verbose=0)
    page = read_page(
        gn.report(model, ((texts, labels), (texts[:4], labels[:4])), tmp_path / "t.html")
    )
    assert [f"good film {ATTACK}", "1"] in page.tables["Some texts"]
    assert [row[0] for row in page.tables["accuracy on 4 rows"]] == [
        "method",
        "network",
        "logistic regression",
        "majority",
    ]
    assert ".adapt(x)," in page.text


@pytest.fixture(scope="module")
def series():
    months = pandas.date_range("2000-01-01", periods=60, freq="MS")
    values = 10 + np.sin(np.arange(60) * np.pi / 6) + np.arange(60) / 10
    frame = pandas.DataFrame({"month": months, "sold": values})
    return gn.data.series(frame, "sold", time="month", horizon=4)


@unsaved
def test_a_series_with_later_steps(series, tmp_path):
    """Oracle: the errors of model.forecast from NumPy."""
    model = gn.Sequential([Flatten(), Dense(4)], seed=0)
    model.fit(series[:-8], epochs=1, verbose=0)
    forecasts = [model.forecast(series=series[:-8]), model.forecast(series=series[:-4])]
    errors = np.concatenate([each.values for each in forecasts]) - series.values[-8:]
    page = read_page(gn.report(model, series, tmp_path / "s.html"))
    rmse = format_number(np.sqrt(np.mean(errors**2)), keep_zeros=True)
    assert page.tables["RMSE of 8 forecasts"][1][:2] == ["all", rmse]
    assert f"RMSE {rmse}, seasonal naive" in page.text
    assert page.facts["Training steps"] == "2000-01 to 2004-04 (52 months)"
    assert page.facts["Test steps"] == "2004-05 to 2004-12 (8 months)"


@unsaved
def test_a_series_without_later_steps(series, tmp_path):
    model = gn.Sequential([Flatten(), Dense(4)], seed=0)
    model.fit(series, epochs=1, verbose=0)
    page = read_page(gn.report(model, series, tmp_path / "s.html"))
    assert "some of these steps were in the series of fit" in page.text


@pytest.mark.slow
@pytest.mark.parametrize("name", ["titanic", "house_prices"])
def test_real_tables(name, tmp_path, shared_data):
    """Oracle: evaluation.baselines for the columns that the model encodes."""
    data = gn.datasets.load(name)
    is_class = name == "titanic"
    last = Dense(1, activation="sigmoid") if is_class else Dense(1)
    model = gn.Sequential([Dense(8, activation="relu"), last], seed=0)
    model.fit(data.train, target=data.target, epochs=3, verbose=0)
    path = gn.report(model, data, tmp_path / "table.html")
    page = read_page(path)
    assert path.stat().st_size < 1_000_000
    encoder = model.preprocessor.encoder
    rows = [encoder.transform(gn.data.read_table(part)) for part in data]
    y, y_test = (part[data.target].to_numpy() for part in data)
    if is_class:
        predicted = model.predict_labels(data.test, verbose=0)
        report = baselines.score_classifier(y, y_test, predicted, *rows)
    else:
        predicted = model.predict(data.test, verbose=0)[:, 0]
        report = baselines.score_regressor(y, y_test, predicted, *rows)
    assert report.headline() in page.text
    assert all(line in page.text for line in report.describe_baselines())
    (columns,) = [rows for caption, rows in page.tables.items() if "columns of the" in caption]
    assert [row[0] for row in columns[1:]] == list(data.train.columns)
    missing = [int(row[2].split()[0].replace(",", "")) for row in columns[1:]]
    assert missing == data.train.isna().sum().tolist()


def test_columns_may_have_the_names_of_attributes(tmp_path):
    columns = {"name": ["x", "y"] * 10, "shape": range(20), "columns": [0.0, 1.0] * 10}
    frame = pandas.DataFrame(columns)
    model = gn.Sequential([Dense(1)], seed=0)
    model.fit(frame, target="columns", epochs=1, verbose=0)
    page = read_page(gn.report(model, frame, tmp_path / "n.html"))
    assert "shape" in page.text


@unsaved
def test_warnings_are_shown_without_folders(tmp_path):
    frame = pandas.DataFrame({"a": ["x", "y"] * 10, "b": range(20), "y": [0.0, 1.0] * 10})
    model = gn.Sequential([Dense(1)], seed=0)
    model.fit(frame, target="y", epochs=1, verbose=0)
    test = frame.assign(a="z")
    page = read_page(gn.report(model, (frame, test), tmp_path / "w.html"))
    assert "Warnings:" in page.text
    assert "column 'a': none of the training categories among z" in page.text
    assert write.hide_folders("read C:\\Users\\ada\\a.csv, 13/04/2016") == "read a.csv, 13/04/2016"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("missing/run.html", "Cause: No such file or directory"),
        ("run.pdf", "ending in .html"),
        ("", "ending in .html"),
        (3, "the path of a file"),
    ],
)
def test_paths_are_checked_before_the_work(path, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=text):
        gn.report("no model", "no data", path)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (np.zeros((4, 1)), "rows with targets"),
        (iter([]), "rows with targets"),
        ((np.zeros((4, 1)), np.zeros(3)), "x and y with as many rows as each other"),
        ((np.zeros((0, 1)), np.zeros(0)), "at least one"),
    ],
)
def test_data_that_cannot_be_used(data, text, tmp_path):
    model, _, _ = fit_line()
    with pytest.raises(DataError, match=text):
        gn.report(model, data, tmp_path / "run.html")
    assert not (tmp_path / "run.html").exists()


def test_only_models_are_reported(tmp_path):
    with pytest.raises(ConfigError, match="a model, gn"):
        gn.report(3, ([1.0], [1.0]), tmp_path / "run.html")
    estimator = gn.estimators.NeuralClassifier(max_iter=1)
    estimator.model_ = None
    with pytest.raises(ConfigError, match=r"pass estimator\.model_"):
        gn.report(estimator, ([1.0], [1.0]), tmp_path / "run.html")
    with pytest.raises(ConfigError, match="title to be a text or None"):
        gn.report(fit_line()[0], ([1.0], [1.0]), tmp_path / "run.html", title=3)


@unsaved
def test_the_page_says_what_the_doctor_found(tmp_path):
    """Oracle: `history.findings`. A healthy run has nothing of the kind."""
    model, x, y = fit_line()
    path = tmp_path / "line.html"
    assert "Problem: " not in read_page(gn.report(model, (x, y), path)).text
    also = Finding("no_better_than_baseline", "A linear model is <b>better</b>.", "", {}, "")
    alarm = Finding("overfitting", "The loss rose.", "By 2.", {"loss": 2}, "Stop.", also=(also,))
    note = Finding("still_improving", "It falls.", "", {}, "Go on.", confidence="information")
    model.history.findings = Findings([note, alarm])
    page = read_page(gn.report(model, (x, y), path))
    assert page.text.index("Problem: The loss rose. By 2.") < page.text.index("Note: It falls.")
    assert page.facts["Evidence"] == "loss 2 [overfitting]none [still_improving]"
    assert page.facts["Also seen"] == "A linear model is <b>better</b>. [no_better_than_baseline]"
    assert page.facts["Remedy"] == "Stop.Go on."
