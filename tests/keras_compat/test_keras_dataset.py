"""`keras.data.Dataset` against tf.data's documented behavior, worked out by hand or in NumPy.

The literals marked with TF were printed by TensorFlow 2.21.
"""

import itertools

import numpy as np
import pytest

from glassnet import keras
from glassnet.errors import ArgumentError, ConfigError, DataError, MissingError
from glassnet.keras.data import AUTOTUNE, Dataset, TensorSpec
from glassnet.keras.data.row_streams import INDICES_PER_BLOCK

ROWS = np.arange(20.0).reshape(10, 2)
LABELS = np.arange(10)


def plain(dataset):
    """Return the elements as nested lists."""
    return [
        tuple(np.asarray(part).tolist() for part in element)
        if isinstance(element, tuple)
        else np.asarray(element).tolist()
        for element in dataset
    ]


def by_element(dataset):
    """Return the same elements in a dataset that cannot read them as rows."""
    return dataset.map(lambda *parts: parts if len(parts) > 1 else parts[0])


NUMBERS = pytest.mark.parametrize(
    "numbers", [Dataset.range(10), by_element(Dataset.range(10))], ids=["rows", "elements"]
)


@NUMBERS
def test_selection_is_that_of_lists(numbers):
    """Oracle: slices of a list."""
    expected = list(range(10))
    assert plain(numbers.take(3)) == expected[:3]
    assert plain(numbers.take(-1)) == plain(numbers.take(99)) == expected
    assert plain(numbers.skip(7)) == expected[7:]
    assert plain(numbers.skip(-1)) == plain(numbers.take(0)) == []
    assert plain(numbers.shard(3, 1)) == expected[1::3]
    assert plain(numbers.shard(20, 15)) == []
    assert plain(numbers.repeat(2).skip(8).take(4)) == [8, 9, 0, 1]
    assert plain(numbers.batch(4)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert plain(numbers.batch(4, drop_remainder=True)) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert plain(numbers.repeat().batch(4).take(3))[2] == [8, 9, 0, 1]
    assert plain(numbers.batch(4).unbatch()) == expected
    assert plain(numbers.concatenate(Dataset.range(2))) == [*expected, 0, 1]
    assert plain(numbers.enumerate(5).take(2)) == [(5, 0), (6, 1)]
    assert plain(Dataset.zip((numbers, Dataset.range(3)))) == [(0, 0), (1, 1), (2, 2)]
    assert plain(numbers.filter(lambda i: i % 4 == 3)) == [3, 7]
    assert plain(numbers.prefetch(AUTOTUNE)) == plain(numbers.cache()) == expected


@NUMBERS
def test_lengths_are_those_of_the_elements(numbers):
    """Oracle: the number of elements in a pass; TF for the cardinalities that are no number."""
    for dataset in (
        numbers,
        numbers.take(3),
        numbers.take(99),
        numbers.skip(3),
        numbers.skip(99),
        numbers.shard(3, 1),
        numbers.shard(20, 15),
        numbers.repeat(3),
        numbers.repeat(0),
        numbers.batch(4),
        numbers.batch(4, drop_remainder=True),
        numbers.repeat().take(7),
        numbers.concatenate(numbers),
        numbers.enumerate(),
        numbers.shuffle(3).cache().prefetch(1).map(lambda i: i),
        numbers.window(3, shift=2, stride=2),
        numbers.window(3, shift=2, stride=2, drop_remainder=True),
        numbers.window(2, shift=3),
    ):
        assert len(dataset) == int(dataset.cardinality()) == len(list(dataset))
    assert numbers.repeat().batch(2).cardinality().numpy() == keras.data.INFINITE_CARDINALITY == -1
    assert keras.data.experimental.cardinality(numbers.filter(bool)) == -2
    assert numbers.batch(3).unbatch().cardinality() == keras.data.UNKNOWN_CARDINALITY == -2
    with pytest.raises(TypeError, match=r"infinite\. Write take\(n\) for its first n elements"):
        len(numbers.repeat())
    with pytest.raises(TypeError, match=r"length is unknown\. Count its elements in a loop"):
        len(numbers.filter(bool))
    assert numbers.filter(bool)


@NUMBERS
def test_windows(numbers):
    """Oracle: TF."""
    numbers = numbers.take(7)

    def rows(**how):
        return plain(numbers.window(**how).flat_map(lambda window: window.batch(9)))

    assert rows(size=3, shift=2, stride=2) == [[0, 2, 4], [2, 4, 6], [4, 6], [6]]
    assert rows(size=3, shift=2, stride=2, drop_remainder=True) == [[0, 2, 4], [2, 4, 6]]
    assert rows(size=2, shift=3) == [[0, 1], [3, 4], [6]]
    assert [plain(window) for window in numbers.window(3)] == [[0, 1, 2], [3, 4, 5], [6]]
    pairs = Dataset.from_tensor_slices((ROWS, LABELS)).window(2)
    x, y = next(iter(pairs))
    assert plain(x) == ROWS[:2].tolist()
    assert plain(y) == [0, 1]
    with pytest.raises(ConfigError, match="flat_map: expected a function that returns a Dataset"):
        next(iter(numbers.flat_map(lambda number: number)))


def test_windows_of_a_series_train_as_in_time_series_courses():
    """Oracle: sliding windows in NumPy."""
    series = np.arange(8.0)
    dataset = Dataset.from_tensor_slices(series).window(4, shift=1, drop_remainder=True)
    dataset = dataset.flat_map(lambda window: window.batch(4))
    dataset = dataset.map(lambda window: (window[:-1], window[-1:])).batch(2).prefetch(1)
    windows = np.lib.stride_tricks.sliding_window_view(series, 4)
    x, y = (np.concatenate(parts) for parts in zip(*dataset, strict=True))
    assert np.array_equal(np.hstack([x, y]), windows)


@NUMBERS
def test_shuffle_draws_from_its_buffer(numbers):
    """Every element once; an element comes at most `buffer_size - 1` places early."""
    for size in (1, 2, 4, 10, 99):
        order = plain(numbers.shuffle(size, seed=0))
        assert sorted(order) == list(range(10))
        assert all(element - place < size for place, element in enumerate(order))
    assert plain(numbers.shuffle(1)) == list(range(10))
    again = numbers.shuffle(10, seed=1)
    first, second = plain(again), plain(again)
    assert first != second
    assert plain(numbers.shuffle(10, seed=1)) == first
    fixed = numbers.shuffle(10, seed=1, reshuffle_each_iteration=False)
    assert plain(fixed) == plain(fixed) == first
    epochs = plain(numbers.shuffle(10, seed=1).repeat(2))
    assert (epochs[:10], epochs[10:]) == (first, second)


def test_shuffle_of_many_blocks_is_that_of_a_loop():
    """Oracle: the buffer of tf.data in a Python loop, with the same random numbers."""
    n, size = 3 * INDICES_PER_BLOCK + 17, 100
    got = np.concatenate([batch.numpy() for batch in Dataset.range(n).shuffle(size, 5).batch(999)])
    rng, numbers = np.random.default_rng((5, 0)), np.arange(n)
    buffer, expected = numbers[:size].copy(), []
    for start in range(size, n, INDICES_PER_BLOCK):
        block = numbers[start : start + INDICES_PER_BLOCK]
        for slot, number in zip(rng.integers(size, size=len(block)), block, strict=True):
            expected.append(buffer[slot])
            buffer[slot] = number
    assert np.array_equal(got, [*expected, *rng.permutation(buffer)])


def test_selection_of_many_blocks():
    """Oracle: slices of an array."""
    n = 3 * INDICES_PER_BLOCK + 17
    numbers, expected = Dataset.range(n), np.arange(n)
    some = 2 * INDICES_PER_BLOCK - 3
    for dataset, part in (
        (numbers.take(some), expected[:some]),
        (numbers.skip(some), expected[some:]),
        (numbers.shard(7, 3), expected[3::7]),
        (numbers.shard(2 * INDICES_PER_BLOCK, some), expected[some :: 2 * INDICES_PER_BLOCK]),
        (Dataset.zip(numbers.skip(5), numbers).map(lambda a, b: a), expected[5:]),
    ):
        assert len(dataset) == len(part)
        assert np.array_equal(np.concatenate(list(dataset.batch(1000))), part)


def test_orders_without_a_seed_follow_set_random_seed():
    def order():
        keras.utils.set_random_seed(3)
        return plain(Dataset.range(50).shuffle(50))

    assert order() == order() != plain(Dataset.range(50).shuffle(50))


def test_elements_have_the_dtypes_of_tf_data():
    """Oracle: TF. Python's numbers are 32 bits wide, arrays keep their dtype, texts are bytes."""
    parts = [1, 2], [1.0, 2.0], ["a", "ö"], LABELS[:2], ROWS[:2]
    dataset = Dataset.from_tensor_slices(parts)
    dtypes = [str(spec.dtype) for spec in dataset.element_spec]
    assert dtypes == ["int32", "float32", "object", "int64", "float64"]
    assert repr(dataset.element_spec[2]) == "TensorSpec(shape=(), dtype=string, name=None)"
    texts = [element[2].numpy() for element in dataset]
    assert texts == [b"a", "ö".encode()]
    assert next(dataset.as_numpy_iterator())[:3] == (1, 1.0, b"a")
    assert Dataset.from_tensors([2**40]).element_spec.dtype == np.int64
    batch = next(iter(dataset.batch(2)))
    assert batch[2].numpy().tolist() == [b"a", "ö".encode()]
    assert batch[2][1].numpy().decode() == "ö"


def test_structures_are_preserved():
    dataset = Dataset.from_tensor_slices(({"a": ROWS, "b": LABELS}, LABELS)).batch(4)
    features, y = next(iter(dataset))
    assert list(features) == ["a", "b"]
    assert features["a"].shape == (4, 2)
    assert y.shape == (4,)
    spec = {"a": TensorSpec((None, 2), "float64"), "b": TensorSpec((None,), "int64")}
    assert dataset.element_spec == (spec, TensorSpec((None,), "int64"))
    names = dataset.map(lambda features, y: {"sum": features["a"].sum(1) + y, "rows": features})
    assert names.element_spec == {"sum": TensorSpec((None,), "float64"), "rows": spec}
    merged = Dataset.zip({"x": Dataset.range(2), "y": (Dataset.range(3), Dataset.range(4))})
    assert next(merged.as_numpy_iterator()) == {"x": 0, "y": (0, 0)}
    assert len(merged) == 2


def test_specs_follow_the_methods():
    """Oracle: TF."""
    dataset = Dataset.from_tensor_slices((ROWS, LABELS))
    assert repr(dataset.batch(3)) == (
        "<Dataset element_spec=(TensorSpec(shape=(None, 2), dtype=float64, name=None), "
        "TensorSpec(shape=(None,), dtype=int64, name=None))>"
    )
    fixed = Dataset.range(5).map(lambda i: (i, [i, i])).batch(2, drop_remainder=True)
    assert [spec.shape for spec in fixed.element_spec] == [(2,), (2, 2)]
    assert [spec.shape for spec in fixed.unbatch().element_spec] == [(), (2,)]
    scaled = dataset.batch(3).map(lambda x, y: (x.astype("float32"), y)).cache().repeat()
    assert scaled.element_spec[0] == TensorSpec((None, 2), "float32")
    shuffled = dataset.shuffle(10, seed=0)
    assert (shuffled.map(lambda x, y: x).element_spec, plain(shuffled))[1] == plain(
        dataset.shuffle(10, seed=0)
    )


def test_batches_of_shuffled_rows_pair_x_and_y():
    dataset = Dataset.from_tensor_slices((ROWS, LABELS)).shuffle(10, seed=0).batch(3)
    for x, y in itertools.chain(dataset, dataset):
        assert np.array_equal(x, ROWS[y])
    labels = np.concatenate([y for x, y in dataset], axis=0)
    assert sorted(labels) == list(range(10))
    images, labels = next(iter(dataset))
    assert images[0].numpy().astype("uint8").tolist() == ROWS[labels[0]].tolist()


def test_elements_are_copies():
    x = ROWS.copy()
    for dataset in (Dataset.from_tensor_slices(x).batch(4), Dataset.from_tensor_slices(x)):
        for element in dataset:
            element.numpy()[:] = -1
        assert np.array_equal(x, ROWS)
    for dataset in (Dataset.from_tensors(x), Dataset.from_generator(lambda: [x])):
        next(iter(dataset)).numpy()[:] = -1
    assert np.array_equal(x, ROWS)
    cached = by_element(Dataset.range(4)).batch(2).cache()
    for _ in range(2):
        for batch in cached:
            batch.numpy()[:] = -1
    assert plain(cached) == [[0, 1], [2, 3]]


def test_in_place_operators_make_new_tensors():
    """As in TensorFlow: x /= 255 works on integers, and leaves the pixels as they are."""
    pixels = np.full((2, 2), 255, np.uint8)

    def scale(x):
        x /= 255
        x += 1
        x *= 6
        x -= 2
        return x

    dataset = Dataset.from_tensors(pixels).map(scale)
    assert plain(dataset) == plain(dataset) == [[[10.0, 10.0], [10.0, 10.0]]]


def test_cache_calls_a_function_once_per_element():
    calls = []
    cached = Dataset.range(4).map(lambda i: calls.append(int(i)) or i).cache()
    next(iter(cached))
    calls.clear()
    assert plain(cached) == plain(cached) == calls == [0, 1, 2, 3]
    order = Dataset.range(99).shuffle(99).cache()
    assert plain(order) == plain(order)


def test_from_generator():
    def make(n=3):
        for i in range(n):
            yield [i, i], i

    assert plain(Dataset.from_generator(make)) == [([0, 0], 0), ([1, 1], 1), ([2, 2], 2)]
    signature = TensorSpec((None,), "float32"), TensorSpec((), "int64")
    dataset = Dataset.from_generator(make, output_signature=signature, args=(5,))
    assert dataset.element_spec == signature
    assert len(plain(dataset)) == 5
    x, y = next(iter(dataset.batch(2)))
    assert (x.dtype, x.shape, y.dtype) == (np.float32, (2, 2), np.int64)
    assert dataset.batch(2).element_spec[0].shape == (None, None)
    old = Dataset.from_generator(make, (np.float32, "int64"))
    assert [spec.dtype for spec in old.element_spec] == [np.float32, np.int64]
    with pytest.raises(ConfigError, match="a function that returns an iterable, not a generator"):
        Dataset.from_generator(make())
    wrong = Dataset.from_generator(make, output_signature=(TensorSpec((3,)), TensorSpec(())))
    with pytest.raises(DataError, match=r"expected shape \(3,\)\. Received: shape=\(2,\)"):
        next(iter(wrong))
    other = Dataset.from_generator(make, output_signature=(TensorSpec((2,)),))
    with pytest.raises(DataError, match="from_generator: expected elements like"):
        next(iter(other))


def test_padded_batches():
    """Oracle: the examples of tf.data's page."""
    rows = Dataset.range(1, 4).map(lambda i: np.full(int(i), i))
    assert plain(rows.padded_batch(2)) == [[[1, 0], [2, 2]], [[3, 3, 3]]]
    assert plain(rows.padded_batch(3, padded_shapes=5))[0][0] == [1, 0, 0, 0, 0]
    assert plain(rows.padded_batch(2, [None], -1))[0] == [[1, -1], [2, 2]]
    pairs = rows.map(lambda row: (row, row[0]))
    x, y = next(iter(pairs.padded_batch(3, ([4], []), drop_remainder=True)))
    assert x.shape == (3, 4)
    assert y.tolist() == [1, 2, 3]
    words = Dataset.from_generator(lambda: [["a"], ["b", "c"]]).padded_batch(2)
    assert plain(words) == [[[b"a", b""], [b"b", b"c"]]]
    with pytest.raises(DataError, match=r"expected rows of at most \(2,\)\. Received: shape=\(3,"):
        list(rows.padded_batch(3, [2]))


def test_sampling_follows_the_weights():
    """3 of 4 elements from the second dataset, up to four deviations of 1000 draws."""
    a, b = Dataset.from_tensors(0).repeat(), Dataset.from_tensors(1).repeat()
    mixed = Dataset.sample_from_datasets([a, b], weights=[0.25, 0.75], seed=1)
    share = np.mean(plain(mixed.take(1000)))
    assert abs(share - 0.75) < 4 * np.sqrt(0.25 * 0.75 / 1000)
    assert plain(mixed.take(50)) == plain(mixed.take(50))
    assert mixed.cardinality() == -1
    all_of_both = Dataset.sample_from_datasets([Dataset.range(5), Dataset.range(5, 20)], seed=0)
    assert sorted(plain(all_of_both)) == list(range(20))
    assert len(all_of_both) == 20
    short = Dataset.sample_from_datasets([a, Dataset.range(3)], seed=0, stop_on_empty_dataset=True)
    assert sum(element > 0 for element in plain(short)) == 2
    with pytest.raises(ConfigError, match="a weight >= 0 for each dataset"):
        Dataset.sample_from_datasets([a, b], [1.0])


def test_reduce_and_apply():
    assert Dataset.range(5).reduce(np.int64(0), lambda total, i: total + i).numpy() == 10
    assert plain(Dataset.range(5).apply(lambda dataset: dataset.batch(5))) == [[0, 1, 2, 3, 4]]


def test_a_dataset_of_frames():
    """A dict of the columns of a frame, as in tf.data's page about pandas."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"age": [1, 2], "name": ["x", "y"]})
    dataset = Dataset.from_tensor_slices((dict(frame), frame["age"]))
    assert next(dataset.as_numpy_iterator()) == ({"age": 1, "name": b"x"}, 1)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: Dataset.from_tensor_slices((ROWS, LABELS[:3])), DataError, "as many rows"),
        (lambda: Dataset.from_tensor_slices(3), DataError, "Write from_tensors for one element"),
        (lambda: Dataset.from_tensor_slices([[1], [2, 3]]), DataError, r"Write a tuple \(x, y\)"),
        (
            lambda: Dataset.from_tensor_slices(np.array([1, None])),
            DataError,
            "expected numbers or texts. Received: dtype='object'.",
        ),
        (lambda: Dataset.range(3).batch(0), ConfigError, "batch_size to be an int >= 1"),
        (lambda: Dataset.range(3).shuffle(0), ConfigError, "buffer_size to be an int >= 1"),
        (lambda: Dataset.range(3).shard(2, 2), ConfigError, "an index below num_shards"),
        (lambda: Dataset.zip(Dataset.range(2), [1]), ConfigError, "Dataset.zip: expected datasets"),
        (
            lambda: list(Dataset.from_generator(lambda: [[1], [1, 2]]).batch(2)),
            DataError,
            r"elements of one shape. Received: shapes=\[\(1,\), \(2,\)\].*padded_batch",
        ),
        (
            lambda: list(Dataset.from_tensors((ROWS, LABELS[:3])).unbatch()),
            DataError,
            r"parts with as many rows. Received: rows=\[3, 10\]",
        ),
        (
            lambda: Dataset.from_generator(lambda: []).element_spec,
            DataError,
            "at least one element",
        ),
        (lambda: Dataset.range(3).interleave, MissingError, "Write flat_map"),
        (lambda: Dataset.range(3).class_names, MissingError, "before map, cache or shuffle"),
        (lambda: Dataset.range(3).bath, MissingError, "Available: .*batch"),
    ],
)
def test_errors(make, error, text):
    with pytest.raises(error, match=text):
        make()


X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int32)
TRAIN = Dataset.from_tensor_slices((X, Y))


def build():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, "sigmoid", name="d")])
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    model.set_weights([np.full((3, 1), 0.1, np.float32), np.zeros(1, np.float32)])
    return model


def test_fit_evaluate_and_predict_equal_those_of_arrays():
    """Oracle: the same rows as arrays. The last batch is smaller."""
    model, other = build(), build()
    history = model.fit(TRAIN.batch(16), epochs=2, validation_data=TRAIN.batch(9), verbose=0)
    expected = other.fit(
        X, Y, batch_size=16, shuffle=False, epochs=2, validation_data=(X, Y), verbose=0
    )
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        np.testing.assert_allclose(history.history[name], expected.history[name], rtol=1e-5)
    np.testing.assert_allclose(
        model.evaluate(TRAIN.batch(16), verbose=0), other.evaluate(X, Y, verbose=0), rtol=1e-5
    )
    predicted = other.predict(X, verbose=0)
    for dataset in (TRAIN.batch(16), TRAIN.map(lambda x, y: x).batch(7)):
        np.testing.assert_allclose(model.predict(dataset, verbose=0), predicted, rtol=1e-5)


def test_fit_knows_the_number_of_batches():
    endless = TRAIN.shuffle(40, seed=0).repeat().batch(16)
    history = build().fit(endless, epochs=2, steps_per_epoch=5, verbose=0)
    assert len(history.history["loss"]) == 2
    assert history.params["steps"] == 5
    assert build().fit(TRAIN.batch(16), verbose=0).params["steps"] == 3
    with pytest.raises(ConfigError, match=r"steps_per_epoch: .* without end.*leave out repeat\(\)"):
        build().fit(endless, verbose=0)


def test_a_small_batch_may_come_first():
    """As after batch(16).cache().shuffle(3): the batches of 40 rows have 16, 16 and 8."""
    batches = TRAIN.batch(16)
    first = batches.skip(2).concatenate(batches.take(2))
    history = build().fit(first, verbose=0)
    expected = build()
    losses = expected.fit([(X[32:], Y[32:])], verbose=0).history["loss"][0] * 8
    losses += (
        expected.fit([(X[:16], Y[:16]), (X[16:32], Y[16:32])], verbose=0).history["loss"][0] * 32
    )
    np.testing.assert_allclose(history.history["loss"], losses / 40, rtol=1e-5)


def test_errors_of_batches_name_the_batch():
    second = TRAIN.batch(20).enumerate().map(lambda i, batch: batch if i == 0 else 1 // 0)
    with pytest.raises(DataError, match=r"batch 2 of epoch 1: .*division"):
        build().fit(second, verbose=0)
    with pytest.raises(DataError, match=r"This is one example: .*dataset\.batch\(32\)"):
        build().fit(TRAIN, verbose=0)


@pytest.mark.parametrize(
    "features", [TRAIN.map(lambda x, y: x), TRAIN.map(lambda x, y: x).batch(16)]
)
def test_normalization_adapts_to_rows_and_batches_and_works_in_map(features):
    """Oracle: NumPy. Keras batches single rows, too."""
    layer = keras.layers.Normalization()
    layer.adapt(features)
    expected = (X - X.mean(0)) / X.std(0)
    scaled = TRAIN.batch(16).map(lambda x, y: (layer(x), y))
    rows = np.concatenate([x for x, y in scaled])
    np.testing.assert_allclose(rows, expected, rtol=1e-3, atol=1e-5)
    assert scaled.element_spec == (TensorSpec((None, 3)), TensorSpec((None,), "int32"))
    assert len(build().fit(scaled, epochs=2, verbose=0).history["loss"]) == 2


def test_augmentation_in_map_differs_in_every_pass():
    images = np.random.default_rng(0).random((4, 8, 8, 1), np.float32)
    augmentation = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.RandomTranslation(0.5, 0.5)]
    )
    dataset = Dataset.from_tensor_slices((images, Y[:4])).batch(4)
    augmented = dataset.map(lambda x, y: (augmentation(x, training=True), y))
    (first, _), (second, _) = next(iter(augmented)), next(iter(augmented))
    assert first.shape == images.shape
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, images)


def test_misspelt_arguments_are_named():
    with pytest.raises((ArgumentError, TypeError), match="batch_siz"):
        TRAIN.batch(batch_siz=3)
