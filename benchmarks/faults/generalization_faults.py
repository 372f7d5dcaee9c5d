"""Faults that show on new rows, and runs that end too early or are judged on too few rows."""

from __future__ import annotations

import numpy as np
from cases import Case
from problems import (
    Fault,
    Rows,
    Setup,
    data_noise,
    fewer,
    fit_with,
    hidden,
    make_case,
    rate,
    replace,
    settings,
)

from glassnet.callbacks import EarlyStopping


def long(problem: str, rows: int, epochs: int, units: int, *faults: Fault, grade: str = "") -> Case:
    """Return a large network that trains long on few rows; its twin stops at its best epoch."""
    best = fit_with(callbacks=EarlyStopping(patience=8, restore_best_weights=True))
    family = "overfitting"
    size = (fewer(rows), hidden(units=units), settings(epochs=epochs, batch_size=16))
    grade = grade or f"{rows}_rows"
    return make_case(family, problem, family, *faults, also=size, twin=(*faults, best), grade=grade)


def overfitting_cases() -> list[Case]:
    return [
        long("titanic", 300, 60, 64),
        long("titanic", 150, 40, 128),
        long("cancer", 100, 60, 64, data_noise(1.0), rate(2)),
        long("houses", 60, 80, 64, data_noise(0.7)),
        long("houses", 150, 60, 128, data_noise(0.5)),
        long("spiral", 120, 80, 64),
        long("moons", 60, 80, 64, data_noise(0.5)),
        long("wine", 40, 60, 64, data_noise(1.5)),
        long("digits", 100, 60, 64, data_noise(0.5)),
        long("fashion", 300, 50, 64),
        long("fashion", 150, 50, 128),
        long("mnist", 150, 40, 64, data_noise(0.5)),
        long("lines", 200, 40, 48, data_noise(0.4)),
        long("waves", 120, 60, 64, data_noise(0.7)),
        long("flat_waves", 150, 50, 64, data_noise(0.7)),
        long("flat_waves", 400, 40, 64, data_noise(0.7)),
        long("forecast", 60, 80, 64, data_noise(0.7)),
        long("series", 60, 60, 48, data_noise(0.7)),
        long("reviews", 60, 40, 16),
        long("memory", 120, 40, 48, data_noise(0.4)),
    ]


def few_epochs_cases() -> list[Case]:
    """Return runs that end while they still improve fast."""
    family, expected = "too_few_epochs", "still_improving rate_too_low"
    epochs = {
        "titanic": (1,),
        "cancer": (2, 4),
        "houses": (1, 2),
        "spiral": (3, 6),
        "digits": (1, 2, 4),
        "fashion": (1, 3),
        "mnist": (1, 3),
        "lines": (1, 3),
        "waves": (2, 5),
        "forecast": (1, 2),
        "reviews": (3,),
        "memory": (2, 5),
    }
    full = settings(batch_size="full")
    return [
        *(
            make_case(family, problem, expected, settings(epochs=n), grade=f"{n}")
            for problem, numbers in epochs.items()
            for n in numbers
        ),
        *(
            make_case(family, problem, expected, full, grade="full_batch")
            for problem in ("cancer", "houses", "digits", "fashion", "waves")
        ),
    ]


def few_validation_rows(n: int, seed: int = 0) -> Fault:
    """Return the fault of so few validation rows that the best epoch is a matter of luck."""

    def fault(setup: Setup) -> Setup:
        rows = np.random.default_rng(seed).permutation(len(setup.validation.y))[:n]
        return replace(setup, validation=Rows(*setup.validation).select(np.sort(rows)))

    return fault


def validation_noise_cases() -> list[Case]:
    family = "validation_noise"
    return [
        make_case(family, problem, family, few_validation_rows(n, seed), grade=f"{n}_rows")
        for problem, n, seed in (
            ("titanic", 10, 0),
            ("titanic", 20, 1),
            ("cancer", 8, 2),
            ("houses", 8, 3),
            ("fashion", 10, 4),
            ("fashion", 20, 5),
            ("mnist", 10, 6),
            ("waves", 8, 7),
            ("forecast", 6, 8),
            ("memory", 10, 9),
        )
    ]


def cases() -> list[Case]:
    """Return all cases of this file."""
    return [*overfitting_cases(), *few_epochs_cases(), *validation_noise_cases()]
