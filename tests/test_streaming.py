"""Batches one by one, and rows on disk: the same training as on arrays, bit for bit. Oracle: the same rows as arrays, mostly."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import ConfigError, DataError, NotReadyError
from glassnet.layers import Dense, Input, Normalization
from glassnet.testing import compilations
from nets import WEIGHT, X, Y, noisy_model

SIZE = 8
BATCHES = [(X[i : i + SIZE], Y[i : i + SIZE]) for i in range(0, len(X), SIZE)]
"""Of 37 rows: 8, 8, 8, 8 and a short one of 5."""


def fitted(*data, epochs=3, **options):
    model = noisy_model()
    history = model.fit(*data, epochs=epochs, verbose=0, **options).history
    return model, history


def same(ours, theirs):
    for a, b in zip(ours[0].get_weights(), theirs[0].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert ours[1] == theirs[1]


class Sequence:
    """As Keras's PyDataset: a length and items, and no end of its own."""

    def __len__(self):
        return len(BATCHES)

    def __getitem__(self, i):
        return BATCHES[i % len(BATCHES)]


class Loader:
    """As PyTorch's DataLoader: an iterable of tensors."""

    def __iter__(self):
        return ([Tensor(x), Tensor(y)] for x, y in BATCHES)


class Tensor:
    """What can be an array, and is none."""

    def __init__(self, value):
        self.value = value

    def __array__(self, dtype=None, copy=None):
        return self.value

    def __len__(self):
        return len(self.value)


class Columns:
    """As a data set of Hugging Face's."""

    def __init__(self, kind=None):
        self.kind = kind

    def with_format(self, kind):
        return Columns(kind)

    def __len__(self):
        return len(X)

    def iter(self, batch_size):
        assert self.kind == "numpy"
        for i in range(0, len(X), batch_size):
            yield {"label": Y[i : i + batch_size]} | {f"x{k}": X[i : i + batch_size, k] for k in range(4)}


def generator():
    yield from BATCHES


SOURCES = {
    "list": BATCHES,
    "function": generator,
    "sequence": Sequence(),
    "loader": Loader(),
    "once a time": lambda: iter(BATCHES),
    "dicts": [{"x": x, "label": y} for x, y in BATCHES],
    "columns": Columns(),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_stream_trains_as_arrays_do(name):
    """Noise, batch statistics, a short last batch and a memory: all bits are the same."""
    target = {"target": "label"} if name in ("dicts", "columns") else {}
    size = {"batch_size": SIZE} if name == "columns" else {}
    same(fitted(SOURCES[name], **target, **size), fitted(X, Y, batch_size=SIZE, shuffle=False))


def test_weights_and_class_weights_and_validation():
    weighed = [(*batch, WEIGHT[i * SIZE : (i + 1) * SIZE]) for i, batch in enumerate(BATCHES)]
    arrays = fitted(X, Y, batch_size=SIZE, shuffle=False, sample_weight=WEIGHT, class_weight={1: 3.0}, validation_data=(X, Y))
    streamed = fitted(weighed, class_weight={1: 3.0}, validation_data=BATCHES)
    same((streamed[0], streamed[1]["loss"]), (arrays[0], arrays[1]["loss"]))
    np.testing.assert_allclose(streamed[1]["val_loss"], arrays[1]["val_loss"], rtol=1e-6)  # other blocks, other last bits
    two = fitted(X, Y, batch_size=SIZE, shuffle=False, validation_data=(X[: 2 * SIZE], Y[: 2 * SIZE]))[1]
    streamed = fitted(X, Y, batch_size=SIZE, shuffle=False, validation_data=generator, validation_steps=2)[1]
    np.testing.assert_allclose(streamed["val_loss"], two["val_loss"], rtol=1e-6)
    assert streamed["val_accuracy"] == two["val_accuracy"]


def test_an_epoch_of_so_many_steps_goes_round_and_round():
    """Oracle: two epochs of ten steps are four passes over five batches."""
    ours, theirs = fitted(BATCHES, epochs=2, steps_per_epoch=10), fitted(X, Y, epochs=4, batch_size=SIZE, shuffle=False)
    same((ours[0], None), (theirs[0], None))
    assert ours[0].epoch == 2
    iterator = iter(BATCHES)
    model, _ = fitted(iterator, epochs=1, steps_per_epoch=2)
    model.fit(iterator, epochs=1, steps_per_epoch=3, verbose=0)
    same((model, None), (fitted(X, Y, epochs=1, batch_size=SIZE, shuffle=False)[0], None))


@pytest.fixture
def on_disk(tmp_path):
    np.save(tmp_path / "x.npy", X)
    return np.load(tmp_path / "x.npy", mmap_mode="r")


@pytest.mark.parametrize("options", [{}, {"batch_size": 8}, {"batch_size": "full"}, {"batch_size": 5, "shuffle": False}], ids=str)
def test_a_memory_map_trains_as_an_array_does(on_disk, options):
    more = options | {"validation_split": 0.2, "class_weight": "balanced", "sample_weight": WEIGHT}
    same(fitted(on_disk, Y, **more), fitted(X, Y, **more))
    ours, theirs = fitted(on_disk, Y), fitted(X, Y)
    assert ours[0].evaluate(on_disk, Y) == theirs[0].evaluate(X, Y)
    np.testing.assert_array_equal(ours[0].predict(on_disk), theirs[0].predict(X))


def test_many_chunks_are_one_run(monkeypatch):
    """Chunks of two steps give the bits of one chunk, on disk and streamed."""
    whole = fitted(BATCHES)
    monkeypatch.setattr("glassnet.data.chunks.BATCHES", 2)
    same(fitted(BATCHES), whole)


def test_chunks_of_rows_on_disk(on_disk, monkeypatch):
    monkeypatch.setattr("glassnet.data.chunks.BATCHES", 2)
    same(fitted(on_disk, Y, batch_size=8), fitted(X, Y, batch_size=8))


def test_evaluate_and_predict():
    model, _ = fitted(X, Y)
    assert model.evaluate(generator) == pytest.approx(model.evaluate(X, Y), rel=1e-6)
    for batches in (BATCHES, lambda: (x for x, _ in BATCHES), Loader()):
        np.testing.assert_allclose(model.predict(batches), model.predict(X), rtol=1e-6)


def test_the_loss_is_inferred_from_the_first_batch_which_trains_too():
    model = gn.Sequential([Dense(3, activation="softmax")], seed=0)
    model.fit(generator(), verbose=0)
    assert model._step == len(BATCHES)
    assert type(model._loss).__name__ == "SparseCategoricalCrossentropy"


def test_nothing_is_compiled_again():
    """Another epoch, another fit, other batches of these shapes: no compilation."""
    fitted(BATCHES, epochs=2)
    fitted(generator, epochs=1)
    with compilations() as seen:
        fitted(BATCHES, epochs=2)
        fitted(generator, epochs=1)
    assert seen == []


def slow(seconds):
    for batch in BATCHES:
        time.sleep(seconds)
        yield batch


def test_a_slow_source_is_not_waited_for():
    """A chunk goes off when it is 0.2 s old: the first trains before the last batch is there. Oracle: the arrays' bits."""
    same(fitted(lambda: slow(0.15), epochs=1), fitted(X, Y, epochs=1, batch_size=SIZE, shuffle=False))


def test_the_next_batches_are_prepared_while_one_trains(monkeypatch):
    """Oracle: an order of events. The second chunk is asked of the source before the first has been taken to train."""
    monkeypatch.setattr("glassnet.data.chunks.BATCHES", 1)
    second, taken = threading.Event(), []

    def batches():
        yield BATCHES[0]
        second.set()
        yield BATCHES[1]

    from glassnet import course

    plain = course.Course._train

    def late(self, chunk):
        if not taken:
            taken.append(second.wait(5))
        return plain(self, chunk)

    monkeypatch.setattr(course.Course, "_train", late)
    fitted(batches, epochs=1)
    assert taken == [True]


def feeders():
    return [thread for thread in threading.enumerate() if thread.name == "glassnet-data"]


def broken():
    yield from BATCHES[:3]
    raise KeyError("the disk is gone")


FAILURES = {
    "raises": (
        {"x": broken},
        r"batch 4 of epoch 1: expected a batch\. Received: error=KeyError\('the disk is gone'\)\.",
    ),
    "runs dry": (
        {"x": lambda: iter(BATCHES[:3]), "once": True, "steps_per_epoch": 5},
        r"batch 4 of epoch 1: expected 5 batches \(steps_per_epoch\)\. Received: 3, then the iterable ended\. An iterator goes round once",
    ),
    "another shape": (
        {"x": [*BATCHES[:3], (X[:8, :3], Y[:8])]},
        r"batch 4 of epoch 1: x: expected examples of shape \(4,\)\. Received: shape=\(8, 3\)",
    ),
    "a larger batch": (
        {"x": [*BATCHES[:3], (X[:9], Y[:9])]},
        r"batch 4 of epoch 1: a batch: expected at most 8 rows, as the first has\. Received: rows=9, shape=\(9, 4\)\.",
    ),
    "another kind": (
        {"x": [*BATCHES[:3], (X[:8], np.eye(3)[Y[:8]])]},
        r"batch 4 of epoch 1: y: expected int32 of shape \(\) a row, as in the first batch\. Received: received='float32 of shape \(3,\)",
    ),
    "weights all at once": (
        {"x": [*BATCHES[:3], (X[:8], Y[:8], WEIGHT[:8])]},
        r"batch 4 of epoch 1: weights: expected none, as in the first batch\.",
    ),
    "a label too far": (
        {"x": [*BATCHES[:3], (X[:8], Y[:8] + 2)]},
        r"batch 4 of epoch 1: y: expected classes from 0 to 2",
    ),
    "no numbers": (
        {"x": [*BATCHES[:3], (X[:8] * np.nan, Y[:8])]},
        r"batch 4 of epoch 1: x: expected finite numbers only",
    ),
    "no pair": (
        {"x": [*BATCHES[:3], (X[:8],)]},
        r"batch 4 of epoch 1: a batch: expected \(x, y\) or \(x, y, weights\), .* Received: received='tuple of 1'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_what_was_trained_is_kept_where_a_source_fails(name):
    """Oracle: three steps on the same rows as arrays have the same weights; the error names the batch, and no thread is left."""
    options, says = FAILURES[name]
    options = dict(options)
    source = options.pop("x")
    source = source() if options.pop("once", False) else source
    model = noisy_model()
    with pytest.raises(DataError, match=says):
        model.fit(source, verbose=0, **options)
    plain, _ = fitted(X[:24], Y[:24], epochs=1, batch_size=SIZE, shuffle=False)
    same((model, None), (plain, None))
    assert (model.epoch, model._step, model.history.history) == (0, 3, {})
    assert feeders() == []


def test_a_generator_is_spent_after_an_epoch():
    model = noisy_model()
    says = r"batch 1 of epoch 2: expected at least one batch\. Received: 0, then the iterable ended\. An iterator goes round once"
    with pytest.raises(DataError, match=says):
        model.fit(generator(), epochs=2, verbose=0)
    assert model.epoch == 1
    assert len(model.history.history["loss"]) == 1


REFUSED = {
    "empty": ({"x": iter([])}, DataError, r"batch 1 of epoch 1: expected at least one batch\. Received: 0, then the iterable ended"),
    "no targets": (
        {"x": lambda: iter([X[:8]])}, DataError,
        r"batch 1 of epoch 1: a batch: expected \(x, y\) or \(x, y, weights\), .* Received: received='ndarray'",
    ),
    "split": (
        {"x": BATCHES, "validation_split": 0.2}, ConfigError,
        r"validation_split: expected 0 with batches, .* Give batches that are not trained on",
    ),
    "weights": (
        {"x": BATCHES, "sample_weight": WEIGHT}, ConfigError,
        r"sample_weight: expected None with batches\. .* Give batches \(x, y, weights\)",
    ),
    "balanced": ({"x": BATCHES, "class_weight": "balanced"}, DataError, r"class_weight: expected a dict \{class: weight\} with batches"),
    "steps": (
        {"x": X, "y": Y, "steps_per_epoch": 3}, ConfigError,
        r"steps_per_epoch: expected None, or 2 batches, which all 37 rows take\. Received: steps=3",
    ),
    "no int": (
        {"x": BATCHES, "steps_per_epoch": 0}, ConfigError,
        r"steps_per_epoch: expected an int >= 1 or None\. Received: steps=0",
    ),
    "columns": (
        {"x": Columns()}, DataError,
        r"target: expected the name of the column of targets\. Received: target=None\. Write target='x3', say",
    ),
    "no such column": (
        {"x": Columns(), "target": "lable"}, DataError,
        r"target: expected the name of the column of targets\. Received: target='lable'\.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_streamed(name):
    options, error, says = REFUSED[name]
    with pytest.raises(error, match=says):
        noisy_model().fit(**options, verbose=0)


def test_statistics_cannot_be_learned_of_batches(on_disk):
    for data in ((BATCHES,), (on_disk, Y)):
        model = gn.Sequential([Normalization(), Dense(3, activation="softmax")], seed=0)
        with pytest.raises(
            NotReadyError,
            match=r"normalization_1: expected statistics learned from data\. Of batches it cannot learn them: give it layer\.adapt\(x\)",
        ):
            model.fit(*data, verbose=0)
    adapted = gn.Sequential([Normalization().adapt(X), Dense(3, activation="softmax")], seed=0)
    adapted.fit(BATCHES, verbose=0)


def test_bad_numbers_are_found_in_the_batch_that_has_them(monkeypatch):
    """A loss that overflows in the second chunk: the step is counted over the epoch, and the weights before it stay."""
    huge = [(x * (1.0 if i < 3 else 1e38), y) for i, (x, y) in enumerate(BATCHES)]
    model = gn.Sequential([Input(4), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    monkeypatch.setattr("glassnet.data.chunks.BATCHES", 3)
    with pytest.warns(gn.errors.TrainingWarning, match=r"epoch 1, step 4 of 5: "):
        model.fit(huge, verbose=0)
    assert all(np.isfinite(weights).all() for weights in model.get_weights())


MEMORY = """
import resource, numpy as np, glassnet as gn
def batches(n):
    rng = np.random.default_rng(0)
    for _ in range(n):
        yield rng.random((64, 4096), np.float32), rng.integers(0, 2, 64)
model = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")], seed=0)
model.compile("sgd", "binary_crossentropy")
model.fit(lambda: batches(200), verbose=0)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model.fit(lambda: batches(800), verbose=0)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_memory_does_not_grow_with_the_number_of_batches():
    """200 MB in batches, then 800 MB: the peak may rise by a few chunks of 32 MB, and not by 600."""
    grown = float(subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True).stdout)
    assert grown < 150
