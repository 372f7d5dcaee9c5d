"""Schedules: a learning rate for every step. Each is a frozen dataclass and a pure function of the
step t, counted from 0.

An optimizer takes one in place of a number: `Adam(learning_rate=CosineDecay(0.01, 1000))`. Steps
    are counted over the model's life:
a second fit carries on where the first ended. An array of steps gives all their rates:
`schedule(np.arange(1000))`.

In the formulas eta is the initial rate and N is `decay_steps`. The arithmetic is Keras's.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_int, is_number, require
from glassnet.types import Array


@dataclass(frozen=True)
class Schedule(ABC):
    """What every schedule is. Subclass it with `@dataclass(frozen=True)` and give `__call__`, in
    jax.numpy, without an `if` on the step.
    """

    @abstractmethod
    def __call__(self, step: Array) -> Array:
        """The rate of a step (counted from 0), or those of an array of steps: >= 0."""


@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """The same factor over every N steps, eta decay_rate^(t / N); in steps (step decay) with
    `staircase`.

    Args:
        initial_learning_rate: eta, the rate of the first step.
        decay_steps: N, in steps.
        decay_rate: the factor.
        staircase: whether t / N is rounded down, so that the rate is cut every N steps and stays in
            between.

    Raises:
        ConfigError: an initial rate that is not > 0, a decay_rate not in (0, 1], decay_steps that
            are no int >= 1.

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
        _check(
            self,
            positive=("initial_learning_rate", "decay_rate"),
            counts=("decay_steps",),
            flags=("staircase",),
        )
        fix = "A rate that grows without end is found by callbacks.LearningRateScheduler, epoch by epoch."
        require(
            self.decay_rate <= 1,
            "ExponentialDecay",
            "decay_rate to be a number in (0, 1]",
            decay_rate=self.decay_rate,
            fix=fix,
        )

    def __call__(self, step: Array) -> Array:
        # a power of decay_rate, rounded to float32 before it is raised, would be wrong by a
        # multiple of the exponent
        return self.initial_learning_rate * jnp.exp(
            math.log(self.decay_rate) * _periods(self, step)
        )


@dataclass(frozen=True)
class InverseTimeDecay(Schedule):
    """Ever slower decay: eta / (1 + decay_rate t / N).

    Args:
        initial_learning_rate: eta, the rate of the first step.
        decay_steps: N, in steps.
        decay_rate: by how many initial rates the denominator grows in N steps.
        staircase: whether t / N is rounded down, so that the rate is cut every N steps and stays in
            between.

    Raises:
        ConfigError: a rate that is not > 0, decay_steps that are no int >= 1.

    Example:
        >>> [f"{InverseTimeDecay(0.1, decay_steps=10, decay_rate=1.0)(step):.4f}" for step in (0, 10, 30)]
        ['0.1000', '0.0500', '0.0250']

    Source: Robbins and Monro 1951 (steps that sum to infinity while their squares do not), in
        Keras's form.
    """

    initial_learning_rate: float
    decay_steps: int
    decay_rate: float
    staircase: bool = False

    def __post_init__(self) -> None:
        _check(
            self,
            positive=("initial_learning_rate", "decay_rate"),
            counts=("decay_steps",),
            flags=("staircase",),
        )

    def __call__(self, step: Array) -> Array:
        return self.initial_learning_rate / (1 + self.decay_rate * _periods(self, step))


@dataclass(frozen=True)
class PolynomialDecay(Schedule):
    """From eta to an end in N steps: end + (eta - end) (1 - t / N)^power, and then the end.

    Args:
        initial_learning_rate: eta, the rate of the first step.
        decay_steps: N, in steps.
        end_learning_rate: the rate of step N and after.
        power: 1 for a straight line.
        cycle: whether, after step N, the rate goes back up and down again: N is then the next
            multiple of decay_steps.

    Raises:
        ConfigError: an initial rate or power that is not > 0, an end that is not >= 0, decay_steps
            that are no int >= 1.

    Example:
        >>> [f"{PolynomialDecay(0.1, decay_steps=10, end_learning_rate=0.0)(step):.2f}" for step in (0, 5, 10, 99)]
        ['0.10', '0.05', '0.00', '0.00']

    Source: Keras.
    """

    initial_learning_rate: float
    decay_steps: int
    end_learning_rate: float = 0.0001
    power: float = 1.0
    cycle: bool = False

    def __post_init__(self) -> None:
        names = ("initial_learning_rate", "power")
        _check(
            self,
            positive=names,
            non_negative=("end_learning_rate",),
            counts=("decay_steps",),
            flags=("cycle",),
        )

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
    """Half a cosine from eta down to alpha eta in N steps, and then that: eta (alpha + (1 - alpha)
    (1 + cos(pi t / N)) / 2).

    With a warm-up the rate first goes in a straight line from the initial rate to warmup_target,
    which takes the place of eta; t counts from the end of the warm-up.

    Args:
        initial_learning_rate: the rate of the first step: eta, where there is no warm-up.
        decay_steps: N, in steps, without those of the warm-up.
        alpha: what is left in the end, as a fraction of eta.
        warmup_target: the rate after the warm-up; None for no warm-up.
        warmup_steps: how many steps the warm-up takes.

    Raises:
        ConfigError: a rate below 0 (or 0 where there is no warm-up), an alpha not in [0, 1], steps
            that are no int >= 1, or only one of warmup_target and warmup_steps.

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
        start, target, steps = self.initial_learning_rate, self.warmup_target, self.warmup_steps
        _check(
            self,
            positive=("initial_learning_rate",) if target is None else ("warmup_target",),
            counts=("decay_steps",),
        )
        _check(self, non_negative=("initial_learning_rate", "alpha"))
        require(self.alpha <= 1, "CosineDecay", "alpha to be a number in [0, 1]", alpha=self.alpha)
        both = (
            is_int(steps, least=1) if target is not None else is_int(steps, least=0) and steps == 0
        )
        expected = "warmup_target and warmup_steps (an int >= 1) together, or neither"
        require(
            both,
            "CosineDecay",
            expected,
            initial_learning_rate=start,
            warmup_target=target,
            warmup_steps=steps,
        )

    def __call__(self, step: Array) -> Array:
        if self.warmup_target is None:
            return self._decay(self.initial_learning_rate, step)
        rising = self.initial_learning_rate + (self.warmup_target - self.initial_learning_rate) * (
            step / self.warmup_steps
        )
        return jnp.where(
            step < self.warmup_steps,
            rising,
            self._decay(self.warmup_target, step - self.warmup_steps),
        )

    def _decay(self, peak: float, step: Array) -> Array:
        return peak * (self.alpha + (1 - self.alpha) * _cosine(step / self.decay_steps))


@dataclass(frozen=True)
class PiecewiseConstantDecay(Schedule):
    """A rate for every stretch of steps: values[0] up to and with step boundaries[0], then
    values[1] until boundaries[1], and so on.

    Args:
        boundaries: the last step of each stretch but the last one, in rising order.
        values: the rates, one more than boundaries.

    Raises:
        ConfigError: boundaries that are no rising whole numbers >= 0, values that are no numbers >
            0, or another number of them.

    Example:
        >>> [f"{PiecewiseConstantDecay([100, 200], [0.1, 0.01, 0.001])(step):g}" for step in (0, 100, 101, 201)]
        ['0.1', '0.1', '0.01', '0.001']

    Source: Keras.
    """

    boundaries: tuple[int, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        who = "PiecewiseConstantDecay"
        for name in ("boundaries", "values"):
            given = getattr(self, name)
            require(
                isinstance(given, Iterable) and not isinstance(given, str),
                who,
                f"{name} to be a list of numbers",
                **{name: given},
            )
            object.__setattr__(self, name, tuple(given))
        whole = tuple(
            int(step) if is_number(step) and step == int(step) else step for step in self.boundaries
        )
        object.__setattr__(self, "boundaries", whole)
        steps, rates = self.boundaries, self.values
        rising = all(is_int(step, least=0) for step in steps) and all(
            a < b for a, b in pairwise(steps)
        )
        require(
            rising, who, "boundaries to be whole numbers >= 0 in rising order", boundaries=steps
        )
        require(
            all(is_number(rate) and rate > 0 for rate in rates),
            who,
            "values to be numbers > 0",
            values=rates,
        )
        require(
            len(rates) == len(steps) + 1,
            who,
            "one value more than boundaries",
            boundaries=steps,
            values=rates,
        )

    def __call__(self, step: Array) -> Array:
        return jnp.asarray(self.values)[jnp.searchsorted(np.array(self.boundaries, np.int32), step)]


@dataclass(frozen=True)
class Warmup(Schedule):
    """A straight line up to a rate or a schedule: eta (t + 1) / warmup_steps, and from step
    warmup_steps on the schedule's own course.

    The line starts from 0 one step before the first: at a rate of 0 the first step would learn
        nothing. The last step of the warm-up
    has the whole rate.

    Args:
        learning_rate: eta, the rate after the warm-up; or a schedule, whose first rate is eta and
            whose steps begin after the warm-up.
        warmup_steps: how many steps the warm-up takes.

    Raises:
        ConfigError: a learning rate that is neither a number > 0 nor a Schedule, warmup_steps that
            are no int >= 1.

    Example:
        >>> [f"{Warmup(0.1, warmup_steps=4)(step):.3f}" for step in range(6)]
        ['0.025', '0.050', '0.075', '0.100', '0.100', '0.100']

    Source: Goyal et al. 2017, section 2.2; Vaswani et al. 2017, eq. 3 (steps counted from 1) for
        the line.
    """

    learning_rate: float | Schedule
    warmup_steps: int

    def __post_init__(self) -> None:
        check_learning_rate(self, self.learning_rate)
        _check(self, counts=("warmup_steps",))

    def __call__(self, step: Array) -> Array:
        eta = self.learning_rate
        after = eta(jnp.maximum(step - self.warmup_steps, 0)) if isinstance(eta, Schedule) else eta
        return after * ((1 + jnp.minimum(step, self.warmup_steps - 1)) / self.warmup_steps)


@dataclass(frozen=True)
class OneCycle(Schedule):
    """One rise and one longer fall, each half a cosine: from max / div_factor up to max, then down
    to max / (div_factor final_div_factor).

    The rise ends at step pct_start total_steps - 1, the fall at step total_steps - 1; the last rate
    stays.

    Args:
        max_learning_rate: max, the highest rate.
        total_steps: of the whole cycle: epochs times steps per epoch.
        pct_start: the fraction of the steps that the rise takes (a fraction, for all its name).
        div_factor: how many times lower the first rate is than the highest.
        final_div_factor: how many times lower the last rate is than the first.

    Raises:
        ConfigError: a number that is not > 0, total_steps that are no int >= 2, a pct_start not in
            (0, 1) or so small that the rise is not longer than a step.

    Example:
        >>> [f"{OneCycle(0.1, total_steps=10, pct_start=0.5)(step):.5f}" for step in (0, 2, 4, 9)]
        ['0.00400', '0.05200', '0.10000', '0.00000']

    Source: Smith 2018, "A disciplined approach to neural network hyper-parameters"; names, defaults
        and cosines are those of
    PyTorch's OneCycleLR.
    """

    max_learning_rate: float
    total_steps: int
    pct_start: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4

    def __post_init__(self) -> None:
        _check(
            self,
            positive=("max_learning_rate", "pct_start", "div_factor", "final_div_factor"),
            counts=("total_steps",),
        )
        long = self.pct_start < 1 < self.pct_start * self.total_steps
        expected = "pct_start below 1, and pct_start * total_steps above 1"
        require(long, "OneCycle", expected, pct_start=self.pct_start, total_steps=self.total_steps)

    def __call__(self, step: Array) -> Array:
        top, last = self.pct_start * self.total_steps - 1, self.total_steps - 1
        peak, first = self.max_learning_rate, self.max_learning_rate / self.div_factor
        end = first / self.final_div_factor
        rise = peak + (first - peak) * _cosine(step / top)
        fall = end + (peak - end) * _cosine((step - top) / (last - top))
        return jnp.where(step <= top, rise, fall)


def check_learning_rate(part: object, rate: object) -> None:
    """Raise ConfigError where the learning rate of a part is neither a number > 0 nor a
    Schedule.
    """
    ok = isinstance(rate, Schedule) or (is_number(rate) and float(rate) > 0)  # type: ignore[arg-type]
    require(
        ok,
        type(part).__name__,
        "learning_rate to be a number > 0 or a Schedule",
        learning_rate=rate,
    )


def _check(
    schedule: Schedule,
    *,
    positive: tuple[str, ...] = (),
    non_negative: tuple[str, ...] = (),
    counts: tuple[str, ...] = (),
    flags: tuple[str, ...] = (),
) -> None:
    who, fields = type(schedule).__name__, vars(schedule)
    for name in positive:
        require(
            is_number(fields[name]) and fields[name] > 0,
            who,
            f"{name} to be a number > 0",
            **{name: fields[name]},
        )
    for name in non_negative:
        require(
            is_number(fields[name]) and fields[name] >= 0,
            who,
            f"{name} to be a number >= 0",
            **{name: fields[name]},
        )
    for name in counts:
        require(
            is_int(fields[name], least=1), who, f"{name} to be an int >= 1", **{name: fields[name]}
        )
    for name in flags:
        require(isinstance(fields[name], bool), who, f"{name} to be a bool", **{name: fields[name]})


def _periods(schedule: ExponentialDecay | InverseTimeDecay, step: Array) -> Array:
    return step // schedule.decay_steps if schedule.staircase else step / schedule.decay_steps


def _cosine(fraction: Array) -> Array:
    """Half a cosine: 1 at 0, 0 at 1, and the same outside."""
    return (1 + jnp.cos(jnp.pi * jnp.clip(fraction, 0, 1))) / 2
