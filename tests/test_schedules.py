"""Learning-rate schedules.

Oracles: Keras, PyTorch's OneCycleLR, the papers' formulas as loops in float64, and hand-worked
numbers.
"""

import inspect
import math
import pickle

import jax
import numpy as np
import pytest

from glassnet import schedules
from glassnet.errors import ConfigError
from glassnet.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    OneCycle,
    PiecewiseConstantDecay,
    PolynomialDecay,
    Schedule,
    Warmup,
)
from glassnet.testing import check_schedule
from oracles import close

KERAS = [
    ExponentialDecay(0.1, 20, 0.5),
    ExponentialDecay(0.1, 20, 0.5, staircase=True),
    InverseTimeDecay(0.1, 20, 0.5),
    InverseTimeDecay(0.1, 20, 3, staircase=True),
    PolynomialDecay(0.1, 100),
    PolynomialDecay(0.1, 30, 0.02, power=0.5),
    PolynomialDecay(0.1, 30, 0.0, power=2.0, cycle=True),
    PolynomialDecay(0.001, 41, 0.1, power=0.5),
    CosineDecay(0.1, 100),
    CosineDecay(0.1, 70, alpha=0.2),
    CosineDecay(0.0, 70, warmup_target=0.1, warmup_steps=30),
    CosineDecay(0.3, 70, alpha=1, warmup_target=0.1, warmup_steps=1),
    PiecewiseConstantDecay([30, 31, 60], [0.3, 0.1, 0.05, 0.01]),
    PiecewiseConstantDecay((0,), (0.1, 0.01)),
]
OURS = [
    CosineDecayRestarts(0.1, 20),
    CosineDecayRestarts(0.3, 7, t_mul=1.0, m_mul=0.8, alpha=0.1),
    CosineDecayRestarts(0.2, 5, t_mul=1.5, m_mul=0.9),
    Warmup(0.1, 1),
    Warmup(0.1, 25),
    Warmup(CosineDecay(0.1, 50), 25),
    Warmup(PolynomialDecay(0.1, 30, 0.0, cycle=True), 10),
    OneCycle(0.1, 100),
    OneCycle(1.0, 7, pct_start=0.5, div_factor=2, final_div_factor=3),
    PiecewiseConstantDecay([], [0.1]),
]
STEPS = np.array([*range(150), 10**6, 10**7], np.int32)


def public():
    """Return every schedule class that can be instantiated."""
    return {
        value
        for value in vars(schedules).values()
        if inspect.isclass(value) and issubclass(value, Schedule) and not inspect.isabstract(value)
    }


def test_every_schedule_has_a_variant():
    assert {type(schedule) for schedule in KERAS + OURS} == public()


@pytest.mark.parametrize("schedule", KERAS + OURS, ids=repr)
def test_contract(schedule):
    check_schedule(schedule)
    assert pickle.loads(pickle.dumps(schedule)) == schedule


@pytest.mark.parametrize("schedule", KERAS, ids=repr)
def test_every_rate_equals_keras(recorded, schedule):
    def live(keras, kind, fields, steps):
        theirs = getattr(keras.optimizers.schedules, kind)(**fields)
        # When compiled, XLA multiplies by 1 / decay_steps, and Keras's PolynomialDecay then takes
        # roots of numbers below 0. Keras's CosineDecay, if not compiled, compiles at every call.
        theirs = jax.jit(theirs) if kind == "CosineDecay" else theirs
        return np.array([theirs(step) for step in steps])

    fields = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in vars(schedule).items()
    }
    close(jax.jit(schedule)(STEPS), recorded(live, type(schedule).__name__, fields, STEPS))


def one_cycle(schedule, step):
    """Compute PyTorch's OneCycleLR.get_lr (two phases, cosine annealing) in Python floats."""

    def anneal(start, end, pct):
        return end + (start - end) / 2.0 * (math.cos(math.pi * pct) + 1)

    initial = schedule.max_learning_rate / schedule.div_factor
    phases = [
        (float(schedule.pct_start * schedule.total_steps) - 1, initial, schedule.max_learning_rate),
        (schedule.total_steps - 1, schedule.max_learning_rate, initial / schedule.final_div_factor),
    ]
    start_step = 0.0
    for i, (end_step, start, end) in enumerate(phases):
        if step <= end_step or i == len(phases) - 1:
            return anneal(start, end, (step - start_step) / (end_step - start_step))
        start_step = end_step
    raise AssertionError


@pytest.mark.parametrize(
    "schedule",
    [OneCycle(0.1, 100), OneCycle(1.0, 7, 0.5, 2, 3), OneCycle(0.01, 5001, 0.123)],
    ids=repr,
)
def test_one_cycle_equals_pytorchs_formula(schedule):
    steps = range(schedule.total_steps)
    close(schedule(np.arange(schedule.total_steps)), [one_cycle(schedule, step) for step in steps])
    assert max(
        range(schedule.total_steps), key=lambda step: one_cycle(schedule, step)
    ) == np.argmax(schedule(np.arange(schedule.total_steps)))
    close(
        schedule(np.array([schedule.total_steps, 10**7])),
        [one_cycle(schedule, schedule.total_steps - 1)] * 2,
    )


def cosine_with_restarts(schedule, n_steps):
    """Compute the rate of every step in float64: period after period, as in the paper."""
    rates, length, top, start = [], float(schedule.first_decay_steps), 1.0, 0.0
    for step in range(n_steps):
        while step >= start + length * (1 - 1e-12):
            start += length
            length *= schedule.t_mul
            top *= schedule.m_mul
        cosine = top * (1 + math.cos(math.pi * (step - start) / length)) / 2
        rates.append(
            schedule.initial_learning_rate * ((1 - schedule.alpha) * cosine + schedule.alpha)
        )
    return rates


@pytest.mark.parametrize(
    "schedule",
    [CosineDecayRestarts(0.2, 10, 1.5, 0.9, 0.1), CosineDecayRestarts(0.3, 7, 1.0, 0.8)],
    ids=repr,
)
def test_restarts_equal_the_papers_periods(schedule):
    """Oracle: a loop over the periods."""
    steps = np.arange(40)
    close(schedule(steps), cosine_with_restarts(schedule, 40), tolerance=1e-5)


def test_rates_by_hand():
    steps = np.arange(6)
    close(
        Warmup(0.4, 4)(steps), [0.1, 0.2, 0.3, 0.4, 0.4, 0.4]
    )  # a quarter of 0.4 per step; the first step already learns
    # rises to 0.4, where the inner schedule begins: its steps 0, 1 and 2 are the steps 3, 4 and 5
    close(Warmup(ExponentialDecay(0.4, 1, 0.5), 3)(steps), [0.4 / 3, 0.8 / 3, 0.4, 0.4, 0.2, 0.1])
    close(
        ExponentialDecay(0.8, 2, 0.25)(steps), [0.8, 0.4, 0.2, 0.1, 0.05, 0.025]
    )  # the factor per step is the square root of 1/4
    close(ExponentialDecay(0.8, 2, 0.25, staircase=True)(steps), [0.8, 0.8, 0.2, 0.2, 0.05, 0.05])
    close(InverseTimeDecay(0.6, 2, 2.0)(steps), [0.6 / n for n in (1, 2, 3, 4, 5, 6)])
    # 0.1 + 0.4 (1 - t / 4)^2: 1, 9/16, 1/4, 1/16, 0
    close(PolynomialDecay(0.5, 4, 0.1, power=2)(steps), [0.5, 0.325, 0.2, 0.125, 0.1, 0.1])
    # after step 2, N is 4 and then 6: 1 - 3/4, 0, 1 - 5/6
    close(PolynomialDecay(0.6, 2, 0.0, cycle=True)(steps), [0.6, 0.3, 0.0, 0.15, 0.0, 0.1])
    close(
        CosineDecay(0.2, 4)(steps),
        [0.2, 0.1 + 0.1 * math.sqrt(0.5), 0.1, 0.1 - 0.1 * math.sqrt(0.5), 0, 0],
    )  # cos of multiples of pi / 4
    close(CosineDecay(0.2, 2, alpha=0.5)(steps), [0.2, 0.15, 0.1, 0.1, 0.1, 0.1])
    close(
        CosineDecay(0.1, 2, warmup_target=0.4, warmup_steps=3)(steps), [0.1, 0.2, 0.3, 0.4, 0.2, 0]
    )
    close(PiecewiseConstantDecay([1, 3], [3, 2, 1])(steps), [3, 3, 2, 2, 1, 1])
    # from 0.2 / 2 to 0.2 in steps 0, 1 and 2, then down to 0.1 / 10 in steps 3, 4 and 5; step 1,
    # half way, is the mean
    close(OneCycle(0.2, 6, 0.5, 2, 10)(np.array([0, 1, 2, 5])), [0.1, 0.15, 0.2, 0.01])


@pytest.mark.parametrize(
    ("schedule", "exact"),
    [
        (ExponentialDecay(0.1, 1, 0.9999999), lambda t: 0.1 * 0.9999999**t),
        (ExponentialDecay(0.1, 1000, 0.999, staircase=True), lambda t: 0.1 * 0.999 ** (t // 1000)),
        (InverseTimeDecay(0.1, 1000, 0.5), lambda t: 0.1 / (1 + 0.5 * t / 1000)),
        (CosineDecay(0.1, 3 * 10**7), lambda t: 0.05 * (1 + math.cos(math.pi * t / 3e7))),
        (PolynomialDecay(0.1, 3 * 10**7, 0.0), lambda t: 0.1 * (1 - t / 3e7)),
        (
            PiecewiseConstantDecay([10**7 - 1, 10**7], [3, 2, 1]),
            lambda t: {-1: 3, 0: 2, 1: 1}[t - 10**7],
        ),
        (Warmup(InverseTimeDecay(0.1, 1, 1.0), 10**6), lambda t: 0.1 / (1 + t - 10**6)),
        (OneCycle(0.1, 3 * 10**7), lambda t: one_cycle(OneCycle(0.1, 3 * 10**7), t)),
    ],
    ids=lambda value: repr(value) if isinstance(value, Schedule) else "",
)
def test_ten_million_steps_lose_no_digits(schedule, exact):
    """Rates at step 1e7 equal the formula in float64.

    With decay_rate rounded to float32, the rate would be wrong by half.
    """
    steps = 10**7 + np.array([-1, 0, 1], np.int32)
    np.testing.assert_allclose(jax.jit(schedule)(steps), [exact(int(t)) for t in steps], rtol=1e-5)


@pytest.mark.parametrize(
    "schedule",
    [schedule for schedule in KERAS + OURS if not isinstance(schedule, PiecewiseConstantDecay)],
    ids=repr,
)
def test_what_holds_at_the_ends(schedule):
    """No rate is negative; a rate that ends at 0 is exactly 0 from there on."""
    late = np.asarray(schedule(STEPS[100:]))
    ends = isinstance(schedule, CosineDecay) and not schedule.alpha
    assert (late == 0).all() if ends else (late >= 0).all()


def test_lists_become_tuples_and_equal_schedules_are_equal():
    assert PiecewiseConstantDecay([1, 2], [3, 2, 1]) == PiecewiseConstantDecay((1, 2), (3, 2, 1))
    assert (
        len(
            {
                Warmup(CosineDecay(0.1, 10), 5),
                Warmup(CosineDecay(0.1, 10), 5),
                Warmup(CosineDecay(0.1, 11), 5),
            }
        )
        == 2
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: ExponentialDecay(0, 1, 0.5),
            "ExponentialDecay: expected initial_learning_rate to be a number > 0. Received: initial_learning_rate=0.",
        ),
        (
            lambda: ExponentialDecay(0.1, 0.5, 0.5),
            "ExponentialDecay: expected decay_steps to be an int >= 1. Received: decay_steps=0.5.",
        ),
        (
            lambda: ExponentialDecay(0.1, 1, 1.5),
            "ExponentialDecay: expected decay_rate to be a number in (0, 1]. Received: decay_rate=1.5. "
            "For a growing rate, use callbacks.LearningRateScheduler.",
        ),
        (
            lambda: ExponentialDecay(0.1, 1, 0),
            "ExponentialDecay: expected decay_rate to be a number > 0. Received: decay_rate=0.",
        ),
        (
            lambda: ExponentialDecay(0.1, 1, 1, 1),
            "ExponentialDecay: expected staircase to be a bool. Received: staircase=1.",
        ),
        (
            lambda: InverseTimeDecay(0.1, 1, -1),
            "InverseTimeDecay: expected decay_rate to be a number > 0. Received: decay_rate=-1.",
        ),
        (
            lambda: PolynomialDecay(0.1, 0),
            "PolynomialDecay: expected decay_steps to be an int >= 1. Received: decay_steps=0.",
        ),
        (
            lambda: PolynomialDecay(0.1, 1, -1),
            "PolynomialDecay: expected end_learning_rate to be a number >= 0. Received: end_learning_rate=-1.",
        ),
        (
            lambda: PolynomialDecay(0.1, 1, power=0),
            "PolynomialDecay: expected power to be a number > 0. Received: power=0.",
        ),
        (
            lambda: PolynomialDecay(0.1, 1, cycle=None),
            "PolynomialDecay: expected cycle to be a bool. Received: cycle=None.",
        ),
        (
            lambda: CosineDecay(0.0, 10),
            "CosineDecay: expected initial_learning_rate to be a number > 0. Received: initial_learning_rate=0.0.",
        ),
        (
            lambda: CosineDecay(0.1, 10, alpha=2),
            "CosineDecay: expected alpha to be a number in [0, 1]. Received: alpha=2.",
        ),
        (
            lambda: CosineDecay(0.1, 10, alpha=-1),
            "CosineDecay: expected alpha to be a number >= 0. Received: alpha=-1.",
        ),
        (
            lambda: CosineDecay(0.1, 10, warmup_steps=5),
            "CosineDecay: expected warmup_target and warmup_steps (an int >= 1) together, or neither. "
            "Received: initial_learning_rate=0.1, warmup_target=None, warmup_steps=5.",
        ),
        (
            lambda: CosineDecay(0.0, 10, warmup_target=0.1),
            "CosineDecay: expected warmup_target and warmup_steps (an int >= 1) together, or neither. "
            "Received: initial_learning_rate=0.0, warmup_target=0.1, warmup_steps=0.",
        ),
        (
            lambda: PiecewiseConstantDecay(5, [1, 2]),
            "PiecewiseConstantDecay: expected boundaries to be a list of numbers. Received: boundaries=5.",
        ),
        (
            lambda: PiecewiseConstantDecay([2, 2], [3, 2, 1]),
            "PiecewiseConstantDecay: expected boundaries to be integers >= 0 in increasing order. Received: boundaries=(2, 2).",
        ),
        (
            lambda: PiecewiseConstantDecay([2], [3, 0]),
            "PiecewiseConstantDecay: expected values to be numbers > 0. Received: values=(3, 0).",
        ),
        (
            lambda: PiecewiseConstantDecay([2], [3]),
            "PiecewiseConstantDecay: expected one value more than boundaries. Received: boundaries=(2,), values=(3,).",
        ),
        (
            lambda: Warmup(-0.1, 10),
            "Warmup: expected learning_rate to be a number > 0 or a Schedule. Received: learning_rate=-0.1.",
        ),
        (
            lambda: Warmup(0.1, 0),
            "Warmup: expected warmup_steps to be an int >= 1. Received: warmup_steps=0.",
        ),
        (
            lambda: OneCycle(-1, 10),
            "OneCycle: expected max_learning_rate to be a number > 0. Received: max_learning_rate=-1.",
        ),
        (
            lambda: OneCycle(0.1, 3),
            "OneCycle: expected pct_start below 1, and pct_start * total_steps above 1. Received: pct_start=0.3, total_steps=3.",
        ),
        (
            lambda: OneCycle(0.1, 10, pct_start=30),
            "OneCycle: expected pct_start below 1, and pct_start * total_steps above 1. Received: pct_start=30, total_steps=10.",
        ),
    ],
)
def test_fields_are_checked(make, message):
    with pytest.raises(ConfigError) as caught:
        make()
    assert str(caught.value) == message
