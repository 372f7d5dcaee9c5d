"""Losses and last layers: every line of the table in `objective`."""

import jax.numpy as jnp
import numpy as np
import pytest

from glassnet import Sequential
from glassnet.engine.objective import check_loss, infer_loss, last_activation
from glassnet.errors import ConfigError
from glassnet.layers import Activation, Dense, Input
from glassnet.layers.functional import unfold
from glassnet.losses import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    HalfMeanSquaredError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)


def ends(*activations, units=3):
    return unfold([Dense(units, activation=activations[0]), *map(Activation, activations[1:])])


CATEGORICAL = [SparseCategoricalCrossentropy, CategoricalCrossentropy, CategoricalFocalCrossentropy]
BINARY = [BinaryCrossentropy, BinaryFocalCrossentropy]
CROSS_ENTROPIES = [*CATEGORICAL, *BINARY]


def partner(kind):
    return "sigmoid" if kind in BINARY else "softmax"


def test_last_activation():
    def mine(z):
        return z

    assert last_activation(()) == "linear"
    assert last_activation(ends(None)) == "linear"
    assert last_activation(ends("tanh")) == "tanh"
    assert last_activation(ends("tanh", "sigmoid")) == "sigmoid"
    assert last_activation(ends(mine)) == "the function mine"


@pytest.mark.parametrize("kind", CROSS_ENTROPIES)
def test_pairs_that_fit(kind):
    check_loss(ends(partner(kind)), kind(), (3,))
    check_loss(ends(None, partner(kind)), kind(), (3,))
    check_loss(ends("relu", partner(kind)), kind(), (3,))
    check_loss(ends(None), kind(from_logits=True), (3,))
    check_loss(ends("linear"), kind(from_logits=True))


@pytest.mark.parametrize("loss", [MeanSquaredError(), HalfMeanSquaredError()], ids=str)
@pytest.mark.parametrize("activation", [None, "sigmoid", "softmax", "relu"])
def test_other_losses_take_any_last_layer(loss, activation):
    """A sigmoid with half the squared error is the network of lecture 003."""
    check_loss(ends(activation), loss, (3,))


@pytest.mark.parametrize("kind", CROSS_ENTROPIES)
@pytest.mark.parametrize("activation", [None, "relu", "tanh"])
def test_a_cross_entropy_without_its_partner(kind, activation):
    name, wanted = kind.__name__, partner(kind)
    text = (
        rf"^{name}: expected a network that ends in {wanted}\. Received: ends_in='{activation or 'linear'}'\. "
        rf'Write Dense\(\.\.\., activation="{wanted}"\), or {name}\(from_logits=True\) after a layer without activation\.$'
    )
    with pytest.raises(ConfigError, match=text):
        check_loss(ends(activation), kind())
    with pytest.raises(ConfigError, match=text):
        Sequential([Dense(3, activation=activation)]).compile(loss=kind())


def test_a_cross_entropy_with_the_others_partner():
    with pytest.raises(
        ConfigError,
        match=r"BinaryCrossentropy: expected a network that ends in sigmoid\. Received: ends_in='softmax'",
    ):
        check_loss(ends("softmax"), BinaryCrossentropy())
    with pytest.raises(
        ConfigError,
        match=r"CategoricalCrossentropy: expected a network that ends in softmax\. Received: ends_in='sigmoid'",
    ):
        check_loss(ends("sigmoid"), CategoricalCrossentropy())


def test_a_function_of_ones_own_is_named_by_its_name():
    def squash(z):
        return jnp.tanh(z)

    with pytest.raises(ConfigError, match=r"Received: ends_in='the function squash'\. Write Dense"):
        check_loss(ends(squash), BinaryCrossentropy())


@pytest.mark.parametrize("kind", CROSS_ENTROPIES)
def test_logits_behind_an_activation(kind):
    name, used = kind.__name__, partner(kind)
    text = (
        rf"^{name}\(from_logits=True\): expected a last layer without activation \(its outputs are the logits\)\. "
        rf"Received: ends_in='{used}'\. "
        rf"Remove the activation of the last layer, or from_logits=True: the loss would apply {used} to it again\.$"
    )
    with pytest.raises(ConfigError, match=text):
        check_loss(ends(used), kind(from_logits=True))


@pytest.mark.parametrize("before", ["softmax", "sigmoid"])
def test_softmax_twice(before):
    text = (
        rf"^CategoricalCrossentropy: expected one activation before the loss, softmax\. Received: ends_in='{before}, softmax'\. "
        rf"Keep one of them: softmax of {before} flattens the probabilities, and training becomes very slow\.$"
    )
    with pytest.raises(ConfigError, match=text):
        check_loss(ends(before, "softmax"), CategoricalCrossentropy())


def test_softmax_of_one_output():
    for links, loss in (
        (ends("softmax", units=1), SparseCategoricalCrossentropy()),
        (ends(None), CategoricalCrossentropy(from_logits=True)),
    ):
        text = (
            r"at least 2 outputs, one per class\. Received: outputs=1\. A softmax of one output is always 1: write "
            r'Dense\(1, activation="sigmoid"\)'
        )
        with pytest.raises(ConfigError, match=text):
            check_loss(links, loss, (1,))
    with pytest.raises(ConfigError, match="at least 2 outputs"):
        Sequential([Input(2), Dense(1, activation="softmax")]).fit(
            np.zeros((4, 2)), [0] * 4, verbose=0
        )


WHOLE, PARTS = np.array([0, 1, 2, 1]), np.array([0.25, 0.5, 1, 0])


@pytest.mark.parametrize(
    ("activation", "outputs", "y", "loss", "metrics"),
    [
        ("softmax", (3,), WHOLE, SparseCategoricalCrossentropy(), ("accuracy",)),
        ("softmax", (3,), np.eye(3), SparseCategoricalCrossentropy(), ("accuracy",)),
        ("sigmoid", (1,), WHOLE % 2, BinaryCrossentropy(), ("accuracy",)),
        ("sigmoid", (1,), np.array([True, False]), BinaryCrossentropy(), ("accuracy",)),
        ("sigmoid", (3,), np.eye(3), BinaryCrossentropy(), ("accuracy",)),
        ("sigmoid", (4,), PARTS[None], BinaryCrossentropy(), ()),
        ("sigmoid", (1,), PARTS, MeanSquaredError(), ()),
        (None, (3,), WHOLE, SparseCategoricalCrossentropy(from_logits=True), ("accuracy",)),
        (
            None,
            (3,),
            WHOLE[:, None].astype(float),
            SparseCategoricalCrossentropy(from_logits=True),
            ("accuracy",),
        ),
        (None, (3,), np.eye(3), MeanSquaredError(), ()),
        (None, (1,), WHOLE, MeanSquaredError(), ()),
        (None, (3,), PARTS, MeanSquaredError(), ()),
        ("relu", (3,), WHOLE, MeanSquaredError(), ()),
    ],
)
def test_what_is_inferred(activation, outputs, y, loss, metrics):
    """Oracle: the table in the docstring. The inferred loss fits the last layer."""
    links = ends(activation, units=outputs[0])
    got = infer_loss(links, outputs, y)
    assert got[:2] == (loss, metrics)
    check_loss(links, got.loss, outputs)


@pytest.mark.parametrize(
    ("y", "text"),
    [
        (
            WHOLE,
            r'Received: smallest=0, largest=2\. For 3 classes end in Dense\(3, activation="softmax"\)\. For numbers '
            r"end without activation",
        ),
        (
            np.array([-1, 1]),
            r"Received: smallest=-1, largest=1\. Name the two classes 0 and 1\. For numbers end without activation",
        ),
        (
            np.array([0.5, 3.5]),
            r"Received: smallest=0\.5, largest=3\.5\. For numbers end without activation, or name the loss in compile\.$",
        ),
    ],
    ids=["three-classes", "signs", "numbers"],
)
def test_a_sigmoid_that_cannot_reach_its_targets(y, text):
    with pytest.raises(
        ConfigError,
        match=r"^fit: expected targets from 0 to 1, as the last layer is a sigmoid\. " + text,
    ):
        infer_loss(ends("sigmoid", units=1), (1,), y)
    with pytest.raises(ConfigError, match="as the last layer is a sigmoid"):
        Sequential([Dense(1, activation="sigmoid")]).fit(np.zeros((len(y), 2)), y, verbose=0)
