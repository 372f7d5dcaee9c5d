"""Tests that `check_layer` and `check_gradients` find faults: one broken layer per requirement."""

import itertools
from dataclasses import dataclass, field
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from glassnet import Sequential
from glassnet.engine import train_step
from glassnet.layers import Activation, Dense, Dropout, Input, Layer, Normalization
from glassnet.testing import check_gradients, check_layer, compilations


@dataclass(frozen=True)
class Scale(Layer):
    """The example of the layer protocol, without a fault."""

    start: float = 1.0

    def init(self, rng, shape):
        return {"scale": np.full(shape, self.start, np.float32)}

    def __call__(self, params, x):
        return params["scale"] * x


class Undecorated(Layer):
    pass


@dataclass(frozen=True)
class HasList(Layer):
    sizes: Any = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class ComparesByIdentity(Layer):
    __eq__ = object.__eq__
    __hash__ = object.__hash__


@dataclass(frozen=True)
class IgnoresAField(Layer):
    factor: float = 2.0

    def __eq__(self, other):
        return type(self) is type(other)

    def __hash__(self):
        return 0


@dataclass(frozen=True)
class NameIsItsValue(Layer):
    def __eq__(self, other):
        return vars(self) == vars(other)

    def __hash__(self):
        return 0


@dataclass(frozen=True)
class UnfoldsForEver(Layer):
    depth: int = 0

    def unfold(self):
        return (UnfoldsForEver(self.depth + 1),)


@dataclass(frozen=True)
class IsNotAffine(Layer):
    is_affine: ClassVar[bool] = True

    def init(self, rng, shape):
        return {"w": np.ones(shape, np.float32)}

    def __call__(self, params, x):
        return params["w"] ** 2 * x


@dataclass(frozen=True)
class StartsInFloat64(Layer):
    def init(self, rng, shape):
        return {"w": np.zeros(shape)}


@dataclass(frozen=True)
class StartsAnyhow(Layer):
    def init(self, rng, shape):
        return {"w": np.random.default_rng().normal(size=shape).astype(np.float32)}


@dataclass(frozen=True)
class OrdersAnyhow(Layer):
    def init(self, rng, shape):
        names = ["kernel", "bias"] if rng.random() < 0.6 else ["bias", "kernel"]
        return {name: np.zeros(shape, np.float32) for name in names}


@dataclass(frozen=True)
class WritesItsParams(Scale):
    def __call__(self, params, x):
        if isinstance(params["scale"], np.ndarray):
            params["scale"] *= 2
        return params["scale"] * x


@dataclass(frozen=True)
class WritesItsInput(Layer):
    def __call__(self, params, x):
        if isinstance(x, np.ndarray):
            x += 1
        return x


@dataclass(frozen=True)
class Counts(Layer):
    calls: ClassVar[Any] = itertools.count(1)

    def __call__(self, params, x):
        return x * next(self.calls)


@dataclass(frozen=True)
class ShapeDependsOnTheBatch(Layer):
    def __call__(self, params, x):
        return jnp.repeat(x, x.shape[0], axis=1)


@dataclass(frozen=True)
class LosesPrecision(Layer):
    def __call__(self, params, x):
        return x.astype(jnp.float32)


@dataclass(frozen=True)
class MixesTheBatch(Layer):
    def __call__(self, params, x):
        return x - x.mean(0)


@dataclass(frozen=True)
class IgnoresTheMask(Layer):
    """Batch normalization that counts padding rows."""

    def init_state(self, shape):
        return {"mean": np.zeros(shape, np.float32)}

    def apply(self, params, state, x, *, key, train, mask):
        mean = x.mean(0) if train else state["mean"]
        return x - mean, {"mean": 0.9 * state["mean"] + 0.1 * mean}


@dataclass(frozen=True)
class ForgetsTheMask(Layer):
    """A mask like that of an Embedding, which marks padding rows as real."""

    def mask(self, x, mask):
        return x[..., 0] != 0


@dataclass(frozen=True)
class LearnsInInference(Layer):
    def init_state(self, shape):
        return {"calls": np.float32(0)}

    def apply(self, params, state, x, *, key, train, mask):
        return x, {"calls": state["calls"] + 1}


@dataclass(frozen=True)
class SeesPadding(Layer):
    """A mean over all steps, masked or not."""

    @property
    def ignores_padding(self):
        return True

    def __call__(self, params, x):
        return x - x.mean(1, keepdims=True)


@dataclass(frozen=True)
class DrawsItsOwnNoise(Layer):
    def apply(self, params, state, x, *, key, train, mask):
        return (x + np.random.default_rng().normal() if train else x), state


@dataclass(frozen=True)
class PenaltyPerWeight(Scale):
    def penalty(self, params):
        return params["scale"] ** 2


@jax.custom_vjp
def _double(x):
    return 2 * x


_double.defvjp(lambda x: (2 * x, None), lambda _, dy: (2.001 * dy,))


@dataclass(frozen=True)
class WrongBackward(Scale):
    """A gradient that is wrong by 0.05 percent."""

    def __call__(self, params, x):
        return _double(params["scale"]) * x


@dataclass(frozen=True)
class ForgetsItsJacobian(Layer):
    """A softmax with the gradient of the identity, which is correct for one loss only."""

    def __call__(self, params, x):
        return x + jax.lax.stop_gradient(jax.nn.softmax(x) - x)


LAYERS = {
    Undecorated: "Write @dataclass",
    HasList: "fields that can be hashed",
    ComparesByIdentity: "equal fields to give equal objects",
    IgnoresAField: "differ in trainable to be unequal",
    NameIsItsValue: "another name to be equal",
    UnfoldsForEver: "do not unfold further",
    StartsInFloat64: r"float32 \(0/w\)\. Received: type='ndarray', dtype='float64'",
    StartsAnyhow: "equal params for equal seeds",
    OrdersAnyhow: "weights in a fixed order",
    WritesItsParams: "to stay unchanged.*0/0/scale",
    WritesItsInput: "input to stay unchanged",
    Counts: "equal results in every call",
    ShapeDependsOnTheBatch: r"1 rows to have outputs of the derived shape, \(1, 28\)",
    LosesPrecision: "as precise as the input",
    MixesTheBatch: "masked rows not to affect other rows",
    IgnoresTheMask: "training: expected masked rows not to affect|inference: expected state to stay",
    ForgetsTheMask: "masked rows to stay masked",
    LearnsInInference: "state to stay unchanged",
    DrawsItsOwnNoise: "training: expected equal results in every call",
    IsNotAffine: "inference: expected an output that is affine in the params",
    PenaltyPerWeight: "penalty to be None or one finite number",
    WrongBackward: "gradient of params/0/scale",
    ForgetsItsJacobian: "gradient of x",
}


@pytest.mark.parametrize(
    ("layer", "message"), LAYERS.items(), ids=lambda value: getattr(value, "__name__", "")
)
def test_check_layer_catches(layer, message):
    with pytest.raises(AssertionError, match=message):
        check_layer(layer())


@dataclass(frozen=True)
class CentresIgnoringTheMask(Layer):
    """Correct in inference, but in training padding rows shift the mean of the others."""

    def apply(self, params, state, x, *, key, train, mask):
        return (x - x.mean(0) if train else x), state


def test_check_layer_catches_a_mask_ignored_in_training_alone():
    with pytest.raises(AssertionError, match="in training: expected masked rows not to affect"):
        check_layer(CentresIgnoringTheMask())


def test_check_layer_catches_padding_that_is_not_ignored():
    with pytest.raises(AssertionError, match="masked steps at the end not to affect others"):
        check_layer(SeesPadding(), (4, 3))


def test_check_layer_passes_sound_layers():
    check_layer(Scale(2.0))
    check_layer(Scale(2.0), (2, 3))


@dataclass(frozen=True)
class Lookup(Layer):
    """An embedding: its input is integers, so that x has no gradient."""

    def init(self, rng, shape):
        return {"table": rng.normal(size=(6, 2)).astype(np.float32)}

    def __call__(self, params, x):
        return params["table"][x.astype(int)]


def test_check_layer_of_token_ids():
    check_layer(Lookup(), (3,), integer=6)


def model_of(*layers, loss="mse"):
    model = Sequential([Input(4), *layers], seed=0)
    model.compile("sgd", loss)
    return model


def rows(outputs, n=6):
    rng = np.random.default_rng(3)
    return rng.normal(size=(n, 4)).astype(np.float32), rng.normal(size=(n, outputs)).astype(
        np.float32
    )


def test_check_gradients_of_a_sound_model():
    model = model_of(
        Normalization(),
        Dense(5, activation="tanh", kernel_regularizer="l2"),
        Dropout(0.2),
        Dense(2, trainable=False),
    )
    before = model.get_weights()
    assert 0 < check_gradients(model, *rows(2)) < 1e-6
    np.testing.assert_array_equal(
        np.concatenate([w.ravel() for w in before]),
        np.concatenate([w.ravel() for w in model.get_weights()]),
    )


def test_check_gradients_names_the_layer_and_the_weights():
    with pytest.raises(
        AssertionError, match=r"^wrong/scale: expected a gradient equal to its finite difference"
    ):
        check_gradients(model_of(Dense(3), WrongBackward(name="wrong"), Dense(1)), *rows(1))


def test_check_gradients_catches_a_softmax_without_its_jacobian_under_another_loss():
    with pytest.raises(AssertionError, match=r"^dense_1/"):
        check_gradients(model_of(Dense(3), ForgetsItsJacobian()), *rows(3))


def test_check_gradients_catches_a_broken_chain(monkeypatch):
    """The error is smaller than a finite difference can show."""

    def scaled(*arguments, **options):
        result = train_step.forward_backward(*arguments, **options)
        return result._replace(grads=jax.tree.map(lambda g: g * (1 + 5e-7), result.grads))

    monkeypatch.setattr("glassnet.testing.gradients.forward_backward", scaled)
    with pytest.raises(
        AssertionError, match="the chain rule over links to equal the gradient of the network"
    ):
        check_gradients(model_of(Dense(3), Activation("tanh"), Dense(2)), *rows(2))


def test_compilations_counts_programs_not_calls():
    half = jax.jit(lambda x: x / 2)
    with compilations() as compiled:
        half(np.ones(3, np.float32)), half(np.zeros(3, np.float32))
        assert len(compiled) == 1
        half(np.ones(4, np.float32))
    half(np.ones(5, np.float32))
    assert len(compiled) == 2
