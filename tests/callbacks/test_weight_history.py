"""WeightHistory. Oracle: the weights of runs that end after each epoch (6)."""

import pickle

import numpy as np

from glassnet.callbacks import WeightHistory
from nets import X, Y, plain_model


def fit(epochs, callbacks=()):
    model = plain_model()
    history = model.fit(X, Y, epochs=epochs, batch_size=16, verbose=0, callbacks=callbacks)
    return model, history


def test_weights_at_the_start_and_after_every_epoch():
    model, history = fit(3, [WeightHistory()])
    assert history.weights.keys() == model.weights_named().keys()
    for epochs in range(4):
        for name, values in fit(epochs)[0].weights_named().items():
            np.testing.assert_array_equal(history.weights[name][epochs], values)


def test_a_second_fit_starts_again_and_the_weights_do_not_change():
    recorder = WeightHistory()
    model, first = fit(2, recorder)
    first_weights = first.weights["dense_1/kernel"].copy()
    second = model.fit(X, Y, epochs=1, batch_size=16, verbose=0, callbacks=recorder)
    np.testing.assert_array_equal(first.weights["dense_1/kernel"], first_weights)
    np.testing.assert_array_equal(second.weights["dense_1/kernel"][0], first_weights[-1])
    assert len(second.weights["dense_1/kernel"]) == 2


def test_without_the_callback_there_are_none_and_copies_keep_them():
    assert fit(1)[1].weights == {}
    assert fit(0, WeightHistory())[1].weights == {}
    model, history = fit(1, WeightHistory())
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(
        twin.history.weights["dense_2/bias"], history.weights["dense_2/bias"]
    )


def test_a_resumed_run_records_the_epochs_since(tmp_path):
    whole = plain_model()
    whole.fit(X, Y, epochs=3, batch_size=16, verbose=0)
    for epochs in (2, 3):
        history = plain_model().fit(
            X, Y, epochs=epochs, batch_size=16, verbose=0, callbacks=[WeightHistory()],
            resume=tmp_path / "run",
        )  # fmt: skip
    kernels = history.weights["dense_1/kernel"]
    assert len(kernels) == 2
    np.testing.assert_array_equal(kernels[-1], whole.weights_named()["dense_1/kernel"])
