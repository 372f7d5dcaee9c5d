"""Training on streams and memory maps gives the same bits as on arrays, and leaves no thread."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.callbacks import Callback, LambdaCallback
from glassnet.engine import placement
from glassnet.engine.epoch_runner import SlicePacer
from glassnet.errors import DataError
from glassnet.layers import Dense
from glassnet.optimizers import SGD
from glassnet.pipeline import prefetch
from glassnet.pipeline.memmap import MemmapRows
from glassnet.testing import compilations
from nets import ONE_HOT, WEIGHT, X, Y, fit_noisy, line_model, noisy_model, plain_model, same_bits
from oracles import close
from streams import BATCHES, SIZE, WEIGHED, Columns, Flow, Items, Loader, generate

pytestmark = pytest.mark.usefixtures("no_thread_stays")


def in_order(epochs=3, **options):
    """A model trained on arrays in the order of the batches, with dropout and batch statistics."""
    model = noisy_model()
    return model, model.fit(
        X, Y, batch_size=SIZE, epochs=epochs, shuffle=False, verbose=0, **options
    ).history


@pytest.mark.parametrize(
    "batches",
    [BATCHES, Loader(), Flow(), Items(), generate],
    ids=lambda batches: type(batches).__name__,
)
def test_batches_give_the_bits_of_arrays(batches, small_chunks):
    """Oracle: arrays in the same order; every logged number too."""
    model = noisy_model()
    log = model.fit(batches, epochs=3, verbose=0)
    expected, history = in_order()
    assert same_bits(model, expected)
    assert log.history == history
    assert log.params["batch_size"] == SIZE
    assert log.params["rows"] is None


@pytest.mark.parametrize("most", [2, 3, 5, 64])
@pytest.mark.parametrize("steps", [1, 2, 100])
def test_no_packing_or_slicing_changes_a_bit(monkeypatch, most, steps):
    monkeypatch.setattr(prefetch, "MAX_BATCHES_PER_CHUNK", most)
    monkeypatch.setattr(SlicePacer, "slice_steps", steps)
    model = noisy_model()
    log = model.fit(generate, epochs=3, verbose=0)
    expected, history = in_order()
    assert same_bits(model, expected)
    assert log.history == history


def test_large_rows_make_chunks_of_two_batches(monkeypatch):
    """A chunk of one batch would differ in the last bits."""
    monkeypatch.setattr(prefetch, "MAX_CHUNK_BYTES", 1)
    model = noisy_model()
    log = model.fit(BATCHES, epochs=3, verbose=0)
    expected, history = in_order()
    assert same_bits(model, expected)
    assert log.history == history


def test_a_slow_source_sends_what_it_has(monkeypatch):
    """Every batch is its own chunk, as if it had taken longer than the wait for a full one."""
    monkeypatch.setattr(prefetch, "FILL_SECONDS", 0.0)
    model = noisy_model()
    log = model.fit(BATCHES, epochs=3, verbose=0)
    expected, history = in_order()
    assert same_bits(model, expected)
    assert log.history == history


def test_columns_give_the_bits_of_arrays():
    model = noisy_model()
    log = model.fit(Columns({"x": X, "y": Y}), batch_size=SIZE, epochs=3, target="y", verbose=0)
    expected, history = in_order()
    assert same_bits(model, expected)
    assert log.history == history
    assert model.evaluate(Columns({"x": X, "y": Y}), target="y") == pytest.approx(
        expected.evaluate(X, Y), rel=1e-6
    )
    by_name = dict(zip("abcd", X.T, strict=True))
    again = noisy_model()
    again.fit(Columns(by_name | {"y": Y}), batch_size=SIZE, epochs=3, target="y", verbose=0)
    assert same_bits(again, expected)
    np.testing.assert_array_equal(again.predict(Columns(by_name)), expected.predict(X))


def test_weights_and_class_weights():
    model = noisy_model()
    log = model.fit(
        WEIGHED, epochs=3, class_weight={0: 2.0, 2: 0.5}, verbose=0, validation_data=(X, Y, WEIGHT)
    )
    expected, history = in_order(
        sample_weight=WEIGHT, class_weight={0: 2.0, 2: 0.5}, validation_data=(X, Y, WEIGHT)
    )
    assert same_bits(model, expected)
    assert log.history == history


def test_steps_make_epochs_of_a_stream_without_end():
    """Relation: two epochs of 7 batches equal 14 steps of an endless stream."""
    model, once = noisy_model(), noisy_model()
    log = model.fit(BATCHES, epochs=2, steps_per_epoch=7, verbose=0)
    once.fit((BATCHES * 3)[:14], verbose=0)
    assert same_bits(model, once)
    assert log.params["steps"] == 7
    assert model.epoch == 2


def test_a_second_fit_carries_on():
    model = noisy_model()
    stream = iter(BATCHES * 3)
    model.fit(stream, steps_per_epoch=5, verbose=0)
    model.fit(stream, steps_per_epoch=5, epochs=2, verbose=0)
    assert same_bits(model, in_order()[0])
    assert next(stream, None) is None


def test_the_loss_is_inferred_from_the_first_batch(capsys):
    layers = [Dense(6, activation="tanh"), Dense(3, activation="softmax")]
    models = [gn.Sequential(layers, seed=0) for _ in range(2)]
    models[0].fit(generate(), epochs=1)
    models[1].fit(X, Y, batch_size=SIZE, shuffle=False)
    messages = [
        line.split("  ")[0]
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("loss: ")
    ]
    assert len(messages) == 2
    assert messages[0] == messages[1]
    assert same_bits(*models)


@pytest.mark.parametrize("batch_size", [SIZE, 5, 37, "full"])
@pytest.mark.parametrize("target", [Y, ONE_HOT], ids=["labels", "one-hot"])
def test_a_memory_map_gives_the_bits_of_arrays(tmp_path, small_chunks, batch_size, target):
    """Oracle: the same rows in memory; the memory map is read batch by batch."""
    options = {
        "batch_size": batch_size,
        "epochs": 3,
        "verbose": 0,
        "sample_weight": WEIGHT,
        "class_weight": "balanced",
    }
    models, logs = [noisy_model() for _ in range(2)], []
    for model, x in zip(models, (X, mapped(tmp_path, X)), strict=True):
        logs.append(model.fit(x, target, validation_split=0.2, **options))
    assert same_bits(*models)
    assert logs[0].history == logs[1].history
    assert logs[0].params == logs[1].params


class SmallDevice:
    """A device whose memory is as large as the rows."""

    def memory_stats(self):
        return {"bytes_limit": X.nbytes}


def test_rows_that_do_not_fit_on_the_device_come_in_chunks(monkeypatch, small_chunks):
    """Oracle: the same rows on the device."""
    models, logs, sources = [noisy_model() for _ in range(2)], [], []
    for model in models:
        options = {"batch_size": SIZE, "epochs": 2, "verbose": 0, "validation_split": 0.2}
        logs.append(model.fit(X, Y, callbacks=[Chunks(sources)], **options).history)
        monkeypatch.setattr(placement.jax, "local_devices", lambda: [SmallDevice()])
    assert sources == [30, 30, 2 * SIZE, 2 * SIZE]
    assert same_bits(*models)
    assert logs[0] == logs[1]


class Chunks(Callback):
    """Record the number of batches that are on the device together."""

    def __init__(self, sizes):
        self.sizes = sizes

    def update(self, memory, record):
        self.sizes.append(record.chunk.data.x.shape[0])
        return memory, None


def mapped(folder, rows):
    file = np.memmap(folder / "rows", rows.dtype, "w+", shape=rows.shape)
    file[:] = rows
    file.flush()
    return np.memmap(folder / "rows", rows.dtype, "r", shape=rows.shape)


def test_memory_maps_elsewhere(tmp_path):
    x = mapped(tmp_path, X)
    model, other = plain_model(), plain_model()
    log = model.fit(x, Y, verbose=0, batch_size=SIZE, validation_data=(x, Y), shuffle=False)
    assert (
        log.history
        == other.fit(
            X, Y, verbose=0, batch_size=SIZE, validation_data=(X, Y), shuffle=False
        ).history
    )
    assert model.evaluate(x, Y) == other.evaluate(X, Y)
    np.testing.assert_array_equal(model.predict(x), other.predict(X))
    np.testing.assert_array_equal(
        model.trace(x[:3], Y[:3]).output, other.trace(X[:3], Y[:3]).output
    )
    flat = line_model(SGD(0.01))
    flat.fit(mapped(tmp_path, X[:, 0].astype(np.float64)), X[:, 1], batch_size=SIZE, verbose=0)
    assert flat.predict(X[:, 0]).shape == (37, 1)


def test_a_bad_row_of_a_memory_map_is_named(tmp_path):
    bad = X.copy()
    bad[9] = np.nan
    model = plain_model()
    with pytest.raises(
        DataError, match=r"^batch 2 of epoch 1: x: expected finite numbers only\. Received: nan=4"
    ):
        model.fit(mapped(tmp_path, bad), Y, batch_size=SIZE, shuffle=False, verbose=0)
    assert model._step == 1
    with pytest.raises(gn.errors.NotReadyError, match=r"adapt\(x\)"):
        gn.Sequential([gn.layers.Normalization(), Dense(3, activation="softmax")]).fit(
            mapped(tmp_path, X), Y, batch_size=SIZE, verbose=0
        )


def test_a_memory_map_is_not_read_as_a_whole(tmp_path, monkeypatch):
    """Oracle: counting. Each read is a batch of 8 rows or a block of 7 validation rows."""
    reads, read = [], MemmapRows.__array__
    monkeypatch.setattr(
        MemmapRows,
        "__array__",
        lambda self, *args, **how: reads.append(len(self)) or read(self, *args, **how),
    )
    plain_model().fit(
        mapped(tmp_path, X), Y, batch_size=SIZE, epochs=2, validation_split=0.2, verbose=0
    )
    assert max(reads) == SIZE
    assert sum(reads) == 2 * (30 + 7) + 1  # one row is read for its dtype


def dry():
    """60 batches, then the end."""
    return iter((BATCHES[:4] * 15)[:60])


@pytest.mark.parametrize("ends", ["dry", "raises", "bad"])
def test_what_was_learned_before_the_error_is_kept(ends, small_chunks):
    """Relation: the weights equal those of 60 batches in a row; the logs have two epochs."""

    def batches():
        yield from dry()
        if ends == "raises":
            raise OSError("the disk is gone")
        if ends == "bad":
            yield X[:3], [0, 1, 7]

    model, expected = noisy_model(), noisy_model()
    calls = []
    words = {
        "dry": r"expected 25 batches \(steps_per_epoch\)\. Received: 10",
        "raises": "the disk is gone",
        "bad": "label=7",
    }[ends]
    with pytest.raises(DataError, match=rf"^batch 11 of epoch 3: .*{words}") as error:
        model.fit(
            batches(),
            epochs=5,
            steps_per_epoch=25,
            verbose=0,
            callbacks=[
                LambdaCallback(
                    lambda epoch, logs: calls.append(epoch),
                    on_train_end=lambda logs: calls.append("end"),
                )
            ],
        )
    expected.fit(dry(), verbose=0)
    assert same_bits(model, expected)
    assert model._step == 60
    assert model.history.epoch == [0, 1] == calls
    assert len(model.history.history["loss"]) == 2
    assert model.history.stopped == str(error.value)
    assert model.epoch == 2
    assert isinstance(error.value.__cause__, OSError) == (ends == "raises")
    model.fit(BATCHES, verbose=0)
    assert model.history.epoch == [2]


def test_an_error_in_validation_keeps_the_epoch():
    model = plain_model()
    with pytest.raises(
        DataError,
        match=r"^validation batch 6: expected 6 batches \(validation_steps\)\. Received: 5, .* Lower validation_steps",
    ):
        model.fit(BATCHES, verbose=0, validation_data=BATCHES, validation_steps=6)
    assert model._step == 5
    with pytest.raises(
        DataError, match=r"^validation batch 1: x: expected examples of shape \(4,\)"
    ):
        model.fit(BATCHES, verbose=0, validation_data=[(X[:, :2], Y)])
    with pytest.raises(
        DataError,
        match=r"^validation batch 1: expected at least one batch.* a function that returns one",
    ):
        model.fit(BATCHES, verbose=0, epochs=2, validation_data=iter(BATCHES))


@pytest.mark.parametrize(
    "batches", [BATCHES, generate, Items()], ids=lambda batches: type(batches).__name__
)
def test_validation_on_batches(batches):
    """Oracle: the same rows as arrays; 2 of 5 batches are the first 16 rows, at every epoch."""
    for steps, rows in ((None, 37), (2, 16)):
        models = [plain_model() for _ in range(2)]
        logs = [
            models[0]
            .fit(X, Y, epochs=2, verbose=0, validation_data=batches, validation_steps=steps)
            .history,
            models[1].fit(X, Y, epochs=2, verbose=0, validation_data=(X[:rows], Y[:rows])).history,
        ]
        assert logs[0].keys() == logs[1].keys()
        close(logs[0]["val_loss"], logs[1]["val_loss"])


def test_evaluate_and_predict_take_batches():
    """Oracle: the same rows as one array."""
    model = noisy_model()
    fit_noisy(model, 2)
    want = model.evaluate(X, Y, return_dict=True)
    for batches in (BATCHES, generate, generate(), Loader(), Items()):
        got = model.evaluate(batches, return_dict=True)
        assert got.keys() == want.keys()
        close(list(got.values()), list(want.values()))
    close(model.evaluate(generate, steps=2), model.evaluate(X[:16], Y[:16]))
    close(model.evaluate(WEIGHED), model.evaluate(X, Y, WEIGHT))
    for batches in (
        generate,
        Loader(),
        (x for x, _ in BATCHES),
        BATCHES,
        lambda: ((x,) for x, _ in BATCHES),
        lambda: ({"x": x} for x, _ in BATCHES),
    ):
        np.testing.assert_array_equal(model.predict(batches), model.predict(X))
    np.testing.assert_array_equal(model.predict(generate, steps=2), model.predict(X[:16]))
    np.testing.assert_array_equal(model.predict_labels(generate), model.predict_labels(X))
    with pytest.raises(DataError, match=r"^batch 3: x: expected examples of shape \(4,\)"):
        model.predict(iter([X[:2], X[:2], X[:2, :3]]))
    with pytest.raises(DataError, match=r"^batch 1: expected at least one batch"):
        model.predict(iter([]))


def test_nothing_compiles_again(small_chunks):
    """Over epochs, fits, sources, and chunks of one batch or two."""
    noisy_model().fit(BATCHES, verbose=0, validation_data=BATCHES)
    model = noisy_model()
    with compilations() as compiled:
        model.fit(BATCHES, epochs=3, verbose=0, validation_data=generate)
        model.fit(generate(), verbose=0)
        noisy_model().fit(Items(), epochs=2, steps_per_epoch=3, verbose=0)
    assert compiled == []
