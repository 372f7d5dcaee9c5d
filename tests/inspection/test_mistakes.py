"""Mistakes on test rows. Oracles: scikit-learn's metrics, predict, and examples by hand (1, 3)."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn import metrics

import glassnet as gn
from glassnet.errors import ConfigError, DataError, NotReadyError
from glassnet.evaluation.classification import compute_calibration, compute_threshold_curves
from glassnet.inspection import mistakes
from glassnet.layers import Dense, Flatten, Input

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "age": [20.0, 30.0, 40.0, 50.0, 60.0, 25.0, 33.0, 48.0],
        "town": ["a", "b", "a", "b", "a", "b", None, "a"],
        "bought": ["no", "yes", "no", "yes", "yes", "no", "yes", "no"],
        "price": [2.0, 3.0, 4.0, 5.0, 60.0, 2.5, 3.5, 4.5],
    }
)


def make_model(units, activation=None, loss="mse", n=None):
    """Return a model whose logits or outputs are its inputs."""
    model = gn.Sequential([Input(n or units), Dense(units, activation=activation)], seed=0)
    model.compile("sgd", loss)
    model.set_weights([np.eye(n or units, units, dtype=np.float32), np.zeros(units)])
    return model


@pytest.fixture(scope="module")
def three_classes():
    """A softmax of three inputs, with 60 rows of noisy classes."""
    y = RNG.integers(0, 3, 60)
    x = 2 * np.eye(3)[y] + RNG.normal(size=(60, 3))
    return make_model(3, "softmax", "sparse_categorical_crossentropy"), x, y


@pytest.fixture(scope="module")
def table_models():
    """A classifier and a regressor of the logarithm, fitted to the table for a moment."""
    classifier = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    classifier.fit(TABLE.drop(columns="price"), target="bought", epochs=1, verbose=0)
    regressor = gn.Sequential([Dense(1)], seed=0)
    frame = TABLE.drop(columns="bought")
    regressor.fit(frame, target="price", target_transform="log", epochs=1, verbose=0)
    return classifier, regressor


def test_counts_and_rates_equal_scikit_learns(three_classes):
    model, x, y = three_classes
    result, predicted = mistakes(model, x, y), model.predict_labels(x)
    np.testing.assert_array_equal(result.confusion, metrics.confusion_matrix(y, predicted))
    precision, recall, f1, n = metrics.precision_recall_fscore_support(y, predicted)
    frame = result.to_frame()
    for name, expected in (("precision", precision), ("recall", recall), ("f1", f1), ("rows", n)):
        np.testing.assert_allclose(frame[name], expected)
    assert result.accuracy == metrics.accuracy_score(y, predicted)
    np.testing.assert_allclose(result.probabilities, model.predict(x), atol=1e-7)
    true, answer, count = result.pairs[0]
    off_diagonal = result.confusion - np.diag(np.diag(result.confusion))
    assert count == off_diagonal.max() == off_diagonal[int(true), int(answer)]
    n_wrong = np.sum(y != predicted)
    expected = f"{n_wrong} of 60 wrong; most often {true} taken for {answer} ({count} times)"
    assert result.title == f"{expected} (untrained)"
    one_hot = make_model(3, "softmax", "categorical_crossentropy")
    np.testing.assert_array_equal(mistakes(one_hot, x, np.eye(3)[y]).confusion, result.confusion)


def test_the_surest_wrong_answers_come_first(three_classes):
    model, x, y = three_classes
    result, outputs = mistakes(model, x, y), model.predict(x)
    wrong = np.flatnonzero(outputs.argmax(1) != y)
    assert sorted(result.wrong) == list(wrong)
    rows = result.worst_rows()
    assert rows["probability"].is_monotonic_decreasing
    np.testing.assert_allclose(rows["probability"], outputs.max(1)[rows["row"]], atol=1e-7)
    np.testing.assert_allclose(rows[["x1", "x2", "x3"]], x[rows["row"]], rtol=1e-6)


def test_two_classes_by_hand():
    """Rows: 3 of class 1, of which 2 are found; 2 of class 0, of which 1 is answered 1.

    Precision of class 1: 2 / (2 + 1); recall 2 / 3; F1 the same. Accuracy 3 / 5.
    """
    model = make_model(1, "sigmoid", "binary_crossentropy")
    result = mistakes(model, [[2.0], [1.0], [-1.0], [0.5], [-2.0]], [1, 1, 1, 0, 0])
    np.testing.assert_array_equal(result.confusion, [[1, 1], [1, 2]])
    np.testing.assert_allclose(result.precision, [1 / 2, 2 / 3])
    np.testing.assert_allclose(result.recall, [1 / 2, 2 / 3])
    np.testing.assert_allclose(result.f1, [1 / 2, 2 / 3])
    assert result.accuracy == 3 / 5
    assert result.wrong.tolist() == [2, 3]  # 0.731 for class 0, then 0.622 for class 1
    text = str(result)
    assert "accuracy 0.600; always answering 1 is right in 0.600 of the rows" in text
    assert "lowest recall: 0, 0.500 of 2 rows; lowest precision: 0, 0.500 of 2 answers" in text


def test_thresholds_equal_a_search_over_all_of_them():
    """Oracle: scikit-learn's areas, and F1 and rates of every score as a threshold."""
    y = RNG.integers(0, 2, 80)
    z = y + RNG.normal(size=80)
    model = make_model(1, "sigmoid", "binary_crossentropy")
    curves = mistakes(model, z[:, None], y).curves
    p = model.predict(z[:, None]).ravel().astype(float)
    assert curves.roc_auc == pytest.approx(metrics.roc_auc_score(y, p))
    assert curves.average_precision == pytest.approx(metrics.average_precision_score(y, p))
    half, best_f1, youden = curves.thresholds
    assert (half.name, half.value) == ("0.5", 0.5)
    assert half.n_wrong == np.sum((p >= 0.5) != y)
    scores = [metrics.f1_score(y, p >= value) for value in p]
    assert best_f1.f1 == pytest.approx(max(scores))
    differences = [np.mean(p[y == 1] >= value) - np.mean(p[y == 0] >= value) for value in p]
    difference = youden.recall - youden.false_positive_rate
    assert difference == pytest.approx(max(differences))


def test_calibration_by_hand():
    """0.2 twice, once true: 0.5. 0.9 three times, twice true: 0.667.

    The error is (2 |0.5 - 0.2| + 3 |0.667 - 0.9|) / 5 = (0.6 + 0.7) / 5 = 0.26.
    """
    is_true, probability = np.array([0, 1, 1, 1, 0]), np.array([0.2, 0.2, 0.9, 0.9, 0.9])
    result = compute_calibration(is_true, probability)
    np.testing.assert_allclose(result.predicted, [0.2, 0.9])
    np.testing.assert_allclose(result.observed, [1 / 2, 2 / 3])
    assert result.counts.tolist() == [2, 3]
    assert result.error == pytest.approx(0.26)


def test_a_threshold_that_answers_nothing_has_no_precision():
    half, *_ = compute_threshold_curves(np.array([True, False]), np.array([0.3, 0.2])).thresholds
    assert np.isnan(half.precision)
    assert (half.recall, half.n_wrong, half.f1) == (0.0, 1, 0.0)


def test_calibration_of_several_classes_is_that_of_the_answer(three_classes):
    model, x, y = three_classes
    outputs = model.predict(x).astype(float)
    expected = compute_calibration(outputs.argmax(1) == y, outputs.max(1))
    result = mistakes(model, x, y).calibration
    np.testing.assert_array_equal(result.counts, expected.counts)
    assert result.error == pytest.approx(expected.error, abs=1e-6)


def test_a_table_shows_its_labels_and_columns(table_models):
    """Oracle: predict_labels. All rows are training rows."""
    model, _ = table_models
    result = mistakes(model, TABLE)
    assert result.class_names == ("no", "yes")
    labels = np.array(result.class_names)[result.y_pred]
    np.testing.assert_array_equal(labels, model.predict_labels(TABLE))
    rows = result.worst_rows()
    np.testing.assert_array_equal(rows["age"], TABLE["age"][rows["row"]])
    np.testing.assert_array_equal(rows["true"], TABLE["bought"][rows["row"]])
    assert "8 of 8 rows equal training rows: new rows may have more mistakes" in str(result)
    assert "(untrained)" not in result.title
    others = mistakes(model, TABLE.assign(age=TABLE["age"] + 1))
    assert others.remarks == ()


def test_residuals_are_in_the_targets_own_units(table_models):
    """Oracle: predict, and the column itself without rounding."""
    _, model = table_models
    result, predicted = mistakes(model, TABLE), model.predict(TABLE).astype(float)
    np.testing.assert_array_equal(result.y_pred, predicted)
    np.testing.assert_array_equal(result.residuals[:, 0], TABLE["price"] - predicted[:, 0])
    assert result.rmse[0] == pytest.approx(np.sqrt(np.mean(result.residuals**2)))
    assert result.mae[0] == pytest.approx(np.mean(np.abs(result.residuals)))
    assert result.r2[0] == pytest.approx(metrics.r2_score(TABLE["price"], predicted))
    assert result.worst[0] == 4
    rows = result.worst_rows()
    assert rows.loc[0, "true"] == 60
    assert rows.loc[0, "age"] == 60
    assert "worst row: 4" in str(result)
    by_y = mistakes(model, TABLE.drop(columns="price"), TABLE["price"])
    np.testing.assert_allclose(by_y.y_true, result.y_true, rtol=1e-5)


def test_several_outputs_have_their_own_errors():
    x, y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [3.0, 4.0]])
    result = mistakes(make_model(2), x, y)
    np.testing.assert_allclose(result.rmse, [0, np.sqrt(2)], atol=1e-7)
    assert result.names == ("y1", "y2")
    assert list(result.worst_rows().columns[:3]) == ["row", "true y1", "true y2"]
    assert result.title == "y: RMSE 1 over 2 outputs on 2 rows (untrained)"
    result.plot()
    one = mistakes(make_model(1), [[2.0]], [[3.0]])
    assert one.title == "y: RMSE 1 on 1 row (untrained)"
    assert np.isnan(one.r2[0])


def test_labels_of_several_sigmoids():
    """Label 1: one found, one missed. Label 2: one too many, one correctly not answered."""
    model = make_model(2, "sigmoid", "binary_crossentropy")
    result = mistakes(model, [[3.0, 3.0], [-3.0, -3.0]], [[1, 0], [1, 0]])
    np.testing.assert_array_equal(result.counts, [[[0, 0], [1, 1]], [[1, 1], [0, 0]]])
    assert result.title == (
        "2 of 2 rows with a wrong label; most often y1 (1 missed, 0 too many) (untrained)"
    )
    frame = mistakes(model, [[3.0, 3.0]], [[1, 1]], class_names=["cat", "dog"]).to_frame()
    assert frame["label"].tolist() == ["cat", "dog"]
    assert frame["found"].tolist() == [1, 1]
    assert isinstance(result.plot(), Figure)
    fractions = mistakes(model, [[0.0, 0.0]], [[0.25, 0.5]])
    np.testing.assert_allclose(fractions.y_pred, [[0.5, 0.5]])


def test_a_series_has_an_error_for_each_step():
    """Oracle: predict, and the season before for the naive forecast."""
    values = np.arange(30.0) ** 1.5 + np.tile([0.0, 5.0, 1.0], 10)
    series = gn.data.series({"sold": values}, "sold", length=4, horizon=2, season=3)
    model = gn.Sequential([Flatten(), Dense(2)], seed=0)
    model.fit(series, epochs=1, verbose=0)
    result = mistakes(model, series)
    expected = np.lib.stride_tricks.sliding_window_view(values[7:], 2)
    np.testing.assert_array_equal(result.y_true, expected)
    np.testing.assert_array_equal(result.y_pred, model.predict(series)[: len(expected)])
    naive = np.lib.stride_tricks.sliding_window_view(values[4:], 2)[: len(expected)]
    np.testing.assert_allclose(result.naive_rmse, np.sqrt(np.mean((expected - naive) ** 2, 0)))
    assert result.names == ("sold, 1 step ahead", "sold, 2 steps ahead")
    assert "seasonal naive forecast" in result.title
    assert result.plot().axes[2].get_xlabel() == "steps ahead"


@pytest.mark.parametrize("kind", ["images", "texts", "columns"])
def test_a_gallery_shows_rows_of_every_kind(kind, table_models):
    """Oracle: the titles and cells of the figure."""
    if kind == "columns":
        result = mistakes(table_models[0], TABLE)
        cells = result.plot_gallery().axes[0].tables[0].get_celld()
        assert [cells[0, k].get_text().get_text() for k in range(6)] == [
            "row",
            "true",
            "predicted",
            "probability",
            "age",
            "town",
        ]
        return
    if kind == "texts":
        vectorizer = gn.layers.TextVectorization(output_mode="multi_hot").adapt(["good", "bad"])
        model = gn.Sequential([vectorizer, Dense(1, activation="sigmoid")], seed=0)
        model.compile("sgd", "binary_crossentropy")
        x = np.array(["good " * 40, "bad"])
        wrong = 1 - model.predict_labels(x)
        cells = mistakes(model, x, wrong).plot().axes[-1].tables[0].get_celld()
        shown = [cells[row, 4].get_text().get_text() for row in (1, 2)]
        assert sorted(shown) == ["bad", ("good " * 18)[:-1] + "…"]
        return
    model = gn.Sequential([Input((6, 6)), Flatten(), Dense(2, activation="softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = RNG.random((5, 6, 6)).astype(np.float32)
    result = mistakes(model, x, 1 - model.predict_labels(x), class_names=["cat", "dog"])
    titles = [ax.get_title() for ax in result.plot_gallery(3).axes]
    assert len(titles) == 3
    row = result.wrong[0]
    true, predicted = (result.class_names[codes[row]] for codes in (result.y_true, result.y_pred))
    assert titles[0].startswith(f"{true}\nas {predicted}\n0.")


def test_figures_have_axes_with_names(three_classes):
    model, x, y = three_classes
    figure = mistakes(model, x, y).plot()
    labels = [(ax.get_xlabel(), ax.get_ylabel()) for ax in figure.axes]
    assert ("predicted", "true") in [tuple(map(str.strip, pair)) for pair in labels]
    assert ("predicted probability of the answer", "observed frequency") in labels
    assert figure.get_suptitle().replace("\n", " ") == mistakes(model, x, y).title
    binary = make_model(1, "sigmoid", "binary_crossentropy")
    figure = mistakes(binary, x[:, :1], y > 0).plot()
    assert ("recall", "precision") in [(ax.get_xlabel(), ax.get_ylabel()) for ax in figure.axes]


def test_long_names_stay_different(three_classes):
    """Names with the same beginning keep their own bars, labels and ends."""
    model, x, y = three_classes
    names = [f"a class with a long name {k}" for k in range(3)]
    result = mistakes(model, x, y, class_names=names)
    ax = result.plot_pairs().axes[0]
    assert [bar.get_width() for bar in ax.patches] == [count for *_, count in result.pairs]
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert len(set(labels)) == len(result.pairs)
    ends = [(true[-1], predicted[-1]) for true, predicted, _ in result.pairs]
    assert [(label.split("\n")[0][-1], label[-1]) for label in labels] == ends


def test_one_class_only_and_no_wrong_answers():
    model = make_model(1, "sigmoid", "binary_crossentropy")
    result = mistakes(model, [[2.0], [3.0]], [1, 1])
    assert result.title == "0 of 2 wrong (untrained)"
    assert "one class only: no ROC curve" in str(result)
    assert np.isnan(result.recall[0])
    result.plot()
    assert len(result.worst_rows()) == 0
    with pytest.raises(DataError, match=r"plot_roc: expected rows of both of two classes"):
        result.plot_roc()


def test_rows_that_cannot_be_scored(three_classes, table_models):
    model, x, y = three_classes
    with pytest.raises(DataError, match=r"classes from 0 to 2.*label=3"):
        mistakes(model, x, y + 1)
    with pytest.raises(DataError, match=r"y: expected targets"):
        mistakes(model, x)
    with pytest.raises(DataError, match=r"x: expected"):
        mistakes(model, x[:, :2], y)
    with pytest.raises(DataError, match=r"x: expected"):
        mistakes(model, x[:0], y[:0])
    with pytest.raises(ConfigError, match=r"class_names to be 3 names, one for each class"):
        mistakes(model, x, y, class_names=["a", "b"])
    with pytest.raises(ConfigError, match=r"class_names=None for a model of numbers"):
        mistakes(make_model(1), [[1.0]], [2.0], class_names=["a"])
    classifier, regressor = table_models
    with pytest.raises(DataError, match=r"target 'bought': expected training labels.*maybe"):
        mistakes(classifier, TABLE.assign(bought="maybe"))
    with pytest.raises(ConfigError, match=r"target: expected one of age, town, bought"):
        mistakes(regressor, TABLE.drop(columns="price"))
    with pytest.raises(DataError, match=r"x: expected"):
        mistakes(classifier, np.zeros((2, 9)), ["no", "yes"])
    fresh = gn.Sequential([gn.layers.Normalization(), Dense(1)], seed=0)
    with pytest.raises(NotReadyError, match=r"normalization_1: expected statistics"):
        mistakes(fresh, x, y)


def test_predictions_that_are_not_finite():
    model = make_model(1)
    model.set_weights([np.array([[3e38]], np.float32), np.zeros(1)])
    expected = r"mistakes: expected finite predictions. Received: rows=2, first=0."
    with pytest.raises(DataError, match=expected):
        mistakes(model, [[2.0], [3.0]], [1.0, 2.0])


def test_classes_of_steps_are_refused():
    model = gn.Sequential([Input((4, 2)), Dense(3, activation="softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(DataError, match=r"one class for each row. Received: shape=\(2, 4\)"):
        mistakes(model, np.zeros((2, 4, 2)), np.zeros((2, 4)))


def test_sequences_are_scored_without_a_gallery():
    model = gn.Sequential(
        [Input((4, 2)), gn.layers.LSTM(2), Dense(2, activation="softmax")], seed=0
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    result = mistakes(model, RNG.normal(size=(6, 4, 2)), [0, 1, 0, 1, 0, 1])
    result.plot()
    with pytest.raises(DataError, match=r"plot_gallery: expected images, texts or columns"):
        result.plot_gallery()
