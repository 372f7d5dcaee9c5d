"""Objects that lie or raise errors, masked arrays, and labels near the edge of their type."""

import os

import numpy as np
import pandas as pd
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.data import arrays
from glassnet.errors import DataError, GlassnetError, is_number, message
from glassnet.estimators import NeuralClassifier, NeuralRegressor
from glassnet.preprocessing.targets import ClassTarget, fit_class_target

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype(np.float32)
Y = np.arange(40.0)
MASKED_X, MASKED_Y = np.ma.masked_greater(X, 1), np.ma.masked_greater(Y, 30)
UNMASKED = "expected numbers without a mask. Received: masked=True. Fill it"


@pytest.fixture(scope="module")
def model():
    model = gn.Sequential([gn.layers.Dense(1)], seed=0)
    model.fit(X, Y, epochs=1, verbose=0)
    return model


ROWS = {
    "one array": MASKED_X,
    "a list of rows": list(MASKED_X),
    "a tuple of rows": tuple(MASKED_X),
    "a list of lists": [list(row) for row in MASKED_X],
    "rows in lists": [[row] for row in MASKED_X],
    "a list of numbers, then masked rows": [X[0].tolist(), *MASKED_X[1:]],
}


@pytest.mark.parametrize("kind", ROWS)
def test_masked_rows_are_refused_in_every_form(model, kind):
    """Oracle: the same numbers without a mask are accepted (the fixture)."""
    rows = ROWS[kind]
    calls = (
        lambda: model.fit(rows, Y, epochs=1, verbose=0),
        lambda: model.fit(X, Y, validation_data=(rows, Y), epochs=1, verbose=0),
        lambda: model.evaluate(rows, Y),
        lambda: model.predict(rows),
        lambda: model.trace(rows, Y),
    )
    for call in calls:
        with pytest.raises(DataError, match=UNMASKED):
            call()


TARGETS = {
    "one array": MASKED_Y,
    "a list of numbers": list(MASKED_Y),
    "a list of rows": [MASKED_Y[i : i + 1] for i in range(40)],
    "a column": MASKED_Y[:, None],
}


@pytest.mark.parametrize("kind", TARGETS)
def test_masked_targets_and_weights_are_refused(model, kind):
    values = TARGETS[kind]
    calls = (
        lambda: model.fit(X, values, epochs=1, verbose=0),
        lambda: model.fit(X, Y, sample_weight=values, epochs=1, verbose=0),
        lambda: model.fit(X, Y, validation_data=(X, values), epochs=1, verbose=0),
        lambda: model.fit(X, Y, validation_data=(X, Y, values), epochs=1, verbose=0),
        lambda: model.evaluate(X, values),
    )
    for call in calls:
        with pytest.raises(DataError, match=UNMASKED):
            call()


def test_masked_batches_are_refused(model):
    halves = (slice(20), slice(20, 40))
    columns = [dict(zip("abct", [*MASKED_X[half].T, Y[half]], strict=True)) for half in halves]
    calls = (
        lambda: model.fit([(MASKED_X[half], Y[half]) for half in halves], epochs=1, verbose=0),
        lambda: model.fit([(X[half], MASKED_Y[half]) for half in halves], epochs=1, verbose=0),
        lambda: model.fit([(X[h], Y[h], MASKED_Y[h]) for h in halves], epochs=1, verbose=0),
        lambda: model.predict(MASKED_X[half] for half in halves),
        lambda: gn.Sequential([gn.layers.Dense(1)]).fit(columns, target="t", verbose=0),
    )
    for call in calls:
        with pytest.raises(DataError, match=UNMASKED):
            call()


def test_a_mask_without_masked_values_is_no_mask(model):
    whole = np.ma.array(X, mask=False)
    np.testing.assert_array_equal(model.predict(list(whole)), model.predict(X))


def test_masked_cells_of_a_table_are_missing():
    """Oracle: pandas, which reads masked cells as NaN."""
    model = gn.Sequential([gn.layers.Dense(1)], seed=0)
    columns = {"a": MASKED_X[:, 0], "b": X[:, 1], "t": Y}
    frame = pd.DataFrame({name: pd.Series(column) for name, column in columns.items()})
    assert frame["a"].isna().sum() == MASKED_X.mask[:, 0].sum() > 0
    model.fit(columns, target="t", epochs=1, verbose=0)
    assert model.preprocessor.encoder.columns[0].add_indicator
    np.testing.assert_array_equal(model.predict(columns), model.predict(frame))


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "boolean"])
def test_missing_values_of_pandas_are_seen(model, dtype):
    values = pd.array([1, None] * 20, dtype=dtype)
    frame = pd.DataFrame(dict.fromkeys("abc", values))
    calls = (
        lambda: model.fit(X, values, epochs=1, verbose=0),
        lambda: model.fit(X, pd.Series(values), epochs=1, verbose=0),
        lambda: model.fit(X, Y, sample_weight=pd.Series(values), epochs=1, verbose=0),
        lambda: model.fit(frame, Y, epochs=1, verbose=0),
        lambda: model.predict(frame),
    )
    for call in calls:
        with pytest.raises(DataError, match=r"expected (finite )?numbers"):
            call()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_masked_arrays_of_estimators_and_functions():
    labels = np.ma.array([0, 1] * 20, mask=[0, 0, 0, 1] * 10)
    regressor = NeuralRegressor(max_iter=1, random_state=0)
    classifier = NeuralClassifier(max_iter=1, random_state=0)
    calls = (
        lambda: regressor.fit(MASKED_X, Y),
        lambda: regressor.fit(list(MASKED_X), Y),
        lambda: regressor.fit(X, MASKED_Y),
        lambda: regressor.fit(X, Y, sample_weight=MASKED_Y),
        lambda: classifier.fit(X, labels),
        lambda: classifier.partial_fit(X, labels, classes=[0, 1]),
        lambda: keras.utils.to_categorical(labels),
        lambda: gn.metrics.ConfusionMatrix()(labels, labels.data),
        lambda: gn.losses.MeanSquaredError()(MASKED_Y, Y),
        lambda: gn.losses.MeanSquaredError()(Y, MASKED_Y),
        lambda: gn.metrics.MeanAbsoluteError()(Y, MASKED_Y),
        lambda: keras.losses.MeanSquaredError()(MASKED_Y, Y),
        lambda: keras.metrics.MeanSquaredError()(MASKED_Y, Y),
        lambda: gn.layers.Normalization().adapt(MASKED_X),
    )
    for call in calls:
        with pytest.raises(DataError, match=UNMASKED):
            call()
    regressor.fit(X, Y)
    for rows in (MASKED_X, list(MASKED_X)):
        with pytest.raises(DataError, match=UNMASKED):
            regressor.predict(rows)


@pytest.mark.skipif(os.name == "nt", reason="Windows does not cut a mapped file")
def test_a_memory_map_whose_file_was_cut_is_refused(model, tmp_path):
    """The rows that are read are still in the file, so that a fault does not end the tests."""
    np.save(tmp_path / "x.npy", np.tile(X, (200, 1)))
    rows = np.load(tmp_path / "x.npy", mmap_mode="r")
    whole = model.predict(rows[-40:])
    np.testing.assert_array_equal(whole, model.predict(X))
    os.truncate(tmp_path / "x.npy", 50_000)
    for part in (rows, rows[:40], rows[40:80]):
        text = (
            r"a memory map whose file is complete. Received: file='.*x.npy', bytes=50000, needed="
        )
        with pytest.raises(DataError, match=text):
            model.predict(part[:40])
        with pytest.raises(DataError, match=text):
            model.fit(part[:40], Y, epochs=1, verbose=0)


def test_a_search_for_masks_in_lists_ends():
    rows = []
    rows += [rows, rows]
    arrays.require_unmasked(rows, "x")
    arrays.require_unmasked(list_in_itself(), "x")
    arrays.require_unmasked([[1.0] * 3] * 3, "x")


def fail(self, *args, **kwargs):
    raise RuntimeError("out of order")


def an_array(self, *args, **kwargs):
    return X


def new(**attributes):
    return type("Thing", (), attributes)()


def list_in_itself():
    rows = []
    rows.append(rows)
    return rows


OBJECTS = {
    "__array__ raises": lambda: new(__array__=fail),
    "__array__ raises, with a length": lambda: new(__array__=fail, __len__=lambda self: 40),
    "__array__ returns a list": lambda: new(__array__=lambda self, *more, **most: [1]),
    "__array__ is None": lambda: new(__array__=None),
    "__array_interface__ lies": lambda: new(__array_interface__={"shape": (10**9,)}),
    "shape raises": lambda: new(__array__=an_array, shape=property(fail)),
    "shape lies": lambda: new(__array__=an_array, shape=(7, 7, 7)),
    "dtype raises": lambda: new(__array__=an_array, dtype=property(fail)),
    "__len__ raises": lambda: new(__array__=an_array, __len__=fail),
    "__len__ is negative": lambda: new(__array__=an_array, __len__=lambda self: -1),
    "a sequence that is shorter": lambda: new(
        __getitem__=lambda self, i: X[i], __len__=lambda self: 10**6
    ),
    "__getitem__ raises": lambda: new(__getitem__=fail, __len__=lambda self: 40),
    "columns raise": lambda: new(__array__=an_array, columns=property(fail)),
    "columns lie": lambda: new(columns=5),
    "__dataframe__ raises": lambda: new(__dataframe__=fail, columns=["a"]),
    "__fspath__ raises": lambda: new(__fspath__=fail),
    "__repr__ raises": lambda: new(__repr__=fail),
    "a Hugging Face dataset": lambda: new(with_format=fail, iter=fail),
    "a column that raises": lambda: {"a": new(__array__=fail)},
    "a list in itself": list_in_itself,
    "huge integers": lambda: [[10**5000] * 3] * 40,
    "a long path": lambda: "x" * 5000,
    "a path with a zero": lambda: "a\0b",
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_hostile_objects_raise_only_our_errors(model, kind):
    """Each call reads the object or refuses it; nothing else leaves it."""
    thing = OBJECTS[kind]()
    calls = {
        "x": lambda: model.fit(thing, Y, epochs=1, verbose=0),
        "x alone": lambda: model.fit(thing, epochs=1, verbose=0),
        "y": lambda: model.fit(X, thing, epochs=1, verbose=0),
        "sample_weight": lambda: model.fit(X, Y, sample_weight=thing, epochs=1, verbose=0),
        "class_weight": lambda: model.fit(X, Y, class_weight=thing, epochs=1, verbose=0),
        "validation_data": lambda: model.fit(X, Y, validation_data=thing, epochs=1, verbose=0),
        "validation x": lambda: model.fit(X, Y, validation_data=(thing, Y), epochs=1, verbose=0),
        "predict": lambda: model.predict(thing),
        "evaluate": lambda: model.evaluate(thing, Y),
        "trace": lambda: model.trace(thing, Y),
        "images_from_folder": lambda: gn.data.images_from_folder(thing),
        "arrays_from_file": lambda: gn.data.arrays_from_file(thing),
    }
    foreign = {}
    for name, call in calls.items():
        try:
            call()
        except Exception as error:
            if not isinstance(error, GlassnetError):
                foreign[name] = repr(error)
    assert foreign == {}


def test_the_error_of_the_object_is_chained(model):
    with pytest.raises(DataError, match="out of order") as caught:
        model.predict(new(__array__=fail))
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_long_values_are_cut_in_messages():
    assert len(message("x", "less", text="x" * 5000)) < 1100
    assert message("x", "less", thing=new(__repr__=fail)).endswith("thing=a value of type Thing.")


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int64", "uint64"])
def test_classes_at_the_edge_of_a_type_are_refused(dtype):
    """Oracle: two classes at the outputs; the largest number of the type is not one of them."""
    y = np.array([0, np.iinfo(dtype).max] * 20, dtype)
    for units, activation in ((2, "softmax"), (1, "sigmoid")):
        model = gn.Sequential([gn.layers.Dense(units, activation=activation)], seed=0)
        with pytest.raises(GlassnetError, match=r"expected (classes|targets|integers|0 or 1)"):
            model.fit(X, y, epochs=1, verbose=0)
    if np.iinfo(dtype).max < 1000:
        matrix = gn.metrics.ConfusionMatrix()(y, np.zeros(40, int))
        assert matrix[[0, y.max()], 0].tolist() == [20, 20]
        one_hot = keras.utils.to_categorical(y)
        assert one_hot.shape == (40, int(y.max()) + 1)
        assert (one_hot.argmax(1) == y).all()
    else:
        with pytest.raises(DataError, match=r"at most 10,000 classes|labels below 2\^31"):
            gn.metrics.ConfusionMatrix()(y, np.zeros(40, int))


@pytest.mark.parametrize("large", [2**64 - 1, 2**62, 1e30, np.inf, -1e30])
def test_labels_that_no_matrix_holds(large):
    y = np.array([0, large])
    with pytest.raises(DataError):
        gn.metrics.ConfusionMatrix()(y, [0, 1])
    with pytest.raises(DataError):
        keras.utils.to_categorical(y)


def test_class_labels_beyond_int64_are_kept():
    """Oracle: the floats themselves; astype(int) made -2^63 of them."""
    target = fit_class_target("t", np.array([0.0, 1e30, 0.0]))
    assert target == ClassTarget("t", (0.0, 1e30))
    assert target.transform(np.array([1e30, 0.0])).tolist() == [1, 0]
    assert fit_class_target("t", np.array([3.0, 1.0])).labels == (1, 3)


def test_class_weights_that_float32_cannot_hold():
    labels = np.array([0, 1, 1])
    for weight in (1e39, 10**400, float("inf")):
        with pytest.raises(DataError, match=r"a finite number >= 0 .*at most 3\.4e38"):
            arrays.compute_sample_weight({1: weight}, labels)
    model = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")], seed=0)
    with pytest.raises(DataError, match="sample_weight times class_weight to be finite"):
        model.fit(
            X,
            (Y > 20).astype(int),
            sample_weight=np.full(40, 1e30),
            class_weight={0: 1e30, 1: 1},
            epochs=1,
            verbose=0,
        )
    assert not is_number(10**400)


@pytest.mark.parametrize("key", [255, 2**62, 2**64 - 1, -(2**63), 10**30])
def test_class_weight_of_a_class_that_does_not_occur(key):
    """Oracle: keys are compared as Python integers, whatever the type of the labels."""
    for dtype in (np.int8, np.uint8, np.int32):
        with pytest.raises(DataError, match=r"classes that occur in the targets, \[0, 1\]"):
            arrays.compute_sample_weight({key: 2.0}, np.array([0, 1], dtype))
