"""Faults of the layers, the output, the loss, the penalties, and of layers of two modes."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from cases import Case
from problems import (
    Fault,
    Setup,
    as_numbers,
    change_layer,
    fewer,
    fit_with,
    hidden,
    insert,
    make_case,
    optimize,
    output,
    rate,
    replace,
    settings,
    targets,
)

from glassnet.initializers import Constant
from glassnet.layers import (
    Activation,
    AlphaDropout,
    BatchNormalization,
    Dense,
    Dropout,
    GaussianNoise,
    GlobalAveragePooling1D,
    Layer,
)
from glassnet.optimizers import SGD, Adam
from glassnet.regularizers import L1, L2


# ---------------------------------------------------------------------------------- output, loss
def wrong_activation_cases() -> list[Case]:
    """Return output activations whose range does not hold the targets."""
    family, wrong = "output_range", "wrong_output"
    make = lambda problem, activation, *faults: make_case(  # noqa: E731
        family, problem, wrong, output(activation=activation), also=faults, grade=activation
    )
    wide = targets(lambda y: (y * 3).astype(np.float32))
    tens = targets(lambda y: (y + 4).astype(np.float32))
    slow = rate(0.1)
    return [
        make("houses", "sigmoid"),
        make("houses", "tanh"),
        make("houses", "relu"),
        make("houses", "softmax"),
        make("forecast", "sigmoid"),
        make("forecast", "tanh", wide, slow),
        make("forecast", "softmax"),
        make("series", "relu"),
        make("series", "sigmoid", tens),
        make("digits", "tanh", *as_numbers(0.3)),
        make("fashion", "relu", *as_numbers(0.3, -1.5), slow),
        make("mnist", "sigmoid", *as_numbers(1.0), slow),
    ]


def as_number(activation: str | None, loss: str = "mse") -> Fault:
    """Return the fault of class numbers that are learned as one number."""

    def fault(setup: Setup) -> Setup:
        return replace(setup, layers=(*setup.layers[:-1], Dense(1, activation)), loss=loss)

    return fault


def flipped_loss(y_true: jnp.ndarray, y_pred: jnp.ndarray) -> jnp.ndarray:
    return -jnp.mean(jnp.square(y_true - y_pred), -1)


def flipped_log_loss(y_true: jnp.ndarray, y_pred: jnp.ndarray) -> jnp.ndarray:
    p = jnp.clip(y_pred, 1e-6, 1 - 1e-6)
    return jnp.mean(y_true * jnp.log(p) + (1 - y_true) * jnp.log(1 - p), -1)


def relu_then(activation: str) -> Fault:
    """Return the fault of a relu between the last sum and its softmax or sigmoid."""

    def fault(setup: Setup) -> Setup:
        last = change_layer(setup.layers[-1], {"activation": "relu"})
        return replace(setup, layers=(*setup.layers[:-1], last, Activation(activation)))

    return fault


def relu_before_output_cases() -> list[Case]:
    """Return outputs whose sums cannot be negative, so that no probability comes near 0."""
    family, expected = "relu_before_output", "wrong_output dead_relu"
    binary, several = relu_then("sigmoid"), relu_then("softmax")
    problems = {"cancer": binary, "titanic": binary, "reviews": binary}
    problems |= dict.fromkeys(("digits", "fashion", "spiral", "waves", "lines"), several)
    return [make_case(family, problem, expected, fault) for problem, fault in problems.items()]


def wrong_loss_cases() -> list[Case]:
    family, wrong = "wrong_loss", "wrong_output"
    flipped, expected = "flipped_loss", "wrong_output rate_too_high"
    return [
        make_case(family, "digits", wrong, as_number("sigmoid"), grade="mse_sigmoid"),
        make_case(family, "fashion", wrong, as_number("sigmoid"), grade="mse_sigmoid"),
        make_case(family, "digits", wrong, as_number(None), grade="mse_linear"),
        make_case(family, "mnist", wrong, as_number(None), grade="mse_linear"),
        make_case(family, "lines", wrong, as_number(None), grade="mse_linear"),
        make_case(family, "spiral", wrong, as_number("tanh"), grade="mse_tanh"),
        make_case(family, "waves", wrong, as_number("sigmoid"), grade="mse_sigmoid"),
        make_case(flipped, "houses", expected, settings(loss=flipped_loss)),
        make_case(flipped, "forecast", expected, settings(loss=flipped_loss)),
        make_case(flipped, "titanic", expected, settings(loss=flipped_log_loss)),
        make_case(flipped, "moons", expected, settings(loss=flipped_log_loss)),
        make_case(flipped, "digits", expected, settings(loss=flipped_loss), also=as_numbers(0.3)),
        make_case(flipped, "reviews", expected, settings(loss=flipped_log_loss)),
    ]


# ---------------------------------------------------------------------------------- capacity
def linear_stack_cases() -> list[Case]:
    family = "linear_stack"
    linear, odd = hidden(activation=None), targets(lambda y: y % 2)
    problems = ("spiral", "moons", "flat_waves", "waves")
    parity = (odd, output(units=1, activation="sigmoid"), settings(loss="binary_crossentropy"))
    return [
        *(make_case(family, problem, family, linear) for problem in problems),
        make_case(family, "digits", family, linear, also=parity, grade="parity"),
        make_case(family, "mnist", family, linear, also=parity, grade="parity"),
        make_case(family, "fashion", family, linear, also=parity, grade="parity"),
        make_case(family, "circles", family, linear),
    ]


def narrow(units: int, activation: str = "relu") -> Fault:
    """Return the fault of a layer of few units in front of the last."""
    return insert(lambda: Dense(units, activation), after_each=False)


def average_first(layers: tuple[Layer, ...]) -> Fault:
    """Return the fault of a mean over the steps in front, which loses their order."""
    return lambda setup: replace(
        setup, layers=(GlobalAveragePooling1D(), *layers, setup.layers[-1])
    )


def frozen(stddev_bias: float) -> Fault:
    """Return the fault of hidden layers that are not trained, with units that mix everything."""
    return hidden(trainable=False, bias_initializer=Constant(stddev_bias), units=2)


def too_small_cases() -> list[Case]:
    family, expected = "too_small", "no_better_than_baseline"
    mixed = (Dense(16, "relu"),)
    return [
        make_case(family, "digits", expected, narrow(1), grade="one_unit"),
        make_case(family, "fashion", f"{expected} dead_relu", narrow(1), grade="one_unit"),
        make_case(family, "mnist", expected, narrow(1, "tanh"), grade="one_tanh"),
        make_case(family, "lines", expected, narrow(1), grade="one_unit"),
        make_case(family, "digits", expected, hidden(units=2), grade="two_units"),
        make_case(family, "memory", expected, average_first(mixed), grade="mean"),
        make_case(family, "lines", expected, average_first(mixed), grade="mean"),
        make_case(family, "houses", expected, frozen(0.0), grade="frozen"),
        make_case(family, "fashion", expected, frozen(0.0), grade="frozen"),
        make_case(family, "titanic", expected, frozen(-1.0), grade="frozen"),
    ]


# ---------------------------------------------------------------------------------- penalties
def penalty(regularizer: Any) -> Fault:
    return hidden(kernel_regularizer=regularizer)


def drop(share: float) -> Fault:
    return insert(lambda: Dropout(share))


def over_regularized_cases() -> list[Case]:
    family = "over_regularized"
    faults = {"l2": lambda v: penalty(L2(v)), "l1": lambda v: penalty(L1(v)), "dropout": drop}
    grades = {
        "digits": (("l2", 0.1), ("l2", 1.0), ("l1", 0.02), ("dropout", 0.8), ("dropout", 0.95)),
        "fashion": (("l2", 0.3), ("dropout", 0.9)),
        "mnist": (("l2", 1.0), ("l1", 0.1), ("dropout", 0.95)),
        "titanic": (("l2", 1.0), ("l1", 0.1), ("dropout", 0.95)),
        "houses": (("l2", 3.0), ("l1", 1.0), ("dropout", 0.8)),
        "spiral": (("l2", 0.1), ("dropout", 0.8)),
        "lines": (("l2", 1.0), ("l1", 0.05)),
        "waves": (("l2", 0.3), ("dropout", 0.95)),
        "flat_waves": (("l1", 0.05), ("dropout", 0.9)),
        "forecast": (("l2", 1.0), ("dropout", 0.9)),
    }
    return [
        make_case(family, problem, family, faults[kind](value), grade=f"{kind}_{value:g}")
        for problem, pairs in grades.items()
        for kind, value in pairs
    ]


# ---------------------------------------------------------------------------------- two modes
def normalize(momentum: float) -> Fault:
    return insert(lambda: BatchNormalization(momentum=momentum))


def in_front(layer: Layer) -> Fault:
    return lambda setup: replace(setup, layers=(layer, *setup.layers))


def training_mode_gap_cases() -> list[Case]:
    """Return layers that do another thing in training than after it, by a lot."""
    family = "training_mode_gap"
    slow = lambda problem, momentum, *also: make_case(  # noqa: E731
        family,
        problem,
        family,
        normalize(momentum),
        twin=(normalize(0.9),),
        also=(settings(epochs=8), *also),
        grade=f"momentum_{momentum:g}",
    )
    pairs = (settings(batch_size=2, epochs=3), fewer(400))
    small = lambda problem, *also: make_case(  # noqa: E731
        family,
        problem,
        family,
        *pairs,
        also=(normalize(0.9), *also),
        twin=(settings(epochs=12), fewer(400)),
        grade="batches_of_2",
    )
    noisy = lambda problem, layer, grade: make_case(  # noqa: E731
        family, problem, f"{family} over_regularized", in_front(layer), grade=grade
    )
    return [
        slow("digits", 0.9999),
        slow("fashion", 0.9999),
        slow("mnist", 0.9999),
        slow("titanic", 0.9999),
        slow("flat_waves", 0.9999),
        slow("houses", 0.999),
        slow("digits", 0.999),
        slow("forecast", 0.9999),
        small("digits"),
        small("titanic"),
        small("flat_waves"),
        noisy("digits", Dropout(0.9), "input_dropout"),
        noisy("houses", GaussianNoise(3.0), "input_noise"),
        noisy("lines", Dropout(0.9), "input_dropout"),
        noisy("titanic", AlphaDropout(0.8), "input_dropout"),
    ]


# ---------------------------------------------------------------------------------- one class
def predicts_one_class_cases() -> list[Case]:
    """Return weights of classes, or a first bias, that lead to one answer for every row."""
    family, expected = "predicts_one_class", "predicts_one_class class_imbalance"
    weigh = lambda setup: fit_with(  # noqa: E731
        class_weight={c: 200.0 if c == 1 else 1.0 for c in range(int(setup.train.y.max()) + 1)}
    )(setup)
    bias = lambda value: output(bias_initializer=Constant(value))  # noqa: E731
    sgd, few = optimize(SGD(0.01)), settings(epochs=4)
    names, adam = ("titanic", "moons", "spiral", "waves"), optimize(Adam(0.001))
    return [
        *(make_case(family, name, expected, weigh, also=(few,), grade="weights") for name in names),
        make_case(family, "fashion", expected, weigh, also=(adam, few), grade="weights"),
        make_case(family, "mnist", expected, weigh, also=(adam, few), grade="weights"),
        make_case(family, "reviews", expected, weigh, grade="weights"),
        make_case(family, "titanic", expected, bias(10.0), also=(sgd, few), grade="bias"),
        make_case(family, "cancer", expected, bias(10.0), also=(sgd, few), grade="bias"),
    ]


def cases() -> list[Case]:
    """Return all cases of this file."""
    return [
        *wrong_activation_cases(),
        *relu_before_output_cases(),
        *wrong_loss_cases(),
        *linear_stack_cases(),
        *too_small_cases(),
        *over_regularized_cases(),
        *training_mode_gap_cases(),
        *predicts_one_class_cases(),
    ]
