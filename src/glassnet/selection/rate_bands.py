"""From the losses of a learning-rate range test to a band of rates: pure functions of arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glassnet.formatting import format_number

SMOOTHING_DECADES, SLOPE_DECADES = 0.2, 0.4
"""Standard deviation of the Gaussian that smooths a curve, in powers of ten of the rate. Noise
moves a slope more, so that the slope is smoothed more.
"""

START_FRACTION, MIN_START_STEPS = 1 / 15, 3
"""Fraction of the steps, the first ones, whose median loss counts as the loss before training."""

MEDIAN_STEPS = 5
"""Length of the running median that decides on divergence: one bad batch does not change it."""

REGAINED_FRACTION = 0.5
"""A loss that has risen again by this fraction of its fall counts as diverged."""

STARTED_FRACTION = 0.1
"""Fraction of its fall after which a loss counts as falling."""

UPPER_DIVISOR, SUGGESTION_DIVISOR = 2.0, 4.0
"""The smallest minimum divided by the upper end, and the median minimum by the suggestion.

Training for longer tolerates lower rates only. benchmarks/NOTES.md has the measurements.
"""

NOISE_STDS = 3.0
"""Standard deviations of the noise that a rise exceeds."""

FALL_STDS, FEW_SEEDS_FALL_STDS, MANY_SEEDS = 3.0, 4.0, 3
"""Standard errors that a fall exceeds, with three seeds or more, and with fewer.

Of 4,000 curves of pure noise, 4.7 % exceed 3 standard errors and 0.7 % exceed 4. Half of five seeds
exceed 3 once in a thousand tests.
"""

MIN_RISE = 0.01
"""The fraction of the first losses that a rise exceeds too."""

AT_ONCE_FRACTION = 1 / 4
"""Fraction of the steps, the first ones; a range that diverges in them begins too high."""


@dataclass(frozen=True, eq=False)
class SeedCurve:
    """What one seed shows: its losses until they diverge, and the points of its curve.

    Attributes:
        losses: losses (steps,), NaN after the step at which they diverge.
        smoothed: the same, smoothed (steps,), NaN from the step at which they diverge.
        falling: index of the first step after which the loss is lower than at the start.
        steepest: index of the steepest fall of the smoothed loss over the logarithm of the rate.
        minimum: index of the smallest smoothed loss.
        divergence: index of the step at which it diverges; None if it does not.
        fall: the fall of the loss in standard errors of the smoothed losses; 0 if there is none. If
            it is within the noise, the indices mean nothing.
    """

    losses: np.ndarray
    smoothed: np.ndarray
    falling: int
    steepest: int
    minimum: int
    divergence: int | None
    fall: float


@dataclass(frozen=True)
class RateBand:
    """Learning rates with which training should work.

    Attributes:
        low, high: ends of the band; NaN if there is none.
        low_reason, high_reason: why it ends there, in words; "" if there is none.
        suggestion: a rate inside; NaN if there is none.
        problem: why there is no band; else "".
    """

    low: float = np.nan
    high: float = np.nan
    low_reason: str = ""
    high_reason: str = ""
    suggestion: float = np.nan
    problem: str = ""


def describe_curve(rates: np.ndarray, losses: np.ndarray) -> SeedCurve:
    """Find where the loss of one seed falls, is steepest, is smallest and diverges.

    Args:
        rates: learning rates (steps,), which rise by the same factor at every step.
        losses: the loss of each step (steps,); NaN or infinite after it is no longer finite.
    """
    n_start = _count_start_steps(rates)
    divergence = _find_divergence(losses, n_start)
    n = len(losses) if divergence is None else divergence
    known = np.where((np.arange(len(losses)) <= n) & np.isfinite(losses), losses, np.nan)
    smoothed = np.full(len(losses), np.nan)
    if n < n_start:
        return SeedCurve(known, smoothed, 0, 0, 0, divergence, fall=0.0)
    width = _find_width(rates)
    smoothed[:n], slope = _smooth(losses[:n], width)
    start, minimum = float(np.median(losses[:n_start])), int(smoothed[:n].argmin())
    fall = float(start - smoothed[minimum]) if minimum >= n_start else 0.0
    # The smoothed loss averages 2 sqrt(pi) widths of steps.
    variance = 1 / (2 * np.sqrt(np.pi) * width) + np.pi / 2 / n_start
    standard_error = float(np.sqrt(variance)) * _find_noise(losses[:n])
    until_minimum = smoothed[: minimum + 1]
    return SeedCurve(
        known,
        smoothed,
        falling=_find_crossing(until_minimum, start - STARTED_FRACTION * fall),
        steepest=int(slope[: minimum + 1].argmin()),
        minimum=minimum,
        divergence=divergence,
        fall=fall / standard_error if fall else 0.0,
    )


def select_falling(curves: list[SeedCurve]) -> list[SeedCurve]:
    """Return the curves whose loss falls by more than its noise."""
    limit = FALL_STDS if len(curves) >= MANY_SEEDS else FEW_SEEDS_FALL_STDS
    return [curve for curve in curves if curve.fall > limit]


def find_band(rates: np.ndarray, curves: list[SeedCurve]) -> RateBand:
    """Return the rates from which the loss falls, up to the first seed's rise, and a suggestion.

    The suggestion is a quarter of the median rate with the smallest loss, inside the band.
    """
    falling = select_falling(curves)
    if 2 * len(falling) < len(curves):
        return RateBand(problem=_explain_no_fall(rates, curves))
    low, low_reason = _find_low(rates, falling)
    minima = rates[[curve.minimum for curve in falling]]
    high = float(minima.min()) / UPPER_DIVISOR
    if high <= low:
        return RateBand(problem=_explain_disagreement(low, float(minima.min())))
    return RateBand(
        low=low,
        high=high,
        low_reason=low_reason,
        high_reason=_explain_high(rates, falling),
        suggestion=float(np.clip(np.median(minima) / SUGGESTION_DIVISOR, low, high)),
    )


def _explain_no_fall(rates: np.ndarray, curves: list[SeedCurve]) -> str:
    n_flat = len(curves) - len(select_falling(curves))
    subject = "The loss does not fall"
    if len(curves) > 1:
        subject += f" in {n_flat} of {len(curves)} seeds"
    ends = [rates[curve.divergence] for curve in curves if curve.divergence is not None]
    if len(ends) == len(curves) and np.median(ends) == rates[0]:
        return f"{subject}: it is not finite before the first step. Scale the inputs and targets."
    at_once = rates[int(AT_ONCE_FRACTION * len(rates))]
    if len(ends) == len(curves) and np.median(ends) <= at_once:
        return (
            f"{subject}: it diverges at once, at a rate of {format_number(np.median(ends), 2)}."
            " Pass a smaller low=."
        )
    low, high = (format_number(rate, 2) for rate in (rates[0], min(ends, default=rates[-1])))
    return (
        f"{subject} at any rate from {low} to {high}. Check the inputs and targets, or pass"
        " another range or more steps=."
    )


def _explain_disagreement(low: float, minimum: float) -> str:
    numbers = format_number(minimum, 2), format_number(low, 2)
    return (
        f"The seeds disagree: in one the loss is smallest at a rate of {numbers[0]}, but in most it"
        f" begins to fall only at {numbers[1]}. Pass more steps= or a larger batch_size=."
    )


def _find_low(rates: np.ndarray, falling: list[SeedCurve]) -> tuple[float, str]:
    """Return the rate from which half of the seeds fall, and what it is, in words."""
    if np.median([curve.falling for curve in falling]) <= _count_start_steps(rates):
        reason = "the lowest rate tried: the loss falls from the start, so pass a smaller low="
        return float(rates[0]), reason
    return float(np.median([rates[curve.falling] for curve in falling])), "the loss begins to fall"


def _explain_high(rates: np.ndarray, falling: list[SeedCurve]) -> str:
    first = min(falling, key=lambda curve: curve.minimum)
    where = f"half of {format_number(rates[first.minimum], 2)}, "
    if first.minimum >= len(rates) - 1 - _find_width(rates):
        return f"{where}the highest rate tried: the loss still falls, so pass a larger high="
    who = f"the first of {len(falling)} seeds" if len(falling) > 1 else "the loss"
    return f"{where}where {who} {'falls no further' if first.divergence is None else 'rises again'}"


def _find_divergence(losses: np.ndarray, n_start: int) -> int | None:
    """Return the index at which a loss is not finite, or has lost what it gained; None if none is.

    The second is the first step from which the next losses and all later ones are mostly above a
    limit: half of the fall is regained, and the rise exceeds the noise and 1 % of the first losses.
    """
    bad = np.flatnonzero(~np.isfinite(losses))
    n = int(bad[0]) if len(bad) else len(losses)
    end = n if len(bad) else None
    if n < max(n_start, MEDIAN_STEPS):
        return end
    medians = np.median(np.lib.stride_tricks.sliding_window_view(losses[:n], MEDIAN_STEPS), axis=1)
    start = medians[: max(n_start - MEDIAN_STEPS, 1)].max()
    best = np.minimum.accumulate(np.minimum(medians, start))
    margin = max(NOISE_STDS * _find_noise(losses[:n]), MIN_RISE * abs(start))
    limit = best + REGAINED_FRACTION * (start - best) + margin
    for i in np.flatnonzero(medians > limit):
        if np.median(losses[i:n]) > limit[i]:
            return int(i + np.argmax(losses[i:n] > limit[i]))
    return end


def _count_start_steps(rates: np.ndarray) -> int:
    """Return the number of the first steps, before the network has learned anything."""
    return max(MIN_START_STEPS, round(START_FRACTION * len(rates)))


def _find_noise(losses: np.ndarray) -> float:
    """Return the standard deviation of the losses around their trend, at low rates.

    It comes from the differences of neighboring steps in the first third; a rounding error at
    least.
    """
    first = losses[: max(len(losses) // 3, MIN_START_STEPS)]
    spread = np.median(np.abs(np.diff(first))) / 0.6745 / np.sqrt(2) if len(first) > 1 else 0.0
    return max(float(spread), 1e-5 * float(np.abs(first).max(initial=0)))


def _find_width(rates: np.ndarray) -> float:
    """Return the standard deviation of the smoothing in steps, at least 1."""
    steps_per_decade = (len(rates) - 1) / np.log10(rates[-1] / rates[0])
    return float(max(SMOOTHING_DECADES * steps_per_decade, 1.0))


def _find_crossing(smoothed: np.ndarray, level: float) -> int:
    """Return the index of the first step after which no loss is above a level."""
    above = np.flatnonzero(smoothed > level)
    return int(above[-1]) + 1 if len(above) else 0


def _smooth(losses: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the smoothed losses and their slope per step, which is smoothed more."""
    from scipy.ndimage import gaussian_filter1d

    smoothed = gaussian_filter1d(losses, width, mode="nearest")
    more = width * SLOPE_DECADES / SMOOTHING_DECADES
    return smoothed, gaussian_filter1d(losses, more, order=1, mode="nearest")
