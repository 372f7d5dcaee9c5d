"""Callbacks that change the learning rate, compared with Keras's."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.callbacks import Callback, LearningRateScheduler, Record, ReduceLROnPlateau
from glassnet.errors import ConfigError
from glassnet.layers import Dense, Input
from glassnet.optimizers import SGD
from glassnet.schedules import CosineDecay, ExponentialDecay, PiecewiseConstantDecay
from nets import X, Y, plain_model, same_bits
from oracles import FLOAT32, close

NAN = float("nan")
CURVES = {  # no value is within float32 rounding of best - min_delta, as Keras compares in float32
    "falls": [5, 4, 3, 2, 1, 0.5],
    "flat": [1.0] * 14,
    "rises": [1, 2, 3, 4, 5, 6, 7, 8],
    "jumps": [3, 1, 2, 0.99, 2, 2, 0.5, 2, 2, 2, 0.49995, 2, 2],
    "hardly": [1 - 0.00003 * i for i in range(12)],
    "nan": [3, NAN, 2, NAN, NAN, NAN, 1, NAN, NAN, NAN, NAN],
}


class Stub:
    """The attribute of a model that Keras's learning rate callbacks use."""

    def __init__(self, keras, rate):
        self.optimizer = keras.optimizers.SGD(rate)


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)
@pytest.mark.parametrize(
    "options", [{"patience": 2}, {"patience": 0, "factor": 0.5}, {"patience": 1, "cooldown": 2},
                {"patience": 2, "cooldown": 1, "factor": 0.9}, {"patience": 1, "min_lr": 0.02}, {"patience": 1, "min_lr": 0.1},
                {"patience": 1, "min_lr": 0.5}, {"patience": 2, "mode": "max"}, {"patience": 2, "mode": "max", "min_delta": 1.5},
                {"patience": 1, "min_delta": 0.5}, {}],
    ids=lambda options: "-".join(f"{k}={v}" for k, v in options.items()) or "defaults",
)  # fmt: skip
def test_plateaus_are_those_of_keras(recorded, curve, options):
    """Oracle: Keras's callback on the same curve: the rate after every epoch."""

    def live(keras, curve, options):
        theirs, rates = keras.callbacks.ReduceLROnPlateau(**options), []
        theirs.set_model(Stub(keras, 0.1))
        theirs.on_train_begin()
        for epoch, value in enumerate(curve):
            theirs.on_epoch_end(epoch, {"val_loss": value})
            rates.append(float(theirs.model.optimizer.learning_rate))
        return rates

    ours, rate, got = ReduceLROnPlateau(**options), float(np.float32(0.1)), []
    memory = ours.init()
    for epoch, value in enumerate(curve):
        memory, answer = ours.update(
            memory, Record(epoch, {"val_loss": value}, 0.0, None, None, next_learning_rate=rate)
        )
        assert answer is None or np.float32(answer.learning_rate) != np.float32(rate), (
            "an answer that changes nothing"
        )
        rate = float(np.float32(answer.learning_rate)) if answer else rate
        got.append(rate)
    assert got == recorded(live, curve, options, tolerance=0)


def test_a_first_value_that_is_no_number_is_not_the_best():
    """Oracle: by hand, patience 2. After nan and 3, 2 is best; the second 2.5 reduces the rate.

    Keras keeps nan as the best.
    """
    ours, rates = ReduceLROnPlateau(patience=2, factor=0.5), []
    memory = ours.init()
    for epoch, value in enumerate([NAN, 3, 2, 2.5, 2.5]):
        memory, answer = ours.update(
            memory, Record(epoch, {"val_loss": value}, 0.0, None, None, next_learning_rate=0.25)
        )
        rates.append(answer.learning_rate if answer else None)
    assert rates == [None, None, None, None, 0.125]


def keras_model(keras, rate, weights):
    model = keras.Sequential(
        [keras.layers.Input((4,)), keras.layers.Dense(3, activation="softmax")]
    )
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy")
    model.set_weights(weights)
    return model


class Rates(Callback):
    """Callback that collects every epoch's rate."""

    def __init__(self):
        self.seen = []

    def update(self, memory, record):
        self.seen.append(record.learning_rate)
        return None, None


SCHEDULES = {
    "decay": lambda epoch, rate: rate * 0.9,
    "by-epoch": lambda epoch, rate: 0.5 / (1 + epoch),
    "epoch-alone": lambda epoch: 0.1 * 0.5**epoch,
    "late": lambda epoch, rate: rate if epoch < 2 else rate / 3,
    "numpy": lambda epoch, rate: np.float32(rate * 0.7),
}


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
def test_a_schedule_gives_kerass_rates_and_weights(recorded, schedule):
    """Oracle: Keras's fit from the same weights without shuffling: all rates and the weights."""
    ours, options = (
        gn.Sequential([Input(4), Dense(3, activation="softmax")], seed=0),
        {"batch_size": 8, "epochs": 5, "shuffle": False},
    )
    ours.compile(SGD(0.2), "sparse_categorical_crossentropy")

    def live(keras, x, y, weights, options):
        theirs = keras_model(keras, 0.2, weights)
        log = theirs.fit(
            x, y, verbose=0, callbacks=[keras.callbacks.LearningRateScheduler(schedule)], **options
        )
        return [float(rate) for rate in log.history["learning_rate"]], theirs.get_weights()

    want, weights = recorded(live, X, Y, ours.get_weights(), options, tolerance=FLOAT32)
    rates = Rates()
    ours.fit(X, Y, verbose=0, callbacks=[LearningRateScheduler(schedule), rates], **options)
    close(rates.seen, want, 0)
    for left, right in zip(ours.get_weights(), weights, strict=True):
        close(left, right, FLOAT32)
    assert ours.learning_rate == pytest.approx(rates.seen[-1])


def test_a_schedule_is_carried_on_by_a_second_fit():
    """Oracle: 2 and 3 epochs equal 5, bit for bit, though each rate depends on the previous one."""
    halving = LearningRateScheduler(lambda epoch, rate: rate * 0.8 if epoch else rate)
    parts, whole = plain_model(), plain_model()
    for epochs in (2, 3):
        parts.fit(X, Y, batch_size=8, epochs=epochs, verbose=0, callbacks=halving)
    whole.fit(X, Y, batch_size=8, epochs=5, verbose=0, callbacks=halving)
    assert same_bits(parts, whole)
    assert parts.learning_rate == whole.learning_rate == pytest.approx(0.1 * 0.8**4)


@pytest.mark.parametrize("order", [1, -1])
def test_a_schedule_goes_on_from_a_reduced_rate(order):
    """Oracle: by hand, as in Keras.

    The loss never improves by `min_delta`, so each epoch but the first divides the rate by ten. The
    schedule keeps the rate that it receives, in either order of the two callbacks. min_lr ends it
    at 0.001.
    """
    rates = Rates()
    flat = ReduceLROnPlateau("loss", patience=1, min_lr=1e-3, min_delta=1e3)
    model = plain_model()
    model.fit(
        X,
        Y,
        epochs=5,
        verbose=0,
        callbacks=[LearningRateScheduler(lambda epoch, rate: rate), flat][::order] + [rates],
    )
    close(rates.seen, [0.1, 0.1, 0.01, 0.001, 0.001])


def test_a_whole_fit_reduces_where_keras_does(recorded):
    """Oracle: Keras's fit from the same weights without shuffling: the rate of every epoch."""
    ours = gn.Sequential([Input(4), Dense(3, activation="softmax")], seed=0)
    ours.compile(SGD(0.5), "sparse_categorical_crossentropy")
    options = {"patience": 2, "factor": 0.5, "cooldown": 1, "min_delta": 0.01}
    validation = (X[25:], Y[25:])

    def live(keras, x, y, validation, weights, options):
        theirs = keras_model(keras, 0.5, weights)
        log = theirs.fit(x, y, batch_size=8, epochs=25, shuffle=False, validation_data=validation, verbose=0,
                         callbacks=[keras.callbacks.ReduceLROnPlateau(**options)])  # fmt: skip
        return [float(rate) for rate in log.history["learning_rate"]]

    want = recorded(live, X[:25], Y[:25], validation, ours.get_weights(), options, tolerance=0)
    rates = Rates()
    ours.fit(X[:25], Y[:25], batch_size=8, epochs=25, shuffle=False, validation_data=validation, verbose=0,
             callbacks=[ReduceLROnPlateau(**options), rates])  # fmt: skip
    assert len(set(rates.seen)) > 3
    close(rates.seen, want, 0)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: ReduceLROnPlateau(factor=1.0),
            r"ReduceLROnPlateau: expected factor to be a number between 0 and 1\. Received: factor=1\.0",
        ),
        (
            lambda: ReduceLROnPlateau(factor=0),
            r"expected factor to be a number between 0 and 1\. Received: factor=0",
        ),
        (
            lambda: ReduceLROnPlateau(patience=-1),
            r"expected patience to be an int >= 0\. Received: patience=-1",
        ),
        (
            lambda: ReduceLROnPlateau(cooldown=0.5),
            r"expected cooldown to be an int >= 0\. Received: cooldown=0\.5",
        ),
        (
            lambda: ReduceLROnPlateau(min_lr=-1.0),
            r"expected min_lr to be a number >= 0\. Received: min_lr=-1\.0",
        ),
        (
            lambda: ReduceLROnPlateau(min_delta=-1.0),
            r"ReduceLROnPlateau: expected min_delta to be a number >= 0",
        ),
        (lambda: ReduceLROnPlateau(mode="up"), r"ReduceLROnPlateau: expected mode"),
        (
            lambda: ReduceLROnPlateau(None),
            r"ReduceLROnPlateau: expected monitor to be a name\. Received: monitor=None",
        ),
        (
            lambda: LearningRateScheduler(0.1),
            r"LearningRateScheduler: expected a function of \(epoch, rate\)\. Received: schedule=0\.1",
        ),
    ],
)
def test_arguments_out_of_range(make, text):
    with pytest.raises(ConfigError, match=text):
        make()


@pytest.mark.parametrize(
    ("callback", "text"),
    [
        (
            ReduceLROnPlateau(),
            r"ReduceLROnPlateau: expected validation data\. Received: monitor='val_loss'",
        ),
        (
            ReduceLROnPlateau("los"),
            r"ReduceLROnPlateau: monitor: expected one of loss\. Received: name='los'\. Did you mean 'loss'\?",
        ),
        (
            LearningRateScheduler(lambda epoch, rate: None),
            r"expected schedule\(0, \.\.\.\) to be a number > 0\. Received: learning_rate=None",
        ),
        (
            LearningRateScheduler(lambda epoch, rate: 0.0),
            r"LearningRateScheduler: expected schedule\(0, \.\.\.\) to be a number > 0",
        ),
    ],
)
def test_what_cannot_work_is_said_at_the_fit(callback, text):
    model = plain_model()
    with pytest.raises(ConfigError, match=text):
        model.fit(X, Y, verbose=0, callbacks=callback)
    assert model.epoch == 0
    model.fit(X, Y, verbose=0)


def test_a_schedule_that_breaks_on_the_way_leaves_a_model_to_go_on_with():
    """Oracle: two epochs are trained, so three more make five."""
    model, whole = plain_model(), plain_model()
    with pytest.raises(ZeroDivisionError):
        model.fit(
            X,
            Y,
            epochs=5,
            verbose=0,
            callbacks=LearningRateScheduler(lambda epoch, rate: rate if epoch < 2 else rate / 0),
        )
    assert model.epoch == len(model.history.epoch) == 2
    model.fit(X, Y, epochs=3, verbose=0)
    whole.fit(X, Y, epochs=5, verbose=0)
    assert same_bits(model, whole)


def test_a_schedule_that_cannot_be_asked_for_its_arguments():
    """Oracle: by hand. min(3, 0.1) is 0.1, and Python knows no signature of `min`."""
    assert LearningRateScheduler(min).on_epoch_begin(3, {"learning_rate": 0.1}).learning_rate == 0.1


def test_rates_under_a_schedule_by_steps():
    """Oracle: by hand.

    There is one step per epoch, and the schedule halves the rate: 0.8, 0.4, 0.2, ... The monitor
    never improves by 1000, so patience 1 reduces the rate after the second and every later epoch:
    to half of the planned 0.2, then to half of the remaining 0.05. A drop of the schedule at the
    end of an epoch (0.8 to 0.008) remains: half of it is 0.004. A schedule that ends at 0 stays at
    0.
    """
    halving = ExponentialDecay(0.8, 1, 0.5)
    drop, ending = PiecewiseConstantDecay([1], [0.8, 0.008]), CosineDecay(0.8, 2)
    courses = (
        (halving, [0.8, 0.4, 0.1, 0.025]),
        (drop, [0.8, 0.8, 0.004, 0.002]),
        (ending, [0.8, 0.4, 0, 0]),
    )
    for schedule, want in courses:
        model, rates = plain_model(SGD(schedule)), Rates()
        model.fit(X, Y, batch_size="full", epochs=4, verbose=0,
                  callbacks=[ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e3), rates])  # fmt: skip
        close(rates.seen, want)
    model, rates = plain_model(SGD(halving)), Rates()
    first = LearningRateScheduler(lambda epoch, rate: rate if epoch else 0.1)
    model.fit(X, Y, batch_size="full", epochs=4, verbose=0, callbacks=[first, rates])
    close(rates.seen, [0.1, 0.05, 0.025, 0.0125])
    assert model.learning_rate == pytest.approx(0.00625)
