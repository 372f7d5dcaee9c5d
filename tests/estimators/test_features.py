"""Rows of the estimators that are no arrays of numbers: frames of any columns, sparse matrices."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import glassnet as gn
from glassnet.errors import DataError, DataWarning
from glassnet.estimators import NeuralClassifier, NeuralRegressor, rows
from oracles import close

RNG = np.random.default_rng(0)
N = 60
COLOR = np.array(["red", "green", "blue"])[np.arange(N) % 3]
FRAME = pd.DataFrame(
    {
        "color": COLOR,
        "size": np.where(np.arange(N) % 7 == 0, np.nan, RNG.normal(size=N)),
        "open": np.arange(N) % 2 == 0,
    }
)
Y = np.where(COLOR == "red", "stop", "go")
NUMBERS = RNG.normal(size=(N, 3))
QUICK = {"hidden_layer_sizes": (5,), "max_iter": 30, "learning_rate_init": 0.1, "random_state": 0}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def net(**settings):
    return NeuralClassifier(**QUICK | settings)


def test_a_frame_with_text_and_gaps_is_encoded_as_fit_encodes_it():
    """Oracle: the encoder of a `Sequential` that was fitted to the same table."""
    model = net().fit(FRAME, Y)
    table = FRAME.assign(answer=Y)
    other = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")], seed=0)
    other.fit(table, target="answer", epochs=1, verbose=0)
    assert model.encoder_.feature_names == other.preprocessor.feature_names
    close(model.encoder_.transform(rows.read_table(FRAME)), other.preprocessor.transform(FRAME))
    assert model.coefs_[0].shape == (len(model.encoder_.feature_names), 5)
    assert model.feature_names_in_.tolist() == ["color", "size", "open"]
    assert model.n_features_in_ == 3
    assert model.score(FRAME, Y) == 1  # the color alone decides


def test_cross_validation_search_and_copies_of_a_frame():
    """Each fold is encoded by its own training rows."""
    assert cross_val_score(net(), FRAME, Y, cv=3).min() > 0.9
    search = GridSearchCV(net(), {"alpha": [0.0, 0.1]}, cv=2).fit(FRAME, Y)
    assert search.best_score_ > 0.9
    model = net(early_stopping=True, validation_fraction=0.3).fit(FRAME, Y)
    twin = pickle.loads(pickle.dumps(model))
    assert np.array_equal(twin.predict_proba(FRAME), model.predict_proba(FRAME))
    assert not hasattr(clone(model), "encoder_")


def test_held_out_rows_and_rows_of_weight_zero_do_not_train_the_encoding():
    """The mean and the categories are those of the rows that are trained on."""
    weight = (COLOR != "blue").astype(float)
    model = net().fit(FRAME, Y, weight)
    names = model.encoder_.feature_names
    assert "color=red" in names
    assert "color=blue" not in names
    size = next(column for column in model.encoder_.columns if column.name == "size")
    used = FRAME["size"][weight > 0]
    assert size.mean == pytest.approx(used.fillna(used.median()).mean())
    held_out = net(early_stopping=True, validation_fraction=0.5).fit(FRAME, Y)
    whole = net().fit(FRAME, Y)
    sizes = [
        next(column for column in one.encoder_.columns if column.name == "size").mean
        for one in (held_out, whole)
    ]
    assert sizes[0] != sizes[1]


def test_a_number_from_text_and_a_regression():
    prices = FRAME["color"].map({"red": 1e5, "green": 3e5, "blue": 2e5})
    model = NeuralRegressor(**QUICK | {"max_iter": 60}).fit(FRAME, prices)
    assert model.score(FRAME, prices) > 0.9
    assert model.predict(FRAME).dtype == np.float64


def test_polars_frames_and_categories():
    polars = pytest.importorskip("polars")
    frame = FRAME.assign(size=FRAME["size"].fillna(0.0))
    ours = net().fit(polars.from_pandas(frame), Y)
    assert np.array_equal(
        ours.predict(polars.from_pandas(frame)), net().fit(frame, Y).predict(frame)
    )
    as_category = frame.assign(color=frame["color"].astype("category"))
    assert np.array_equal(net().fit(as_category, Y).predict(as_category), ours.predict(frame))


@pytest.mark.parametrize("kind", ["floats", "booleans", "dummies", "nullable"])
def test_a_frame_of_numbers_is_its_array(kind):
    """Nothing is scaled: the same bits as for the array."""
    frame = {
        "floats": pd.DataFrame(NUMBERS, columns=list("abc")),
        "booleans": pd.DataFrame({"a": NUMBERS[:, 0] > 0, "b": NUMBERS[:, 1]}),
        "dummies": pd.get_dummies(FRAME[["color"]]),
        "nullable": pd.DataFrame({"a": pd.array(np.arange(N), "Int64"), "b": NUMBERS[:, 1]}),
    }[kind]
    model = net().fit(frame, Y)
    assert model.encoder_ is None
    array = frame.to_numpy(float)
    assert np.array_equal(model.predict_proba(frame), net().fit(array, Y).predict_proba(array))


def test_gaps_that_only_later_rows_have_become_the_medians():
    """By hand: the medians of 0, 1, 2 and 10, 20, 40 are 1 and 20."""
    train = pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": [10.0, 20.0, 40.0]})
    model = net().fit(train, [0, 1, 1])
    rows_with_gaps = pd.DataFrame({"a": [np.nan, 1.0], "b": [10.0, np.nan]})
    words = "predict: 2 gaps in a, b became the medians of the training rows, which have no gaps"
    with pytest.warns(DataWarning, match=words):
        got = model.predict_proba(rows_with_gaps)
    filled = pd.DataFrame({"a": [1.0, 1.0], "b": [10.0, 20.0]})
    assert np.array_equal(got, model.predict_proba(filled))
    with pytest.raises(
        DataError, match=r"numbers in every column, as in training.*columns=\['b'\]"
    ):
        model.predict(pd.DataFrame({"a": [1.0], "b": ["x"]}))


def test_columns_that_are_left_out_are_named():
    notes = [f"note {i} of many words" for i in range(N)]
    with pytest.warns(DataWarning, match="columns left out: notes .it is free text."):
        model = net().fit(FRAME.assign(notes=notes), Y)
    assert model.score(FRAME.assign(notes="something else"), Y) == 1


def test_partial_fit_and_warm_start_keep_the_first_encoding():
    model = net().partial_fit(FRAME, Y, classes=["go", "stop"])
    first = model.encoder_
    model.partial_fit(FRAME.assign(size=FRAME["size"] + 100), Y)
    assert model.encoder_ is first
    warm = net(warm_start=True).fit(FRAME, Y)
    first = warm.encoder_
    assert warm.fit(FRAME[::2], Y[::2]).encoder_ is first


def test_what_does_not_fit_a_frame():
    model = net().fit(FRAME, Y)
    words = (
        "NeuralClassifier: expected a frame with the 3 columns of training. Received: X='ndarray'"
    )
    with pytest.raises(DataError, match=words):
        model.predict(NUMBERS)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(FRAME[["size", "color", "open"]])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        net().fit(FRAME, Y[:-1])
    with pytest.raises(ValueError, match="could not convert string to float"):
        net().fit(FRAME.to_numpy(), Y)


@pytest.mark.parametrize(
    ("column", "advice"),
    [
        ([":", *map(str, range(N - 1))], 'write X["size"] = pandas.to_numeric(X["size"], errors='),
        ([f"{i} %" for i in range(N)], 'or leave the column out: X.drop(columns="size").'),
        ([np.inf, *range(N - 1)], 'or leave the column out: X.drop(columns="size").'),
    ],
)
def test_advice_that_an_estimator_can_follow(column, advice):
    """Estimators have no column_types. Oracle: what the advice writes can be fitted."""
    frame = FRAME.assign(size=pd.Series(column, dtype=object))
    with pytest.raises(DataError, match=r"^column 'size': expected ") as caught:
        net().fit(frame, Y)
    assert advice in str(caught.value)
    assert "column_types" not in str(caught.value)
    coerced = frame.assign(size=pd.to_numeric(frame["size"], errors="coerce"))
    changed = coerced if "to_numeric" in advice else frame.drop(columns="size")
    model = net(max_iter=1).fit(changed, Y)
    if "to_numeric" in advice:
        with pytest.raises(
            DataError, match=r"numbers, as in training.*or leave them blank"
        ) as caught:
            model.predict(frame)
        assert "column_types" not in str(caught.value)


def test_pipelines_that_give_sparse_rows():
    """Oracle: the same rows, made dense by the encoder itself."""
    X = COLOR[:, None]
    pipe = make_pipeline(OneHotEncoder(), net()).fit(X, Y)
    dense = make_pipeline(OneHotEncoder(sparse_output=False), net()).fit(X, Y)
    assert np.array_equal(pipe.predict_proba(X), dense.predict_proba(X))
    texts = [f"the {color} lamp" for color in COLOR]
    words = make_pipeline(TfidfVectorizer(), net())
    assert cross_val_score(words, texts, Y, cv=3).min() > 0.9


@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array])
def test_sparse_formats(make):
    x = NUMBERS * (NUMBERS > 0.5)
    model = net().fit(make(x), Y)
    assert np.array_equal(model.predict_proba(make(x)), net().fit(x, Y).predict_proba(x))
    regressor = NeuralRegressor(**QUICK).fit(make(np.float32(x)), x[:, 0])
    assert regressor.predict(make(np.float32(x))).dtype == np.float32


@pytest.mark.parametrize("settings", [{}, {"early_stopping": True}, {"class_weight": "balanced"}])
def test_large_sparse_rows_are_made_dense_batch_by_batch(monkeypatch, settings):
    """Oracle: in the order of the rows, the same bits as at once. In another order, a score."""
    x = sparse.csr_array(np.eye(3)[np.arange(N) % 3])
    settings = {"batch_size": 8, "validation_fraction": 0.3} | settings
    at_once = net(shuffle=False, **settings).fit(x, Y)
    monkeypatch.setattr(rows, "MAX_DENSE_BYTES", 100)
    batches = net(shuffle=False, **settings).fit(x, Y)
    assert at_once.loss_curve_ == pytest.approx(batches.loss_curve_, rel=1e-6)
    assert np.allclose(at_once.predict_proba(x), batches.predict_proba(x), atol=1e-6)
    assert net(**settings).fit(x, Y).score(x, Y) == 1
    pieces = net(**settings | {"early_stopping": False}).partial_fit(x, Y, classes=["go", "stop"])
    assert pieces.partial_fit(x, Y).t_ == 2 * N


def test_batches_that_would_be_too_large(monkeypatch):
    monkeypatch.setattr(rows, "MAX_BATCH_BYTES", 2**20)
    x = sparse.csr_array((N, 100_000))
    words = r"sparse rows: expected batches of at most 0 GiB as dense numbers\. Received: features=100000, batch_size=60.*TruncatedSVD"
    with pytest.raises(DataError, match=words):
        net().fit(x, Y)
    assert net(batch_size=2, max_iter=1).fit(x, Y).n_iter_ == 1


def test_scikit_learn_gets_the_same_scores_from_the_same_sparse_rows():
    x = sparse.csr_array(np.eye(3)[np.arange(N) % 3])
    theirs = MLPClassifier((5,), max_iter=30, learning_rate_init=0.1, random_state=0).fit(x, Y)
    assert theirs.score(x, Y) == net().fit(x, Y).score(x, Y) == 1
