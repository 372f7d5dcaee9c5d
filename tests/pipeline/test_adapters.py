"""Data adapters: every kind of data in every method, and a new kind of data in one file."""

import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import glassnet as gn
from glassnet.errors import ConfigError, DataError
from glassnet.layers import Dense, Flatten, Input, Rescaling
from glassnet.optimizers import SGD
from glassnet.pipeline import adapter
from glassnet.pipeline.adapter import ModelInfo, find_adapter, register_adapter
from glassnet.pipeline.row_adapter import RowAdapter
from nets import SPARSE, X, Y, plain_model, same_bits
from oracles import close

CHUNKS = [slice(0, 8), slice(8, 16), slice(16, 37)]
TABLE = pd.DataFrame(X, columns=list("abcd")).assign(
    mood=np.array(["calm", "glad", "sad"])[Y], city=np.array(["Rome", "Oslo"])[(X[:, 0] > 0) * 1]
)


def batches():
    return ((X[rows], Y[rows]) for rows in CHUNKS)


def memory_map(folder):
    np.save(folder / "x.npy", X)
    return np.load(folder / "x.npy", mmap_mode="r")


# --- the same numbers as arrays ------------------------------------------------------------------


def results(model, x, y=None, validation=None):
    """Everything that the methods of a model compute from one kind of data."""
    pair = (x, y) if y is not None else x
    history = model.fit(
        x, y, batch_size=37, shuffle=False, epochs=2, verbose=0, validation_data=validation or pair
    )
    return [
        history.history["loss"],
        history.history["val_loss"],
        model.evaluate(x, y),
        model.predict(x),
        model.predict_labels(x),
        model.trace(x, y).loss,
    ]


@pytest.fixture(scope="module")
def expected():
    return results(plain_model(), X, Y)


@pytest.mark.parametrize(
    "kind", ["list", "memory map", "batch", "batch of a memory map", "function", "frame and y"]
)
def test_every_method_takes_what_fit_takes(kind, expected, tmp_path):
    """Oracle: the same rows as arrays, which make one full batch."""
    data = {
        "list": (X.tolist(), Y.tolist()),
        "memory map": (memory_map(tmp_path), Y),
        "batch": ([(X, Y)], None),
        "batch of a memory map": ([(memory_map(tmp_path), Y)], None),
        "function": (lambda: iter([(X, Y)]), None),
        "frame and y": (TABLE[list("abcd")], Y),
    }[kind]
    for result, truth in zip(results(plain_model(), *data), expected, strict=True):
        close(result, truth)


def test_arrays_can_be_validated_on_batches_and_batches_on_arrays():
    """Oracle: validation on the same rows as arrays."""
    losses = [
        plain_model().fit(X, Y, verbose=0, validation_data=data).history["val_loss"]
        for data in ((X, Y), list(batches()), batches, [X, Y], (X, Y, np.ones(37)))
    ]
    close(losses[1:], [losses[0]] * 4)


def mood_layers():
    return [Dense(5, activation="tanh"), Dense(3, activation="softmax")]


def test_dicts_of_columns_in_every_method(expected):
    """Oracle: the same rows as arrays, which make one full batch."""
    columns = [{"label": Y, "a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "d": X[:, 3]}]
    model, options = plain_model(), {"target": "label"}
    history = model.fit(columns, epochs=2, verbose=0, validation_data=columns, **options)
    trace = model.trace(columns, **options)
    found = [
        history.history["loss"],
        history.history["val_loss"],
        model.evaluate(columns, **options),
        model.predict(columns, **options),
        model.predict_labels(columns, **options),
        trace.loss,
    ]
    for result, truth in zip(found, expected, strict=True):
        close(result, truth)
    for call, text in (
        (lambda: model.trace(columns), "target: expected the name of the column of targets"),
        (lambda: model.trace(columns, target="x"), "Received: target='x'. For example target='d'"),
        (lambda: model.predict(columns, target="x"), "Received: target='x'. For example target="),
        (lambda: model.predict(X, target="x"), "predict: expected steps=None and target=None with"),
        (lambda: model.trace(X, Y, target="x"), "trace: expected steps=None and target=None with"),
    ):
        with pytest.raises((ConfigError, DataError), match=re.escape(text)):
            call()


def mood_model():
    model = gn.Sequential(mood_layers(), seed=0)
    model.compile(SGD(0.1), SPARSE, ["accuracy"])
    return model


def test_a_table_in_every_method(tmp_path):
    """Oracle: the whole frame, and the encoded rows as arrays."""
    model = mood_model()
    model.fit(TABLE, target="mood", epochs=2, verbose=0)
    score, output = model.evaluate(TABLE), model.predict(TABLE)
    labels, trace = model.predict_labels(TABLE), model.trace(TABLE)
    encoded = model.preprocessor.transform(TABLE)
    file = tmp_path / "moods.csv"
    TABLE.to_csv(file, index=False)
    y, features = TABLE["mood"], TABLE.drop(columns="mood")
    for x, target in ((file, None), (TABLE.to_dict("list"), None), (features, y), (encoded, y)):
        close(model.evaluate(x, target), score)
        close(model.predict(x), output)
        assert model.predict_labels(x).tolist() == labels.tolist()
        close(model.trace(x, target).loss, trace.loss)
    kinds = (TABLE, str(file), (features, y), (encoded, y.tolist()), (features, y, np.ones(37)))
    starts = [model.get_weights()]
    for validation_data in kinds:
        model.set_weights(starts[0])
        model.compile(SGD(0.1), SPARSE, ["accuracy"])
        history = model.fit(TABLE, verbose=0, validation_data=validation_data, shuffle=False)
        close(history.history["val_loss"][0], model.evaluate(TABLE)[0])


def test_a_model_of_tables_reads_tables_in_batches():
    """Oracle: the whole table in one call."""
    model = mood_model()
    model.fit(TABLE, target="mood", epochs=2, verbose=0)
    frames = [TABLE.iloc[rows] for rows in CHUNKS]
    columns = [frame.to_dict("list") for frame in frames]
    pairs = [(frame.drop(columns="mood"), frame["mood"]) for frame in frames]
    for stream in (frames, columns, lambda: iter(frames), lambda: iter(pairs)):
        stream = stream if callable(stream) else (lambda chunks=stream: iter(chunks))
        close(model.evaluate(stream), model.evaluate(TABLE))
        close(model.predict(stream), model.predict(TABLE))
    close(model.trace(lambda: iter(frames)).loss, model.trace(frames[0]).loss)
    twin = mood_model()
    twin.fit(TABLE, target="mood", epochs=2, verbose=0)
    model.fit(lambda: iter(frames[:2]), verbose=0, validation_data=lambda: iter(frames), epochs=1)
    twin.fit(TABLE.iloc[:16], batch_size=8, shuffle=False, verbose=0)
    assert same_bits(model, twin)
    close(model.history.history["val_loss"], [twin.evaluate(TABLE)[0]])


@pytest.mark.parametrize(
    "y",
    ["calm", 3, [], [["calm"], ["calm", "sad"]], {"mood": ["calm"]}, np.zeros((37, 2))],
    ids=str,
)
def test_targets_beside_a_table_that_are_not_one_per_row(y):
    model = mood_model()
    model.fit(TABLE, target="mood", epochs=0, verbose=0)
    features = TABLE.drop(columns="mood")
    with pytest.raises(DataError, match=r"y: expected one value per row|in column 'mood'"):
        model.evaluate(features, y)
    with pytest.raises(DataError, match=r"y: expected one value per row|in column 'mood'"):
        model.fit(TABLE, verbose=0, validation_data=(features, y))


def test_a_warning_names_the_line_that_called_glassnet(recwarn):
    """Also through the layout of Keras, and if columns of a table are encoded within the call."""
    model = gn.keras.Sequential(mood_layers(), seed=0)
    model.fit(TABLE, target="mood", verbose=0)
    plain = mood_model()
    plain.fit(TABLE, target="mood", verbose=0)
    holes = TABLE.assign(mood=TABLE["mood"].where(np.arange(37) > 3), city="Rom")
    model.evaluate(holes)
    plain.evaluate(holes)
    plain.predict(holes)
    assert [type(warning.message) for warning in recwarn] == [gn.errors.DataWarning] * 5
    assert {warning.filename for warning in recwarn} == {__file__}


def test_rows_of_a_table_without_a_target_are_left_out_and_counted():
    model = mood_model()
    model.fit(TABLE, target="mood", verbose=0)
    holes = TABLE.assign(mood=TABLE["mood"].where(np.arange(37) > 3))
    with pytest.warns(gn.errors.DataWarning, match="evaluate: left out 4 of 37 rows without a t"):
        score = model.evaluate(holes, sample_weight=np.arange(37))
    close(score, model.evaluate(TABLE.iloc[4:], sample_weight=np.arange(4, 37)))
    with pytest.warns(gn.errors.DataWarning, match="trace: left out 4 of 37 rows without a target"):
        assert len(model.trace(holes).output) == 33
    text = "validation_data: left out 4 of 37 rows without a target"
    with pytest.warns(gn.errors.DataWarning, match=text):
        history = model.fit(TABLE, verbose=0, validation_data=holes)
    close(history.history["val_loss"], model.evaluate(TABLE.iloc[4:])[:1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four images each of dark and bright squares."""
    root, rng = tmp_path_factory.mktemp("squares"), np.random.default_rng(0)
    for name, level in (("dark", 40), ("bright", 200)):
        (root / name).mkdir()
        for i in range(4):
            pixels = level + rng.integers(-30, 30, (6, 5))
            Image.fromarray(pixels.astype(np.uint8)).save(root / name / f"{i}.png")
    return root


def square_model(*first):
    layers = [*first, Rescaling(1 / 255), Flatten(), Dense(2, activation="softmax")]
    return gn.Sequential(layers, seed=0)


def test_a_folder_of_images_in_every_method(folder):
    """Oracle: the pixels as arrays; classes are in alphabetical order."""
    images = gn.data.images_from_folder(folder, (6, 5))
    truth = square_model(Input((6, 5, 1)))
    truth.fit(images.x, images.y, epochs=2, verbose=0)
    score, output = truth.evaluate(images.x, images.y), truth.predict(images.x)
    for source in (folder, str(folder), images):
        model = square_model(Input((6, 5, 1)))
        history = model.fit(source, epochs=2, verbose=0, validation_data=source)
        close(history.history["val_loss"][-1], score[0])
        close(model.evaluate(source), score)
        close(model.predict(source), output)
        close(model.trace(source).loss, score[0])
        assert set(model.predict_labels(source)) <= {"dark", "bright"}
    names = np.array(["bright", "dark"])[images.y]
    close(model.evaluate(images.x, names), score)
    close(model.evaluate([str(path) for path in images.files], names), score)
    close(model.predict(images.files[0]), output[:1])


def test_a_folder_of_images_gets_the_size_of_the_network_s_input(folder):
    model = square_model(Input((4, 4, 3)))
    model.fit(folder, verbose=0)
    assert model.preprocessor.shape == (4, 4, 3)
    wide = square_model()
    wide.fit(folder, verbose=0)
    assert wide.preprocessor.shape == (150, 150, 1)


def test_a_series_in_every_method():
    """Oracle: the table that the series is read from."""
    table = {"sold": np.sin(np.arange(40.0)) + np.arange(40.0)}
    series = gn.data.series(table, "sold", horizon=2, length=5, season=1)
    model = gn.Sequential([Flatten(), Dense(2)], seed=0)
    model.fit(series, verbose=0, validation_data=table)
    for x in (table, pd.DataFrame(table)):
        close(model.evaluate(x), model.evaluate(series))
        close(model.predict(x), model.predict(series))
        close(model.trace(x).loss, model.trace(series).loss)
    before = model.get_weights()[0].copy()
    model.fit(table, verbose=0)
    assert not np.array_equal(before, model.get_weights()[0])


def test_texts_in_every_method():
    """Oracle: the numbers that the vectorizer makes of the texts."""
    texts = np.array(["good day", "bad day", "good", "bad"] * 3)
    y = np.array([1, 0, 1, 0] * 3)
    vectorizer = gn.layers.TextVectorization(output_mode="multi_hot").adapt(texts)
    layers = [Dense(2, activation="softmax")]
    truth = gn.Sequential([Input(vectorizer.shape[0]), *layers], seed=0)
    model = gn.Sequential([vectorizer, *layers], seed=0)
    truth.fit(vectorizer(texts), y, verbose=0)
    model.fit(texts, y, verbose=0, validation_data=[(texts[:6], y[:6]), (texts[6:], y[6:])])
    close(model.history.history["val_loss"], [truth.evaluate(vectorizer(texts), y)[0]])
    close(model.predict(texts), truth.predict(vectorizer(texts)))
    close(model.trace(texts, y).loss, truth.trace(vectorizer(texts), y).loss)


# --- a new kind of data ------------------------------------------------------------------------


@pytest.fixture
def clips(monkeypatch):
    """A kind of data of its own: a list of dicts of samples, each with the number of a class."""
    monkeypatch.setattr(adapter, "ADAPTERS", list(adapter.ADAPTERS))

    @register_adapter
    class ClipAdapter(RowAdapter):
        @staticmethod
        def accepts(x, y, model, training):
            return isinstance(x, list) and x and isinstance(x[0], dict) and "samples" in x[0]

        def features(self):
            return np.stack([clip["samples"] for clip in self.x])

        def targets(self):
            return self.y if self.y is not None else [clip["speaker"] for clip in self.x]

    return [{"samples": row, "speaker": int(label)} for row, label in zip(X, Y, strict=True)]


def test_a_new_kind_of_data_is_one_class(clips, expected):
    """Oracle: the same rows as arrays."""
    for result, truth in zip(results(plain_model(), clips), expected, strict=True):
        close(result, truth)
    history = plain_model().fit(clips, verbose=0, validation_split=0.2, batch_size=8)
    twin = plain_model().fit(X, Y, verbose=0, validation_split=0.2, batch_size=8)
    assert history.history == twin.history
    streamed = plain_model().evaluate(lambda: iter([clips[:20], clips[20:]]))
    close(streamed, expected_score(plain_model()))
    with pytest.raises(DataError, match="x: expected at least one row"):
        plain_model().predict([])


def expected_score(model):
    return model.evaluate(X, Y)


# --- which adapter, and what is refused ----------------------------------------------------------


def kind_of(x, y=None, preprocessor=None, training=False):
    model = ModelInfo((), None, None, None, preprocessor, None)
    return find_adapter(x, y, model, training).__name__.removesuffix("Adapter")


def test_the_kind_of_data(folder, tmp_path):
    tabular = mood_model()
    tabular.fit(TABLE, target="mood", epochs=0, verbose=0)
    assert kind_of(X) == kind_of(X.tolist()) == kind_of(memory_map(tmp_path)) == "Array"
    assert kind_of(TABLE, training=True) == kind_of("t.csv", training=True) == "Table"
    assert kind_of(TABLE) == kind_of(TABLE, Y, training=True) == "Array"
    assert kind_of(TABLE, preprocessor=tabular.preprocessor) == "Table"
    assert kind_of(TABLE, Y, preprocessor=tabular.preprocessor) == "Table"
    assert kind_of(str(folder), training=True) == "Image"
    assert kind_of(str(tmp_path), training=True) == "Partitioned"
    assert kind_of(batches()) == kind_of(batches) == kind_of(list(batches())) == "Stream"


@pytest.mark.parametrize(
    ("validation_data", "text"),
    [
        (
            X,
            r"validation_data: expected \(x, y\) or \(x, y, weights\)\. Received: validation_data='ndarray'\.",
        ),
        (
            (X,),
            r"validation_data: expected \(x, y\) or \(x, y, weights\)\. Received: validation_data='tuple of 1'\.",
        ),
        ((X, Y, None, None), r"Received: validation_data='tuple of 4'\."),
        (0.2, r"Received: validation_data='float'\."),
        (
            (X[:, :1], Y),
            r"validation x: expected examples of shape \(4,\)\. Received: shape=\(37, 1\)\. The network was built for 4 features",
        ),
        (
            (X, Y[:4]),
            r"validation x and validation y: .*Received: len\(validation x\)=37, len\(validation y\)=4",
        ),
        (
            (X, Y, [1]),
            r"sample_weight: expected one number per row, shape \(37,\)\. Received: shape=\(1,\)",
        ),
    ],
    ids=["array", "one", "four", "fraction", "features", "lengths", "weights"],
)
def test_validation_data_that_cannot_be_used(validation_data, text):
    model = plain_model()
    before = model.get_weights()
    with pytest.raises(DataError, match=text):
        model.fit(X, Y, validation_data=validation_data, verbose=0)
    assert all(map(np.array_equal, before, model.get_weights()))


@pytest.mark.parametrize(
    ("batch", "text"),
    [
        ((X[:, :2], Y), r"^validation batch 1: x: expected examples of shape \(4,\)"),
        ((X, Y + 3), r"^validation batch 1: y: expected classes from 0 to 2"),
        (X, r"^validation batch 1: a batch: expected \(x, y\)"),
    ],
    ids=["features", "labels", "no targets"],
)
def test_validation_batches_are_checked_before_the_first_epoch(batch, text):
    model, passes = plain_model(), []

    def generate():
        passes.append("opened")
        yield batch
        passes.append("ended")

    before = dict(vars(model))
    with pytest.raises(DataError, match=text):
        model.fit(X, Y, verbose=0, validation_data=generate)
    assert vars(model) == before
    assert passes == ["opened"]


def test_an_iterator_of_validation_batches_loses_no_batch():
    """Oracle: the same rows as arrays."""
    close(
        plain_model().fit(X, Y, verbose=0, validation_data=batches()).history["val_loss"],
        plain_model().fit(X, Y, verbose=0, validation_data=(X, Y)).history["val_loss"],
    )


def test_the_first_batch_gives_the_shape_of_a_new_model():
    """Oracle: the message of a model that knows its shape."""
    for model in (plain_model(), gn.Sequential([Dense(3)], seed=0)):
        with pytest.raises(DataError, match=r"^batch 2: x: expected examples of shape \(4,\)"):
            model.predict(lambda: iter([X, X[:, :2]]))


def test_a_refused_call_closes_the_source_of_the_batches():
    """Oracle: the source's own count of what is open."""
    is_open = []

    def generate():
        is_open.append(True)
        try:
            yield X[:, :2], Y
        finally:
            is_open.pop()

    for call in ("trace", "evaluate", "predict"):
        with pytest.raises(DataError, match=r"^batch 1: x: expected examples") as error:
            getattr(plain_model(), call)(generate)
        assert error.value.__traceback__  # its frames still hold the stream
        assert not is_open, call


def test_a_copy_of_a_memory_map_is_in_memory(tmp_path):
    """Oracle: the same rows as an array, in a run that can be resumed."""
    truth = plain_model().fit(X, Y, verbose=0, resume=tmp_path / "array").history
    x = memory_map(tmp_path).copy()
    assert isinstance(x, np.memmap)
    assert plain_model().fit(x, Y, verbose=0, resume=tmp_path / "copy").history == truth
    wide = memory_map(tmp_path).astype(np.float64)
    wide[:] = 1.7e9 + np.arange(37)[:, None]
    with pytest.raises(DataError, match="differences float32 can hold"):
        plain_model().fit(wide, Y, verbose=0)


def test_a_run_on_another_part_of_a_memory_map_is_not_resumed(tmp_path):
    x, options = memory_map(tmp_path), {"batch_size": 5, "verbose": 0, "resume": tmp_path / "run"}
    for _ in range(2):
        plain_model().fit(x[:10], np.zeros(10, int), **options)
    with pytest.raises(ConfigError, match=r"In that run data.first row is '.*', here '.*'"):
        plain_model().fit(x[10:20], np.zeros(10, int), **options)


def test_a_run_on_a_memory_map_without_its_file_cannot_be_resumed(tmp_path):
    x = memory_map(tmp_path)
    (tmp_path / "x.npy").unlink()
    model = plain_model()
    before = dict(vars(model))
    text = r"^resume: expected a memory map of a file that exists\. Received: file='.*x\.npy'"
    with pytest.raises(DataError, match=text):
        model.fit(x, Y, verbose=0, resume=tmp_path / "run")
    assert vars(model) == before
    model.fit(x, Y, verbose=0)


def test_a_fit_that_is_refused_leaves_the_model_as_it_was():
    """Oracle: the attributes before the call, for errors in each of the three phases."""
    layers = [gn.layers.Normalization(), Dense(3, activation="softmax")]
    for x, y, options in (
        (np.full((37, 4), np.nan), Y, {}),
        (X, Y - 0.5, {}),
        (X, Y, {"class_weight": {7: 1.0}}),
        (X, Y, {"validation_data": (X[:, :2], Y)}),
        (X, Y, {"steps_per_epoch": 99}),
        ([(X[:0], Y[:0])], None, {}),
    ):
        model = gn.Sequential(layers)
        before = dict(vars(model))
        with pytest.raises((DataError, ConfigError)):
            model.fit(x, y, verbose=0, **options)
        assert vars(model) == before


def test_steps_and_weights_that_do_not_apply_are_refused():
    model = plain_model()
    for call, text in (
        (lambda: model.evaluate(X, Y, steps=2), "evaluate: expected steps=None and target=None"),
        (
            lambda: model.predict(X, steps=2),
            "predict: expected steps=None and target=None with rows",
        ),
        (lambda: model.evaluate(batches(), Y), "y: expected y=None: batches hold their targets"),
        (lambda: model.trace(batches(), Y), "y: expected y=None: batches hold their targets"),
        (
            lambda: model.fit(X, Y, validation_data=(batches(), Y)),
            "validation y: expected y=None: batches hold their targets",
        ),
        (lambda: model.evaluate(batches(), sample_weight=[1]), "expected None with batches"),
        (lambda: model.fit(X, Y, target="y"), "x to be a table, and no y"),
    ):
        with pytest.raises(ConfigError, match=re.escape(text)):
            call()


def test_columns_of_lists_of_unequal_length_are_refused():
    columns = {"ids": [[1], [1, 2]], "label": [0, 1]}
    with pytest.raises(DataError, match="x: expected rows of equal length"):
        plain_model().fit([columns], target="label", verbose=0)
    with pytest.raises(DataError, match="in column 'ids'"):
        plain_model().fit(columns, target="label", verbose=0)
