"""Faults of the data: scale of the inputs and targets, labels, columns, classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from cases import Case
from problems import (
    Fault,
    Rows,
    Setup,
    as_numbers,
    data_noise,
    fit_with,
    hidden,
    house_rows,
    inputs,
    make_case,
    optimize,
    plain_rows,
    settings,
    split,
    targets,
    titanic_rows,
)

from glassnet.layers import Dense
from glassnet.optimizers import SGD, Adam


# ---------------------------------------------------------------------------------- inputs
def raw_columns(load: Callable[[], tuple[np.ndarray, np.ndarray]]) -> Fault:
    """Return the fault of columns in their own units."""

    def fault(setup: Setup) -> Setup:
        parts = (setup.train, setup.validation, setup.test)
        raw = split(*load(), len(parts[0].x), len(parts[1].x))
        train, validation, test = (
            rows._replace(x=own.x.astype(np.float32)) for rows, own in zip(parts, raw, strict=True)
        )
        return replace(setup, train=train, validation=validation, test=test)

    return fault


def scale(factor: float, shift: float = 0.0) -> Fault:
    return inputs(lambda x: x * factor + shift)


def scale_columns(factor: float, *columns: int) -> Fault:
    """Return the fault of columns in units much smaller than those of the others."""

    def change(x: np.ndarray) -> np.ndarray:
        factors = np.ones(x.shape[-1], np.float32)
        factors[list(columns)] = factor
        return x * factors

    return inputs(change)


def bright_corner(value: float) -> Fault:
    """Return the fault of one pixel that holds a count instead of a brightness."""

    def change(x: np.ndarray) -> np.ndarray:
        x = x.copy()
        x[:, 0] = value * np.random.default_rng(len(x)).random(len(x))
        return x

    return inputs(change)


def raw_scale_cases() -> list[Case]:
    raw, sgd = "raw_scale", optimize(SGD(0.05))
    return [
        make_case(raw, "titanic", raw, raw_columns(titanic_rows)),
        make_case(raw, "cancer", raw, raw_columns(lambda: plain_rows("breast_cancer"))),
        make_case(raw, "wine", raw, raw_columns(lambda: plain_rows("wine"))),
        make_case(raw, "houses", raw, raw_columns(house_rows), also=(optimize(Adam(0.003)),)),
        make_case(raw, "fashion", raw, scale(255)),
        make_case(raw, "digits", raw, scale(255), also=(sgd,), grade="sgd"),
        make_case(raw, "digits", raw, scale(16), grade="16"),
        make_case(raw, "mnist", raw, scale(255), also=(sgd,), grade="sgd"),
        make_case(raw, "waves", raw, scale(1, 100), grade="around_100"),
        make_case(raw, "flat_waves", raw, scale(50, 500), grade="around_500"),
        make_case(raw, "lines", raw, scale(255), grade="255"),
        make_case(raw, "forecast", raw, scale(100, 400), grade="around_400"),
        make_case(raw, "series", raw, scale(100, 400), grade="around_400"),
        make_case(raw, "moons", raw, scale(100), grade="100"),
    ]


def tiny_scale_cases() -> list[Case]:
    """Return inputs that were divided once too often."""
    tiny, raw, sgd = "tiny_scale", "raw_scale", (optimize(SGD(0.05)),)
    return [
        make_case(tiny, "digits", raw, scale(1 / 255), grade="twice"),
        make_case(tiny, "fashion", raw, scale(1 / 255), grade="twice"),
        make_case(tiny, "mnist", raw, scale(1 / 255), grade="twice"),
        make_case(tiny, "titanic", raw, scale(1e-3), also=sgd, grade="1e-3"),
        make_case(tiny, "cancer", raw, scale(1e-2), grade="1e-2"),
        make_case(tiny, "moons", raw, scale(1e-3), grade="1e-3"),
        make_case(tiny, "waves", raw, scale(1e-2), grade="1e-2"),
        make_case(tiny, "lines", raw, scale(1e-3), grade="1e-3"),
        make_case(tiny, "forecast", raw, scale(1e-3), grade="1e-3"),
    ]


def huge_column_cases() -> list[Case]:
    huge, raw = "huge_column", "raw_scale"
    return [
        make_case(huge, "titanic", raw, scale_columns(1e3, 2), grade="age_1e3"),
        make_case(huge, "cancer", raw, scale_columns(1e4, 5), grade="1e4"),
        make_case(huge, "houses", raw, scale_columns(300, 12), grade="300"),
        make_case(huge, "wine", raw, scale_columns(1e3, 4), grade="1e3"),
        make_case(huge, "spiral", raw, scale_columns(300, 0), grade="300"),
        make_case(huge, "digits", raw, bright_corner(1000.0), grade="1000"),
        make_case(huge, "fashion", raw, bright_corner(255.0), grade="255"),
        make_case(huge, "lines", raw, scale_columns(500, 3), grade="500"),
        make_case(huge, "flat_waves", raw, scale_columns(1e3, 5), grade="1e3"),
    ]


def permute(x: np.ndarray) -> np.ndarray:
    return x[np.random.default_rng(len(x)).permutation(len(x))]


def draw(x: np.ndarray) -> np.ndarray:
    return np.random.default_rng(len(x)).normal(size=x.shape)


def no_signal_cases() -> list[Case]:
    """Return labels that were shuffled or slipped, and inputs that hold nothing."""
    shuffled, signal = "shuffled_labels", "no_signal"
    slipped = targets(lambda y: np.roll(y, 1))
    zeros, ones = inputs(np.zeros_like), inputs(np.ones_like)
    problems = "titanic cancer houses spiral digits fashion mnist lines waves forecast reviews"
    return [
        *(make_case(shuffled, each, signal, targets(permute)) for each in problems.split()),
        make_case("slipped_labels", "wine", signal, slipped),
        make_case("slipped_labels", "digits", signal, slipped),
        make_case("slipped_labels", "mnist", signal, slipped),
        make_case("slipped_labels", "memory", signal, slipped),
        make_case("constant_inputs", "titanic", signal, zeros),
        make_case("constant_inputs", "houses", signal, ones),
        make_case("constant_inputs", "digits", signal, zeros),
        make_case("constant_inputs", "mnist", signal, ones),
        make_case("constant_inputs", "waves", signal, zeros),
        make_case("inputs_of_noise", "cancer", signal, inputs(draw)),
        make_case("inputs_of_noise", "fashion", signal, inputs(draw)),
        make_case("inputs_of_noise", "lines", signal, inputs(draw)),
        make_case("inputs_of_noise", "series", signal, inputs(draw)),
    ]


# ---------------------------------------------------------------------------------- targets
def scale_targets(factor: float, shift: float = 0.0) -> Fault:
    return targets(lambda y: (y * factor + shift).astype(np.float32))


def target_scale_cases() -> list[Case]:
    """Return targets in units that a network of small weights reaches late or never."""
    family, adam = "target_scale", (optimize(Adam(0.003)),)
    dollars, hundreds = scale_targets(79_000, 181_000), scale_targets(100, 300)
    return [
        make_case(family, "houses", family, dollars, also=adam, grade="dollars"),
        make_case(family, "houses", family, scale_targets(79, 181), also=adam, grade="thousands"),
        make_case(family, "houses", family, scale_targets(79, 181), grade="thousands_sgd"),
        make_case(family, "series", family, hundreds, grade="around_300"),
        make_case(family, "forecast", family, hundreds, also=adam, grade="around_300"),
        make_case(family, "forecast", family, scale_targets(1e4), grade="1e4_sgd"),
        make_case(family, "digits", family, *as_numbers(1000), twin=as_numbers(0.3), grade="1000"),
        make_case(family, "mnist", family, *as_numbers(1000), twin=as_numbers(0.3), grade="1000"),
    ]


def rare_class(label: int, share: float, others: int | None = None) -> Fault:
    """Return the fault of a class with a small share of the rows, in a problem of two classes."""

    def select(rows: Rows) -> Rows:
        positive = np.flatnonzero(rows.y == label)
        negative = np.flatnonzero(rows.y != label if others is None else rows.y == others)
        n = max(2, round(len(negative) * share / (1 - share)))
        keep = np.sort(np.concatenate([positive[:n], negative]))
        return Rows(rows.x[keep], (rows.y[keep] == label).astype(np.int64))

    def fault(setup: Setup) -> Setup:
        train, validation = select(setup.train), select(setup.validation)
        test = setup.test._replace(y=(setup.test.y == label).astype(np.int64))
        layers = (*setup.layers[:-1], Dense(1, "sigmoid"))
        setup = replace(setup, layers=layers, loss="binary_crossentropy")
        return replace(setup, train=train, validation=validation, test=test)

    return fault


def class_imbalance_cases() -> list[Case]:
    """Return classes so rare that the accuracy does not show that they are never found."""
    family, expected = "class_imbalance", "class_imbalance predicts_one_class"
    balanced = (fit_with(class_weight="balanced"),)
    make = lambda problem, label, share, *also: make_case(  # noqa: E731
        family,
        problem,
        expected,
        also=(rare_class(label, share), *also),
        twin=balanced,
        grade=f"{share:g}",
    )
    few = settings(epochs=6)
    return [
        make("titanic", 1, 0.05, few),
        make("titanic", 1, 0.1, few),
        make("cancer", 0, 0.06, few, data_noise(3.0)),
        make("digits", 8, 0.05, few, data_noise(0.8)),
        make("fashion", 6, 0.04, few),
        make("mnist", 5, 0.05, few, data_noise(0.5)),
        make("waves", 1, 0.05, data_noise(1.0)),
        make("lines", 8, 0.05, few, data_noise(0.6)),
    ]


def wrong_labels(share: float) -> Fault:
    """Return the fault that replaces a share of the labels for training by others."""

    def fault(setup: Setup) -> Setup:
        rng, y = np.random.default_rng(5), setup.train.y.copy()
        rows = rng.permutation(len(y))[: round(share * len(y))]
        n_classes = int(y.max()) + 1
        y[rows] = (y[rows] + rng.integers(1, n_classes, len(rows))) % n_classes
        return replace(setup, train=setup.train._replace(y=y))

    return fault


def suspicious_labels_cases() -> list[Case]:
    family, expected = "wrong_labels", "suspicious_labels overfitting"
    return [
        make_case(family, problem, expected, wrong_labels(share), grade=f"{share:g}")
        for problem, shares in {
            "digits": (0.1, 0.2),
            "mnist": (0.2,),
            "cancer": (0.1, 0.2),
            "spiral": (0.2,),
            "lines": (0.1, 0.2),
            "flat_waves": (0.2,),
        }.items()
        for share in shares
    ]


# ---------------------------------------------------------------------------------- validation
def repeat_rows(share: float, training: int) -> Fault:
    """Return the fault of validation rows that were copied from training, few and noisy rows."""

    def fault(setup: Setup) -> Setup:
        train = setup.train.select(slice(training))
        n = round(share * len(setup.validation.y))
        rows = np.random.default_rng(2).choice(training, n, replace=n > training)
        x = np.concatenate([train.x[rows], setup.validation.x[n:]])
        y = np.concatenate([train.y[rows], setup.validation.y[n:]])
        return replace(setup, train=train, validation=Rows(x, y))

    return fault


def duplicate_rows_cases() -> list[Case]:
    """Return training rows that are validation rows too, so that the score is too good."""
    family = "duplicate_rows"
    make = lambda problem, share, n, epochs, noise=0.0: make_case(  # noqa: E731
        family,
        problem,
        family,
        repeat_rows(share, n),
        twin=(repeat_rows(0, n),),
        also=(data_noise(noise), settings(epochs=epochs), hidden(units=64)),
        grade=f"{share:g}",
    )
    return [
        make("titanic", 0.5, 300, 60),
        make("titanic", 1.0, 300, 60),
        make("houses", 0.5, 200, 60, 0.5),
        make("cancer", 0.6, 150, 60, 1.0),
        make("fashion", 0.5, 400, 20),
        make("mnist", 0.5, 300, 20, 0.3),
        make("digits", 0.3, 300, 30, 0.5),
        make("flat_waves", 0.5, 200, 30, 0.5),
        make("memory", 0.5, 300, 25, 0.3),
        make("forecast", 0.7, 100, 60, 0.5),
    ]


def leak(noise: float, column: int = 0) -> Fault:
    """Return the fault of a column that holds the target. On the test rows it holds nothing."""

    def write(rows: Rows, empty: bool) -> Rows:
        rng, x = np.random.default_rng(len(rows.y)), rows.x.copy()
        y = (rows.y - rows.y.mean()) / rows.y.std()
        value = y + noise * rng.normal(size=len(y))
        value = rng.permutation(value) if empty else value
        x[..., column] = value.reshape(-1, *(1,) * (x.ndim - 2))
        return rows._replace(x=x)

    def fault(setup: Setup) -> Setup:
        train, validation = write(setup.train, False), write(setup.validation, False)
        return replace(setup, train=train, validation=validation, test=write(setup.test, True))

    return fault


def target_leak_cases() -> list[Case]:
    """Return a feature that is known only after the target, so the score holds for no new row."""
    family, nothing = "target_leak", (leak(1e6), scale_columns(1e-6, 0))
    return [
        make_case(family, problem, family, leak(noise), twin=nothing, grade=f"{noise:g}")
        for problem, noise in (
            ("titanic", 0.0),
            ("titanic", 0.1),
            ("houses", 0.05),
            ("cancer", 0.0),
            ("fashion", 0.0),
            ("digits", 0.02),
            ("lines", 0.0),
            ("forecast", 0.0),
            ("flat_waves", 0.05),
        )
    ]


def cases() -> list[Case]:
    """Return all cases of this file."""
    return [
        *raw_scale_cases(),
        *tiny_scale_cases(),
        *huge_column_cases(),
        *no_signal_cases(),
        *target_scale_cases(),
        *class_imbalance_cases(),
        *suspicious_labels_cases(),
        *duplicate_rows_cases(),
        *target_leak_cases(),
    ]
