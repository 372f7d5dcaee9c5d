"""Learning-rate schedules: pure functions from the step t, counted from 0, to a learning rate.

Every schedule is a frozen dataclass. An optimizer accepts one instead of a number:
`Adam(learning_rate=CosineDecay(0.01, 1000))`. Steps are counted over the life of the model: a
second fit continues where the first one ended. A schedule also accepts an array of steps:
`schedule(np.arange(1000))`.

In the formulas, eta is the initial rate and N is `decay_steps`. The arithmetic is Keras's.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_float32, is_int, require
from glassnet.suggestions import publish
from glassnet.types import Array

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "OneCycle",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "Schedule",
    "Warmup",
]


@dataclass(frozen=True)
class Schedule(ABC):
    """Base class of all learning-rate schedules.

    Subclass it with `@dataclass(frozen=True)` and define `__call__` with jax.numpy. `__call__` must
    not branch on the step with a Python `if`.
    """

    @abstractmethod
    def __call__(self, step: Array) -> Array:
        """Return the rate (>= 0) of a step counted from 0, or the rates of an array of steps."""


@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """Exponential decay, by the same factor every N steps: eta decay_rate^(t / N).

    Args:
        initial_learning_rate: eta, the rate of the first step.
        decay_steps: N, in steps.
        decay_rate: the factor.
        staircase: if True, t / N is rounded down: the rate drops every N steps and is constant
            in between (step decay).

    Raises:
        ConfigError: if the initial rate is not > 0, decay_rate is not in (0, 1], or decay_steps is
            not an int >= 1.

    Example:
        >>> halved = ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5, staircase=True)
        >>> [f"{halved(step):.4f}" for step in (0, 99, 100, 200)]
        ['0.1000', '0.1000', '0.0500', '0.0250']

    Source: Keras.
    """

    initial_learning_rate: float
    decay_steps: int
    decay_rate: float
    staircase: bool = False

    def __post_init__(self) -> None:
        _check_positive(self, "initial_learning_rate", "decay_rate")
        _check_counts(self, "decay_steps")
        _check_flags(self, "staircase")
        require(
            self.decay_rate <= 1,
            "ExponentialDecay",
            "decay_rate to be a number in (0, 1]",
            decay_rate=self.decay_rate,
            fix="For a growing rate, use callbacks.LearningRateScheduler.",
        )

    def __call__(self, step: Array) -> Array:
        # A power of decay_rate, with decay_rate rounded to float32 first, would multiply the
        # rounding error by the exponent.
        return self.initial_learning_rate * jnp.exp(
            math.log(self.decay_rate) * _periods(self, step)
        )


@dataclass(frozen=True)
class InverseTimeDecay(Schedule):
    """Inverse time decay: eta / (1 + decay_rate t / N).

    Args:
        initial_learning_rate: eta, the rate of the first step.
        decay_steps: N, in steps.
        decay_rate: the increase of the denominator in N steps.
        staircase: if True, t / N is rounded down: the rate drops every N steps and is constant
            in between.

    Raises:
        ConfigError: if a rate is not > 0, or decay_steps is not an int >= 1.

    Example:
        >>> inverse = InverseTimeDecay(0.1, decay_steps=10, decay_rate=1.0)
        >>> [f"{inverse(step):.4f}" for step in (0, 10, 30)]
        ['0.1000', '0.0500', '0.0250']

    Source: Robbins and Monro 1951 (the sum of the steps diverges, the sum of their squares
        converges), in Keras's form.
    """

    initial_learning_rate: float
    decay_steps: int
    decay_rate: float
    staircase: bool = False

    def __post_init__(self) -> None:
        _check_positive(self, "initial_learning_rate", "decay_rate")
        _check_counts(self, "decay_steps")
        _check_flags(self, "staircase")

    def __call__(self, step: Array) -> Array:
        return self.initial_learning_rate / (1 + self.decay_rate * _periods(self, step))


@dataclass(frozen=True)
class PolynomialDecay(Schedule):
    """Polynomial decay from eta to end in N steps: end + (eta - end) (1 - t / N)^power.

    After step N the rate stays at end, unless `cycle` is True.

    Args:
        initial_learning_rate: eta, the rate of the first step.
        decay_steps: N, in steps.
        end_learning_rate: end, the rate from step N on.
        power: 1 for a straight line.
        cycle: if True, the rate rises again after step N and decays again: N is then the next
            multiple of decay_steps.

    Raises:
        ConfigError: if the initial rate or power is not > 0, the end rate is not >= 0, or
            decay_steps is not an int >= 1.

    Example:
        >>> line = PolynomialDecay(0.1, decay_steps=10, end_learning_rate=0.0)
        >>> [f"{line(step):.2f}" for step in (0, 5, 10, 99)]
        ['0.10', '0.05', '0.00', '0.00']

    Source: Keras.
    """

    initial_learning_rate: float
    decay_steps: int
    end_learning_rate: float = 0.0001
    power: float = 1.0
    cycle: bool = False

    def __post_init__(self) -> None:
        _check_positive(self, "initial_learning_rate", "power")
        _check_non_negative(self, "end_learning_rate")
        _check_counts(self, "decay_steps")
        _check_flags(self, "cycle")

    def __call__(self, step: Array) -> Array:
        steps = self.decay_steps
        if self.cycle:
            left = jnp.where(step == 0, steps, -step % steps)
            share = left / (1.0 * step + left)
        else:
            share = jnp.maximum(steps - step, 0) / steps
        return (
            self.end_learning_rate
            + (self.initial_learning_rate - self.end_learning_rate) * share**self.power
        )


@dataclass(frozen=True)
class CosineDecay(Schedule):
    """Cosine decay from eta to alpha eta in N steps.

    The rate is eta (alpha + (1 - alpha) (1 + cos(pi t / N)) / 2), and alpha eta after N steps.
    With a warm-up, the rate first changes linearly from the initial rate to warmup_target, which
    then replaces eta. In that case t counts from the end of the warm-up.

    Args:
        initial_learning_rate: the rate of the first step, which is eta if there is no warm-up.
        decay_steps: N, in steps, without the warm-up.
        alpha: the final rate as a fraction of eta.
        warmup_target: the rate after the warm-up; None for no warm-up.
        warmup_steps: the length of the warm-up in steps.

    Raises:
        ConfigError: if a rate is below 0 (or is 0 without a warm-up), alpha is not in [0, 1], a
            number of steps is not an int >= 1, or only one of warmup_target and warmup_steps is
            set.

    Example:
        >>> [f"{CosineDecay(0.1, decay_steps=10)(step):.4f}" for step in (0, 5, 10, 99)]
        ['0.1000', '0.0500', '0.0000', '0.0000']

    Source: Loshchilov and Hutter 2017, eq. 5, without restarts.
    """

    initial_learning_rate: float
    decay_steps: int
    alpha: float = 0.0
    warmup_target: float | None = None
    warmup_steps: int = 0

    def __post_init__(self) -> None:
        target, steps = self.warmup_target, self.warmup_steps
        _check_positive(self, "initial_learning_rate" if target is None else "warmup_target")
        _check_counts(self, "decay_steps")
        _check_non_negative(self, "initial_learning_rate", "alpha")
        require(self.alpha <= 1, "CosineDecay", "alpha to be a number in [0, 1]", alpha=self.alpha)
        both_or_neither = (
            is_int(steps, least=1) if target is not None else is_int(steps, least=0) and steps == 0
        )
        require(
            both_or_neither,
            "CosineDecay",
            "warmup_target and warmup_steps (an int >= 1) together, or neither",
            initial_learning_rate=self.initial_learning_rate,
            warmup_target=target,
            warmup_steps=steps,
        )

    def __call__(self, step: Array) -> Array:
        if self.warmup_target is None:
            return self._decay(self.initial_learning_rate, step)
        warmup = self.initial_learning_rate + (self.warmup_target - self.initial_learning_rate) * (
            step / self.warmup_steps
        )
        return jnp.where(
            step < self.warmup_steps,
            warmup,
            self._decay(self.warmup_target, step - self.warmup_steps),
        )

    def _decay(self, peak: float, step: Array) -> Array:
        return peak * (self.alpha + (1 - self.alpha) * _cosine(step / self.decay_steps))


@dataclass(frozen=True)
class CosineDecayRestarts(Schedule):
    """Cosine decay that starts again: eta m^k ((1 - alpha) (1 + cos(pi f)) / 2 + alpha).

    k counts the restarts, and f is the fraction of the period that has passed. Each period is t
    times as long as the one before, and starts at m times its rate.

    Args:
        initial_learning_rate: eta, the rate of the first step.
        first_decay_steps: the length of the first period, in steps.
        t_mul: t, the length of a period divided by that of the one before.
        m_mul: m, the rate at the start of a period divided by that of the one before.
        alpha: the rate at the end of a period, as a fraction of eta.

    Raises:
        ConfigError: a rate or factor is not > 0, alpha is not in [0, 1], or first_decay_steps is
            not an int >= 1.

    Example:
        >>> restarts = CosineDecayRestarts(0.1, first_decay_steps=10)
        >>> [f"{restarts(step):.2f}" for step in (0, 5, 10, 20, 30)]
        ['0.10', '0.05', '0.10', '0.05', '0.10']

    Source: Loshchilov and Hutter 2017, eq. 5; alpha as in Keras.
    """

    initial_learning_rate: float
    first_decay_steps: int
    t_mul: float = 2.0
    m_mul: float = 1.0
    alpha: float = 0.0

    def __post_init__(self) -> None:
        _check_positive(self, "initial_learning_rate", "t_mul", "m_mul")
        _check_counts(self, "first_decay_steps")
        _check_non_negative(self, "alpha")
        require(self.alpha <= 1, "CosineDecayRestarts", "alpha in [0, 1]", alpha=self.alpha)

    def __call__(self, step: Array) -> Array:
        fraction, growth = step / self.first_decay_steps, self.t_mul
        if growth == 1:
            restarts = jnp.floor(fraction)
            passed = fraction - restarts
        else:
            restarts = jnp.floor(jnp.log(1 - fraction * (1 - growth)) / jnp.log(growth))
            start = (1 - growth**restarts) / (1 - growth)
            passed = (fraction - start) / growth**restarts
        factor = 0.5 * self.m_mul**restarts * (1 + jnp.cos(jnp.pi * passed))
        return self.initial_learning_rate * ((1 - self.alpha) * factor + self.alpha)


@dataclass(frozen=True)
class PiecewiseConstantDecay(Schedule):
    """Piecewise constant rate: values[0] through step boundaries[0], then values[1], and so on.

    Args:
        boundaries: the last step of every interval except the last, in increasing order.
        values: the rate of each interval, one more than boundaries.

    Raises:
        ConfigError: if boundaries are not increasing integers >= 0, a value is not a number
            > 0, or there is not one value more than boundaries.

    Example:
        >>> pieces = PiecewiseConstantDecay([100, 200], [0.1, 0.01, 0.001])
        >>> [f"{pieces(step):g}" for step in (0, 100, 101, 201)]
        ['0.1', '0.1', '0.01', '0.001']

    Source: Keras.
    """

    boundaries: tuple[int, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        who = "PiecewiseConstantDecay"
        for name in ("boundaries", "values"):
            numbers = getattr(self, name)
            require(
                isinstance(numbers, Iterable) and not isinstance(numbers, str),
                who,
                f"{name} to be a list of numbers",
                **{name: numbers},
            )
            object.__setattr__(self, name, tuple(numbers))
        steps = tuple(
            int(step) if is_float32(step) and step == int(step) else step
            for step in self.boundaries
        )
        object.__setattr__(self, "boundaries", steps)
        increasing = all(is_int(step, least=0) for step in steps) and all(
            a < b for a, b in pairwise(steps)
        )
        expected = "boundaries to be integers >= 0 in increasing order"
        require(increasing, who, expected, boundaries=steps)
        rates = self.values
        positive = all(is_float32(rate) and rate > 0 for rate in rates)
        require(positive, who, "values to be numbers > 0", values=rates)
        expected = "one value more than boundaries"
        require(len(rates) == len(steps) + 1, who, expected, boundaries=steps, values=rates)

    def __call__(self, step: Array) -> Array:
        return jnp.asarray(self.values)[jnp.searchsorted(np.array(self.boundaries, np.int32), step)]


@dataclass(frozen=True)
class Warmup(Schedule):
    """Linear warm-up to a rate or a schedule: eta (t + 1) / warmup_steps.

    From step warmup_steps on, the rate is that of `learning_rate`. The line starts from 0 one step
    before the first step, because a step with a rate of 0 would learn nothing. The last step of the
    warm-up has the full rate.

    Args:
        learning_rate: eta, the rate after the warm-up; or a schedule, whose first rate is eta and
            whose steps begin after the warm-up.
        warmup_steps: the length of the warm-up in steps.

    Raises:
        ConfigError: if the learning rate is neither a number > 0 nor a Schedule, or warmup_steps
            is not an int >= 1.

    Example:
        >>> [f"{Warmup(0.1, warmup_steps=4)(step):.3f}" for step in range(6)]
        ['0.025', '0.050', '0.075', '0.100', '0.100', '0.100']

    Source: Goyal et al. 2017, section 2.2; for the line, Vaswani et al. 2017, eq. 3 (steps counted
        from 1).
    """

    learning_rate: float | Schedule
    warmup_steps: int

    def __post_init__(self) -> None:
        check_learning_rate(self, self.learning_rate)
        _check_counts(self, "warmup_steps")

    def __call__(self, step: Array) -> Array:
        eta = self.learning_rate
        after = eta(jnp.maximum(step - self.warmup_steps, 0)) if isinstance(eta, Schedule) else eta
        return after * ((1 + jnp.minimum(step, self.warmup_steps - 1)) / self.warmup_steps)


@dataclass(frozen=True)
class OneCycle(Schedule):
    """One-cycle policy: a rise from max / div_factor to max, then a longer fall.

    The rise and the fall are each half a cosine. The fall ends at
    max / (div_factor final_div_factor). The rise ends at step pct_start total_steps - 1, the fall
    at step total_steps - 1. After that the rate is constant.

    Args:
        max_learning_rate: max, the highest rate.
        total_steps: the length of the cycle: epochs times steps per epoch.
        pct_start: the fraction of the steps in the rise (a fraction, not a percentage).
        div_factor: the highest rate divided by the first.
        final_div_factor: the first rate divided by the last.

    Raises:
        ConfigError: if a number is not > 0, total_steps is not an int >= 2, pct_start is not in
            (0, 1), or the rise is not longer than one step.

    Example:
        >>> cycle = OneCycle(0.1, total_steps=10, pct_start=0.5)
        >>> [f"{cycle(step):.5f}" for step in (0, 2, 4, 9)]
        ['0.00400', '0.05200', '0.10000', '0.00000']

    Source: Smith 2018, "A disciplined approach to neural network hyper-parameters". The names, the
        defaults and the cosines are those of PyTorch's OneCycleLR.
    """

    max_learning_rate: float
    total_steps: int
    pct_start: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4

    def __post_init__(self) -> None:
        _check_positive(self, "max_learning_rate", "pct_start", "div_factor", "final_div_factor")
        _check_counts(self, "total_steps")
        require(
            self.pct_start < 1 < self.pct_start * self.total_steps,
            "OneCycle",
            "pct_start below 1, and pct_start * total_steps above 1",
            pct_start=self.pct_start,
            total_steps=self.total_steps,
        )

    def __call__(self, step: Array) -> Array:
        top, last = self.pct_start * self.total_steps - 1, self.total_steps - 1
        peak, first = self.max_learning_rate, self.max_learning_rate / self.div_factor
        end = first / self.final_div_factor
        rise = peak + (first - peak) * _cosine(step / top)
        fall = end + (peak - end) * _cosine((step - top) / (last - top))
        return jnp.where(step <= top, rise, fall)


def check_learning_rate(part: object, rate: object) -> None:
    """Raise ConfigError if the learning rate of `part` is neither a number > 0 nor a Schedule."""
    require(
        isinstance(rate, Schedule) or (is_float32(rate) and float(rate) > 0),  # type: ignore[arg-type]
        type(part).__name__,
        "learning_rate to be a number > 0 or a Schedule",
        learning_rate=rate,
    )


def _check_positive(schedule: Schedule, *names: str) -> None:
    for name in names:
        value = getattr(schedule, name)
        _require_field(schedule, is_float32(value) and value > 0, name, "a number > 0")


def _check_non_negative(schedule: Schedule, *names: str) -> None:
    for name in names:
        value = getattr(schedule, name)
        _require_field(schedule, is_float32(value) and value >= 0, name, "a number >= 0")


def _check_counts(schedule: Schedule, *names: str) -> None:
    for name in names:
        _require_field(schedule, is_int(getattr(schedule, name), least=1), name, "an int >= 1")


def _check_flags(schedule: Schedule, *names: str) -> None:
    for name in names:
        _require_field(schedule, isinstance(getattr(schedule, name), bool), name, "a bool")


def _require_field(schedule: Schedule, ok: bool, name: str, kind: str) -> None:
    value = getattr(schedule, name)
    require(ok, type(schedule).__name__, f"{name} to be {kind}", **{name: value})


def _periods(schedule: ExponentialDecay | InverseTimeDecay, step: Array) -> Array:
    return step // schedule.decay_steps if schedule.staircase else step / schedule.decay_steps


def _cosine(fraction: Array) -> Array:
    """Return half a cosine: 1 at fraction 0, 0 at fraction 1, constant outside of [0, 1]."""
    return (1 + jnp.cos(jnp.pi * jnp.clip(fraction, 0, 1))) / 2


publish(__name__, __all__)
