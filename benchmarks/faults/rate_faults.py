"""Faults of the learning rate and of the starting weights, and numbers that are not finite."""

from __future__ import annotations

import jax.numpy as jnp
from cases import Case
from problems import (
    Fault,
    Setup,
    change_layer,
    hidden,
    inputs,
    make_case,
    optimize,
    output,
    rate,
    replace,
    settings,
    targets,
)

from glassnet.initializers import Constant, Ones, RandomNormal, Zeros
from glassnet.layers import Dense, SimpleRNN
from glassnet.optimizers import SGD, Adadelta
from glassnet.schedules import ExponentialDecay, PiecewiseConstantDecay

SGD_RATE = optimize(SGD(0.1))


def rate_too_high_cases() -> list[Case]:
    family = "rate_too_high"
    factors = {
        "titanic": (10, 100, 1000),
        "cancer": (30, 300),
        "houses": (3, 10),
        "spiral": (10, 30),
        "digits": (10, 30, 100),
        "fashion": (3, 10, 30),
        "mnist": (10, 30),
        "lines": (10, 30, 100),
        "waves": (10, 100),
        "forecast": (10, 30),
        "series": (10, 100),
        "reviews": (10, 30),
        "memory": (30,),
    }
    momentum = optimize(SGD(0.05, momentum=0.99))
    return [
        *(
            make_case(family, problem, family, rate(factor), grade=f"x{factor}")
            for problem, grades in factors.items()
            for factor in grades
        ),
        *(
            make_case(family, problem, family, momentum, grade="momentum")
            for problem in ("cancer", "houses", "digits", "mnist", "forecast")
        ),
    ]


def rate_too_low_cases() -> list[Case]:
    family = "rate_too_low"
    factors = {
        "titanic": (30, 300),
        "cancer": (100, 1000),
        "houses": (30, 300),
        "spiral": (30, 100),
        "moons": (100,),
        "digits": (10, 100, 1000),
        "fashion": (30, 300),
        "mnist": (30, 300),
        "lines": (30, 300),
        "waves": (30, 100),
        "forecast": (100, 1000),
        "series": (100, 1000),
        "reviews": (100,),
    }
    return [
        *(
            make_case(family, problem, expected, rate(1 / factor), grade=f"1_{factor}")
            for problem, grades in factors.items()
            for factor in grades
            for expected in (f"{family} still_improving" if factor <= 30 else family,)
        ),
        *shrunken_step_cases(),
    ]


def shrunken_step_cases() -> list[Case]:
    """Return steps that a schedule, a clip or an optimizer's default makes too short."""
    family = "rate_too_low"
    decay = lambda steps: optimize(SGD(ExponentialDecay(0.05, steps, 0.5)))  # noqa: E731
    clipped, slow = optimize(SGD(0.05, clipnorm=0.003)), optimize(Adadelta(0.001))
    faults = {
        "decay": (decay(4), ("cancer", "houses", "fashion", "flat_waves")),
        "clip": (clipped, ("cancer", "digits", "forecast")),
        "adadelta": (slow, ("titanic", "digits", "waves", "lines")),
    }
    return [
        make_case(family, problem, family, fault, grade=grade)
        for grade, (fault, problems) in faults.items()
        for problem in problems
    ]


def huge_first_steps(rate_at_first: float, after: float, steps: int = 3) -> Fault:
    """Return the fault of some steps far too long, and a good rate after them."""
    return optimize(SGD(PiecewiseConstantDecay((steps,), (rate_at_first, after))))


def dead_relu_cases() -> list[Case]:
    """Return units that are 0 on every row: by their bias, or by one long step."""
    dead, step = "dead_relu", "dead_relu rate_too_high"
    bias = lambda value: hidden(bias_initializer=Constant(value))  # noqa: E731
    zero_kernel = hidden(
        kernel_initializer=RandomNormal(stddev=1e-3), bias_initializer=Constant(-1)
    )
    return [
        make_case(dead, "digits", dead, bias(-10.0), grade="bias_-10"),
        make_case(dead, "fashion", dead, bias(-30.0), grade="bias_-30"),
        make_case(dead, "mnist", dead, bias(-5.0), grade="bias_-5"),
        make_case(dead, "mnist", dead, zero_kernel, grade="small_kernel"),
        make_case(dead, "titanic", dead, bias(-10.0), grade="bias_-10"),
        make_case(dead, "houses", dead, bias(-20.0), grade="bias_-20"),
        make_case(dead, "spiral", dead, bias(-5.0), grade="bias_-5"),
        make_case(dead, "waves", dead, bias(-10.0), grade="bias_-10"),
        make_case(dead, "flat_waves", dead, bias(-15.0), grade="bias_-15"),
        make_case(dead, "forecast", dead, bias(-10.0), grade="bias_-10"),
        make_case(
            dead, "digits", step, huge_first_steps(30.0, 0.1), also=(SGD_RATE,), grade="step"
        ),
        make_case(dead, "cancer", step, huge_first_steps(100.0, 0.05), grade="step"),
        make_case(dead, "waves", step, huge_first_steps(50.0, 0.1), also=(SGD_RATE,), grade="step"),
        make_case(dead, "houses", step, huge_first_steps(3.0, 0.02, 2), grade="step"),
    ]


def deep(activation: str, depth: int, units: int = 24, stddev: float | None = None) -> Fault:
    """Return the fault of many layers with an activation whose slope is small."""

    def fault(setup: Setup) -> Setup:
        start = "glorot_uniform" if stddev is None else RandomNormal(stddev=stddev)
        body = [layer for layer in setup.layers[:-1] if not isinstance(layer, Dense)]
        body += [Dense(units, activation, kernel_initializer=start) for _ in range(depth)]
        last = change_layer(setup.layers[-1], {"kernel_initializer": start})
        return replace(setup, layers=(*body, last))

    return fault


def vanishing_gradient_cases() -> list[Case]:
    family, sgd = "vanishing_gradient", (SGD_RATE,)
    make = lambda problem, activation, depth, **options: make_case(  # noqa: E731
        family,
        problem,
        family,
        deep(activation, depth, **options),
        also=sgd,
        grade=f"{activation}_{depth}",
    )
    return [
        make("digits", "sigmoid", 5),
        make("digits", "sigmoid", 8),
        make("digits", "tanh", 6, stddev=0.05),
        make("fashion", "sigmoid", 4),
        make("mnist", "sigmoid", 5),
        make("titanic", "sigmoid", 5),
        make("titanic", "sigmoid", 8),
        make("spiral", "sigmoid", 4),
        make("cancer", "tanh", 8, stddev=0.03),
        make("moons", "hard_sigmoid", 6),
        make("flat_waves", "sigmoid", 5),
        make("waves", "sigmoid", 5),
        make("forecast", "sigmoid", 6),
        make("lines", "sigmoid", 5),
    ]


# ---------------------------------------------------------------------------------- weights
def large_weights(stddev: float, activation: str) -> Fault:
    return hidden(kernel_initializer=RandomNormal(stddev=stddev), activation=activation)


def saturated_units_cases() -> list[Case]:
    """Return starting weights so large that tanh and sigmoid have no slope."""
    family = "saturated_units"
    make = lambda problem, activation, stddev: make_case(  # noqa: E731
        family,
        problem,
        family,
        large_weights(stddev, activation),
        twin=(hidden(activation=activation, kernel_initializer="glorot_uniform"),),
        grade=f"{activation}_{stddev:g}",
    )
    return [
        make("digits", "tanh", 3.0),
        make("digits", "sigmoid", 10.0),
        make("fashion", "tanh", 2.0),
        make("mnist", "sigmoid", 10.0),
        make("titanic", "sigmoid", 20.0),
        make("houses", "tanh", 5.0),
        make("moons", "tanh", 20.0),
        make("flat_waves", "tanh", 3.0),
        make("waves", "sigmoid", 15.0),
        make("forecast", "tanh", 10.0),
    ]


def constant_weights_cases() -> list[Case]:
    """Return layers whose units start alike, so that they stay alike."""
    family, wrong = "constant_weights", "wrong_output"
    both = lambda start: (hidden(kernel_initializer=start), output(kernel_initializer=start))  # noqa: E731
    return [
        make_case(family, "digits", wrong, *both(Zeros()), grade="zeros"),
        make_case(family, "digits", wrong, *both(Constant(0.05)), grade="constant"),
        make_case(family, "fashion", wrong, *both(Ones()), grade="ones"),
        make_case(family, "mnist", wrong, *both(Zeros()), grade="zeros"),
        make_case(family, "spiral", wrong, *both(Constant(0.1)), grade="constant"),
        make_case(family, "titanic", wrong, *both(Zeros()), grade="zeros"),
        make_case(family, "houses", wrong, *both(Zeros()), grade="zeros"),
        make_case(family, "moons", wrong, *both(Constant(0.5)), grade="constant"),
        make_case(family, "waves", wrong, *both(Zeros()), grade="zeros"),
        make_case(family, "flat_waves", wrong, *both(Constant(0.02)), grade="constant"),
        make_case(family, "forecast", wrong, *both(Zeros()), grade="zeros"),
    ]


# ---------------------------------------------------------------------------------- not finite
def logarithm(x: jnp.ndarray) -> jnp.ndarray:
    return jnp.log(x)


def root(x: jnp.ndarray) -> jnp.ndarray:
    return jnp.sqrt(x)


def share_of_sum(x: jnp.ndarray) -> jnp.ndarray:
    return x / jnp.sum(jnp.maximum(x, 0.0), -1, keepdims=True)


def log_of_output(y_true: jnp.ndarray, y_pred: jnp.ndarray) -> jnp.ndarray:
    """Return the mean cross-entropy without a lowest probability."""
    p = jnp.maximum(y_pred, 0.0)
    return -jnp.mean(y_true * jnp.log(p) + (1 - y_true) * jnp.log(1 - p), -1)


def relative_error(y_true: jnp.ndarray, y_pred: jnp.ndarray) -> jnp.ndarray:
    """Return the mean of squared errors relative to the target, which may be 0."""
    return jnp.mean(jnp.square((y_true - y_pred) / y_true), -1)


def spikes(share: float) -> Fault:
    """Return the fault of rare inputs that are huge, as after a division by almost zero."""

    def change(x):
        x = x.copy()
        x.reshape(-1)[:: round(1 / share)] = 3e38
        return x

    return inputs(change)


def rnn(scale: float, activation: str = "relu") -> Fault:
    """Return the fault of a recurrent layer whose state grows with every step."""
    start = RandomNormal(stddev=scale)
    last = lambda setup: setup.layers[-1]  # noqa: E731
    layer = SimpleRNN(24, activation, recurrent_initializer=start)
    return lambda setup: replace(setup, layers=(layer, last(setup)))


def not_finite_cases() -> list[Case]:
    family = "not_finite"
    make = lambda problem, *faults, **options: make_case(  # noqa: E731
        family, problem, options.pop("expected", family), *faults, **options
    )
    linear = (output(activation=None), settings(loss=log_of_output))
    rounded = targets(lambda y: y.round(1))
    high, large = "not_finite rate_too_high", "not_finite target_scale rate_too_high"
    dollars = targets(lambda y: (y * 79_000 + 181_000).astype("float32"))
    return [
        make("titanic", *linear, grade="log_loss"),
        make("cancer", hidden(activation=logarithm), grade="logarithm"),
        make("digits", hidden(activation=logarithm), grade="logarithm"),
        make("digits", hidden(activation=root), grade="root"),
        make("mnist", hidden(activation=share_of_sum), grade="division"),
        make("fashion", spikes(1e-4), grade="input", expected="not_finite raw_scale"),
        make("houses", spikes(1e-3), grade="input", expected="not_finite raw_scale"),
        make("houses", rounded, settings(loss=relative_error), grade="relative"),
        make("forecast", rounded, settings(loss=relative_error), grade="relative"),
        make("houses", rate(100), grade="rate", expected=high),
        make("forecast", rate(300), grade="rate", expected=high),
        make("houses", dollars, grade="dollars", expected=large),
        make("series", rnn(1.5), SGD_RATE, grade="rnn", expected=high),
        make("lines", rnn(4.0), SGD_RATE, grade="rnn", expected=high),
        make("waves", hidden(activation=root), grade="root"),
    ]


def cases() -> list[Case]:
    """Return all cases of this file."""
    return [
        *rate_too_high_cases(),
        *rate_too_low_cases(),
        *dead_relu_cases(),
        *vanishing_gradient_cases(),
        *saturated_units_cases(),
        *constant_weights_cases(),
        *not_finite_cases(),
    ]
