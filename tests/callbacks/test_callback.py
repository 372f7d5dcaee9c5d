"""The callback protocol, the order of several callbacks, and errors."""

import numpy as np
import pytest

from glassnet.callbacks import Callback, Decision, EarlyStopping, LambdaCallback
from glassnet.errors import ConfigError, TrainingWarning
from glassnet.optimizers import SGD
from glassnet.testing import compilations
from nets import X, Y, fit_noisy, line_model, noisy_model, plain_model, same_bits
from oracles import import_keras


def test_lambda_callback_sees_what_is_logged():
    starts, ends, seen = [], [], []
    watch = LambdaCallback(
        lambda epoch, logs: seen.append((epoch, logs)), starts.append, ends.append
    )
    model = noisy_model()
    fit_noisy(model, 2)
    log = fit_noisy(model, 3, callbacks=[watch])
    assert starts == [("loss", "accuracy", "val_loss", "val_accuracy")]
    assert [epoch for epoch, _ in seen] == [2, 3, 4]
    assert [logs["val_loss"] for _, logs in seen] == log.history["val_loss"]
    assert ends == [{name: values[-1] for name, values in log.history.items()}]


class Halve(Callback):
    """Callback that halves the rate after every epoch and remembers it."""

    def init(self):
        return 0.1

    def update(self, memory, record):
        return memory / 2, Decision(learning_rate=memory / 2)


def test_a_callback_changes_the_rate_without_compiling():
    """Oracle: three fits of one epoch with the rate set in between."""
    by_hand = plain_model()
    for rate in (0.1, 0.05, 0.025):
        by_hand.learning_rate = rate
        by_hand.fit(X, Y, batch_size=8, verbose=0)
    model = plain_model()
    with compilations() as compiled:
        model.fit(X, Y, batch_size=8, epochs=3, callbacks=[Halve()], verbose=0)
    assert compiled == []
    assert same_bits(model, by_hand)
    assert model.learning_rate == pytest.approx(0.0125)


def test_a_callback_cannot_write_into_the_logs():
    def vandal(epoch, logs):
        logs["loss"] = -1.0

    assert (
        fit_noisy(noisy_model(), 2, callbacks=[LambdaCallback(vandal)]).history["loss"]
        == fit_noisy(noisy_model(), 2).history["loss"]
    )


def test_an_exception_in_a_callback_leaves_the_model_at_that_epoch():
    """Oracle: interrupted in the third epoch and continued for two, it equals a run of five."""

    def fail(epoch, logs):
        if epoch == 2:
            raise RuntimeError("mine")

    model, whole = noisy_model(), noisy_model()
    with pytest.raises(RuntimeError, match="mine"):
        fit_noisy(model, 5, callbacks=[LambdaCallback(fail)])
    assert model.epoch == 3
    fit_noisy(model, 2)
    fit_noisy(whole, 5)
    assert same_bits(model, whole)


@pytest.mark.parametrize(
    ("callbacks", "text"),
    [
        (
            [print],
            r"callbacks: expected Callback objects\. Received: received=<built-in function print>",
        ),
        (
            [EarlyStopping()],
            r"expected validation data\. Received: monitor='val_loss'\. Pass validation_split or validation_data to fit",
        ),
        (
            [EarlyStopping("accuracy")],
            r"EarlyStopping: monitor: expected one of loss\. Received: name='accuracy'",
        ),
        (
            [LambdaCallback(lambda epoch, logs: Decision(learning_rate=-1.0))],
            r"expected a learning rate > 0\. Received: learning_rate=-1\.0",
        ),
    ],
    ids=["no-callback", "no-validation", "not-logged", "rate"],
)
def test_callbacks_that_cannot_work(callbacks, text):
    with pytest.raises(ConfigError, match=text):
        plain_model().fit(X, Y, verbose=0, callbacks=callbacks)


def test_a_callback_that_answers_something_else():
    class Loud(Callback):
        def on_epoch_end(self, epoch, logs):
            return True

    with pytest.raises(
        ConfigError,
        match=r"Loud: expected a Decision or None as return value\. Received: received=True",
    ):
        plain_model().fit(X, Y, verbose=0, callbacks=[Loud()])


def test_a_rate_set_behind_the_fits_back_is_refused():
    model = plain_model()
    meddling = LambdaCallback(lambda epoch, logs: setattr(model, "learning_rate", 1e-9))
    with pytest.raises(
        ConfigError,
        match=r"during a fit: return Decision\(learning_rate=\.\.\.\)\. Received: learning_rate=1e-09",
    ):
        model.fit(X, Y, epochs=2, verbose=0, callbacks=meddling)


def test_hooks_are_called_in_order():
    """Oracle: by hand. Begin, two epochs, end; a second fit continues the count."""
    calls = []

    class Diary(Callback):
        def on_train_begin(self, logs=None):
            calls.append("begin")

        def on_epoch_begin(self, epoch, logs=None):
            calls.append(("from", epoch, logs["learning_rate"]))

        def on_epoch_end(self, epoch, logs=None):
            calls.append(("to", epoch))
            return Decision(learning_rate=0.25)

        def on_train_end(self, logs=None):
            calls.append("end")

    model = plain_model()
    model.learning_rate = 0.5
    model.fit(X, Y, epochs=2, verbose=0, callbacks=Diary())
    assert calls == ["begin", ("from", 0, 0.5), ("to", 0), ("from", 1, 0.25), ("to", 1), "end"]
    del calls[:]
    model.fit(X, Y, verbose=0, callbacks=Diary())
    assert calls == ["begin", ("from", 2, 0.25), ("to", 2), "end"]
    del calls[:]
    model.fit(X, Y, epochs=0, verbose=0, callbacks=Diary())
    assert calls == ["begin", "end"]


def test_a_rate_chosen_at_the_beginning_is_the_epochs():
    """Oracle: three fits of one epoch with the rate set before each."""
    by_hand = plain_model()
    for rate in (0.4, 0.2, 0.1):
        by_hand.learning_rate = rate
        by_hand.fit(X, Y, batch_size=8, verbose=0)
    model = plain_model()
    choose = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: Decision(learning_rate=0.4 / 2**epoch)
    )
    model.fit(X, Y, batch_size=8, epochs=3, callbacks=choose, verbose=0)
    assert same_bits(model, by_hand)
    assert model.learning_rate == by_hand.learning_rate == 0.1


def test_the_next_callback_is_told_the_rate_that_one_chose():
    """Oracle: by hand. 0.1 halved twice is 0.025; after an epoch the last decision counts."""
    half = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: Decision(learning_rate=logs["learning_rate"] / 2)
    )
    model = plain_model()
    model.fit(X, Y, verbose=0, callbacks=[half, half])
    assert model.learning_rate == pytest.approx(0.025)
    late = [
        LambdaCallback(lambda epoch, logs, rate=rate: Decision(learning_rate=rate))
        for rate in (0.3, 0.7)
    ]
    model.fit(X, Y, verbose=0, callbacks=late)
    assert model.learning_rate == 0.7


def test_any_stop_counts_and_the_first_reason_is_given():
    def stop(reason):
        return LambdaCallback(lambda epoch, logs: Decision(stop=reason))

    log = plain_model().fit(
        X, Y, epochs=5, verbose=0, callbacks=[LambdaCallback(), stop("one"), stop("two")]
    )
    assert len(log.epoch) == 1
    assert log.stopped == "one"


def test_a_rate_is_all_that_an_epoch_can_begin_with():
    with pytest.raises(
        ConfigError,
        match=r"expected only a learning rate from on_epoch_begin\. Received: .*stop='now'",
    ):
        plain_model().fit(
            X,
            Y,
            verbose=0,
            callbacks=LambdaCallback(on_epoch_begin=lambda epoch, logs: Decision(stop="now")),
        )


def test_a_bad_first_step_after_another_rate_is_undone():
    """Oracle: a run of one epoch.

    At 1e25 the only step of the second epoch makes a weight whose square overflows, which the third
    epoch detects. The weights at the start of the second epoch are restored, and the rate is the
    one that was set last.
    """
    model, short = line_model(SGD(0.1)), line_model(SGD(0.1))
    rates = {0: 1e25, 1: 1e-3}
    with pytest.warns(TrainingWarning, match="not finite"):
        model.fit(
            [1.0],
            [0.0],
            epochs=5,
            verbose=0,
            callbacks=LambdaCallback(lambda epoch, logs: Decision(learning_rate=rates.get(epoch))),
        )
    short.fit([1.0], [0.0], verbose=0)
    assert same_bits(model, short)
    assert model.learning_rate == 1e-3


def test_the_model_at_hand_has_the_weights_of_the_epoch():
    """Oracle: evaluate inside a callback equals the logged validation loss of the same rows."""
    model, seen = plain_model(), []
    watch = LambdaCallback(
        lambda epoch, logs: seen.append((model.evaluate(X, Y), logs["val_loss"]))
    )
    model.fit(X, Y, epochs=3, verbose=0, validation_data=(X, Y), callbacks=watch)
    assert [mine == pytest.approx(logged) for mine, logged in seen] == [True] * 3
    assert len({mine for mine, _ in seen}) == 3


def write_stop(callback):
    callback.model.stop_training = True


@pytest.mark.parametrize(
    ("use", "text"),
    [
        (
            write_stop,
            r'self\.model\.stop_training: expected a callback that .* Write return Decision\(stop="the reason"\)\.',
        ),
        (lambda callback: callback.model.stop_training, r"Write return Decision\(stop="),
        (
            lambda callback: callback.model.optimizer.learning_rate,
            r"self\.model\.optimizer: .* Write return Decision\(learning_rate=\.\.\.\)",
        ),
        (
            lambda callback: callback.model.learning_rate,
            r"Write return Decision\(learning_rate=\.\.\.\)\. The current learning rate is logs",
        ),
        (
            lambda callback: callback.model.get_weights(),
            r"self\.model\.get_weights: .* Pass the model to your callback, Mine\(model\)",
        ),
        (lambda callback: setattr(callback.model, "x", 1), r"self\.model\.x: .* Pass the model"),
    ],
    ids=["stop", "stop-read", "optimizer", "rate", "weights", "other"],
)
def test_the_model_is_out_of_reach_and_a_fit_that_reached_for_it_goes_on(use, text):
    """Oracle: the epoch that raised the error counts, so one more makes two."""

    class Mine(Callback):
        def on_epoch_end(self, epoch, logs=None):
            use(self)

    model, whole = plain_model(), plain_model()
    with pytest.raises(ConfigError, match=text):
        model.fit(X, Y, epochs=5, verbose=0, callbacks=[Mine()])
    model.fit(X, Y, verbose=0)
    whole.fit(X, Y, epochs=2, verbose=0)
    assert same_bits(model, whole)


def test_a_model_of_ones_own_can_be_kept_in_self():
    class Mine(Callback):
        def __init__(self, model):
            super().__init__()
            self.model = model
            self.norms = []

        def on_epoch_end(self, epoch, logs=None):
            self.norms.append(sum(float(np.square(w).sum()) for w in self.model.get_weights()))

    model = plain_model()
    mine = Mine(model)
    model.fit(X, Y, epochs=3, verbose=0, callbacks=mine)
    assert len(set(mine.norms)) == 3


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        (
            "on_batch_end",
            r"A whole epoch is one compiled program\. Use on_epoch_end, or inspect single steps with fit\(observe=True\)\.",
        ),
        ("on_batch_begin", "A whole epoch is one compiled program"),
        ("on_train_batch_begin", "A whole epoch is one compiled program"),
        ("on_train_batch_end", "A whole epoch is one compiled program"),
        (
            "on_test_begin",
            r"evaluate and predict do not call callbacks\. The validation results are in the logs of on_epoch_end",
        ),
        ("on_test_batch_end", "evaluate and predict do not call callbacks"),
        ("on_predict_end", "evaluate and predict do not call callbacks"),
        ("set_model", "Pass what the callback needs to __init__"),
        ("set_params", "Pass what the callback needs"),
        ("on_epoch_ends", r"Did you mean 'on_epoch_end'\?"),
        ("on_epochs_begin", r"Did you mean 'on_epoch_begin'\?"),
        ("on_plateau", "Names that start with on_ are reserved for hooks"),
    ],
)
def test_a_hook_that_is_never_called_is_refused_at_the_class(name, remedy):
    hooks = "on_train_begin, on_epoch_begin, on_epoch_end, on_train_end"
    with pytest.raises(
        ConfigError,
        match=rf"Mine: expected hooks that fit calls: {hooks}\. Received: name='{name}'\. {remedy}",
    ):
        type("Mine", (Callback,), {name: lambda self, *args: None})


def test_every_hook_of_keras_is_called_or_refused(recorded):
    """Oracle: the methods of Keras's Callback."""
    theirs = recorded(
        lambda keras: [
            name for name in vars(keras.callbacks.Callback) if name.startswith(("on_", "set_"))
        ]
    )
    called = {"on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end"}
    assert called < set(theirs)
    for name in set(theirs) - called:
        with pytest.raises(ConfigError, match=name):
            type("Mine", (Callback,), {name: lambda self, *args: None})


def stand_in(line):
    """Return a class with the names and modules of a class and its bases."""
    kind = object
    for name, module in reversed(line):
        kind = type(name, (kind,), {"__module__": module})
    return kind


def strangers(terminate, logger, callback):
    return {
        r"This is a Keras callback\. Use glassnet\.callbacks\.TerminateOnNaN\(\.\.\.\), or subclass": terminate(),
        r"This is a Keras callback\. Use glassnet\.callbacks\.CSVLogger": logger,
        r"This is a Keras callback\. Use glassnet\.callbacks\.Theirs": type(
            "Theirs", (callback,), {}
        )(),
    }


@pytest.mark.live_keras
@pytest.mark.slow
def test_keras_callbacks_are_known():
    theirs = import_keras().callbacks
    for text, callback in strangers(
        theirs.TerminateOnNaN, theirs.CSVLogger, theirs.Callback
    ).items():
        with pytest.raises(ConfigError, match=rf"callbacks: expected Callback objects\..*{text}"):
            plain_model().fit(X, Y, verbose=0, callbacks=[callback])


def test_callbacks_of_another_kind(recorded):
    """Keras callbacks are recognized by the modules of their bases, which are recorded.

    `test_keras_callbacks_are_known` uses the real ones.
    """
    kinds = ("TerminateOnNaN", "CSVLogger", "Callback")
    lines = recorded(
        lambda keras, kinds: [
            [
                [base.__name__, base.__module__]
                for base in getattr(keras.callbacks, kind).__mro__[:-1]
            ]
            for kind in kinds
        ],
        kinds,
    )
    cases = {
        r"This is a class\. Write EarlyStopping\(\.\.\.\)\.": EarlyStopping,
        **strangers(*map(stand_in, lines)),
        r"Wrap a function in LambdaCallback\(on_epoch_end=function\)\.": lambda epoch, logs: None,
        r"Received: received='EarlyStopping'\.$": "EarlyStopping",
    }
    for text, callback in cases.items():
        with pytest.raises(ConfigError, match=rf"callbacks: expected Callback objects\..*{text}"):
            plain_model().fit(X, Y, verbose=0, callbacks=[callback])
