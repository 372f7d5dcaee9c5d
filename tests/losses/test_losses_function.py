"""Tests of user-written functions as losses and metrics, and of the errors for invalid ones."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from glassnet import Sequential, losses, metrics
from glassnet.errors import ConfigError
from glassnet.layers import Dense, Input
from glassnet.losses import FunctionLoss, MeanSquaredError
from glassnet.metrics import Accuracy, FunctionMetric
from glassnet.testing import compilations
from oracles import close

RNG = np.random.default_rng(0)
X = RNG.normal(size=(37, 3)).astype(np.float32)
Y = RNG.normal(size=(37, 2)).astype(np.float32)


def squares(y_true, y_pred):
    return jnp.square(y_true - y_pred)


def mean_squares(y_true, y_pred):
    return jnp.mean(jnp.square(y_true - y_pred), axis=-1)


def built(loss, wanted=(), y=Y, **options):
    model = Sequential([Dense(y.shape[-1])], seed=0)
    model.compile("sgd", loss, list(wanted))
    return model, model.fit(X, y, batch_size=8, epochs=2, verbose=0, **options)


@pytest.mark.parametrize(
    "function", [squares, mean_squares, jax.jit(squares)], ids=["elementwise", "rows", "jit"]
)
def test_a_run_equals_that_of_the_loss_it_is(function):
    """37 rows in batches of 8 leave padding rows, which a loss without a mask would count."""
    ours, history = built(function, sample_weight=np.linspace(0.1, 2, 37), validation_split=0.2)
    theirs, want = built(
        "mean_squared_error", sample_weight=np.linspace(0.1, 2, 37), validation_split=0.2
    )
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        close(a, b)
    assert list(history.history) == ["loss", "val_loss"]
    for name in ("loss", "val_loss"):
        close(history.history[name], want.history[name])


def test_a_metric_is_the_mean_over_real_rows():
    def worst(y_true, y_pred):
        return jnp.abs(y_true - y_pred).max(-1)

    model, history = built("mse", [worst, squares], validation_split=0.2)
    assert list(history.history) == [
        "loss",
        "worst",
        "squares",
        "val_loss",
        "val_worst",
        "val_squares",
    ]
    out = model.predict(X).astype(np.float64)
    logs = model.evaluate(X, Y, return_dict=True)
    close(logs["worst"], np.abs(Y - out).max(-1).mean())
    close(logs["squares"], np.square(Y - out).mean())
    close(logs["squares"], logs["loss"])


def test_a_metric_gets_class_ids_as_one_hot_rows():
    def chosen(y_true, y_pred):
        return (y_true * y_pred).sum(-1)

    ids, p = np.array([2, 0]), np.array([[0.1, 0.2, 0.7], [0.4, 0.5, 0.1]])
    close(metrics.get(chosen, MeanSquaredError(), 3)(ids, p), 0.55)  # (0.7 + 0.4) / 2


def test_equal_where_the_function_is_the_same():
    assert losses.get(squares) == FunctionLoss(squares)
    assert hash(losses.get(squares)) == hash(FunctionLoss(squares))
    assert losses.get(mean_squares) != losses.get(squares)
    assert losses.get(squares).display_name == "squares"
    assert metrics.get(squares, MeanSquaredError(), 2) == FunctionMetric(squares, name="squares")
    built(squares)
    with compilations() as compiled:
        built(squares)
    assert compiled == []


def test_sequences_count_step_by_step():
    y, out = RNG.normal(size=(2, 4, 3, 2)).astype(np.float32)
    assert FunctionLoss(squares).unreduced(y, out).shape == (4, 3)
    close(FunctionLoss(squares)(y, out), np.square(y - out).mean())
    assert FunctionLoss(lambda y, z: jnp.square(y - z).mean((1, 2))).unreduced(y, out).shape == (4,)


class Scores:
    def __call__(self, y_true, y_pred):
        return squares(y_true, y_pred)


def test_what_has_no_name_is_called_by_its_class():
    assert losses.get(Scores()).display_name == "Scores"
    assert losses.get(functools.partial(squares)).display_name == "partial"
    assert losses.get(jnp.add).display_name == "add"


def by_numpy(y_true, y_pred):
    return np.mean(np.asarray(y_true) - np.asarray(y_pred), axis=-1)


def by_if(y_true, y_pred):
    return y_true - y_pred if y_pred.sum() > 0 else y_pred - y_true


def to_float(y_true, y_pred):
    return float(y_pred[0, 0]) * y_true


def one_number(y_true, y_pred):
    return jnp.mean(jnp.square(y_true - y_pred))


def kept_axis(y_true, y_pred):
    return jnp.mean(y_true - y_pred, axis=-1, keepdims=True)


def over_rows(y_true, y_pred):
    return jnp.mean(y_true - y_pred, axis=0)


@pytest.mark.parametrize("function", [by_numpy, by_if, to_float])
def test_what_does_not_compile_is_refused(function):
    text = (
        rf"^{function.__name__}: expected a function written in jax\.numpy, which JAX can compile\. Received: error='\w+'\. Use jnp\.mean "
        r"instead of np\.mean, jnp\.where\(condition, a, b\) instead of if, and no float\(\.\.\.\)\."
    )
    for loss, wanted in ((function, ()), ("mse", [function])):
        with pytest.raises(ConfigError, match=text):
            built(loss, wanted)


@pytest.mark.parametrize(
    ("function", "shape"), [(one_number, r"\(\)"), (kept_axis, r"\(8, 1\)"), (over_rows, r"\(2,\)")]
)
def test_what_gives_no_number_per_row_is_refused(function, shape):
    text = (
        rf"^{function.__name__}: expected one number per row, shape \(8,\), or one per output, shape \(8, 2\)\. Received: shape={shape}\. "
        r"Write jnp\.mean\(\.\.\., axis=-1\)\. Glassnet itself takes the mean over the rows, without the padding rows\."
    )
    for loss, wanted in ((function, ()), ("mse", [function])):
        with pytest.raises(ConfigError, match=text):
            built(loss, wanted)


def nothing(y_true, y_pred):
    jnp.mean(jnp.square(y_true - y_pred), axis=-1)


def test_a_function_without_return_is_told_so():
    for loss, wanted in ((nothing, ()), ("mse", [nothing])):
        with pytest.raises(
            ConfigError,
            match=r"^nothing: expected one number per row\. Received: received=None\. End the function with `return`\.",
        ):
            built(loss, wanted)


def test_the_refused_can_be_corrected():
    model = Sequential([Input(3), Dense(2)], seed=0)
    model.compile("sgd", one_number)
    with pytest.raises(ConfigError):
        model.fit(X, Y, verbose=0)
    model.compile("sgd", squares)
    assert np.isfinite(model.fit(X, Y, verbose=0).history["loss"]).all()


def test_errors_at_compile():
    model = Sequential([Dense(2)])
    text = r"^<lambda>: expected a function of two arguments, \(y_true, y_pred\)\. Received: error='too many positional arguments'\.$"
    with pytest.raises(ConfigError, match=text):
        model.compile("sgd", lambda y: y)
    with pytest.raises(ConfigError, match=text):
        model.compile("sgd", "mse", [lambda y: y])
    with pytest.raises(
        ConfigError,
        match=r"^loss: expected a name, a Loss or a function\. Received: loss=Accuracy\(",
    ):
        model.compile("sgd", Accuracy())
    with pytest.raises(
        ConfigError,
        match=r"^accurate: expected floats, because a loss needs a gradient\. .*dtype='bool'\. Use it as a metric",
    ):
        built(accurate)


def accurate(y_true, y_pred):
    return (y_true > 0).all(-1) == (y_pred > 0).all(-1)
