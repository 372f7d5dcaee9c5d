"""Bands of learning rates. Oracles: curves whose steepest point and turn are known (1)."""

import re

import numpy as np
import pytest

from glassnet.selection.rate_bands import describe_curve, find_band

RATES = np.logspace(-6, 1, 150)
DECADES = np.log10(RATES)
FALL_AT, RISE_AT, WIDTH = -2.0, 0.0, 0.15
"""The fall is steepest at 0.01, and the loss explodes at 1."""


def fall(at=FALL_AT, start=2.0, depth=1.5):
    """Return a loss that falls as 1 / (1 + e^z): steepest at `at`, symmetric around it."""
    return start - depth / (1 + np.exp(-(DECADES - at) / WIDTH))


def explode(at=RISE_AT):
    """Return a term that is far below 0.1 up to a decade before `at`, and 5 there."""
    return 5 * 10 ** np.minimum(3 * (DECADES - at), 6)


def noise(seed, std=0.1):
    return np.random.default_rng(seed).normal(0, std, len(RATES))


def band_of(*losses):
    return find_band(RATES, [describe_curve(RATES, row) for row in losses])


def decades_between(a, b):
    return abs(np.log10(a / b))


def test_the_points_of_a_known_curve():
    """The steepest point is 0.01; a tenth of the fall is made at z = ln(1 / 9) = -2.197."""
    losses = fall() + explode()
    curve = describe_curve(RATES, losses)
    assert curve.fall > 100
    assert abs(DECADES[curve.steepest] - FALL_AT) < 0.1
    assert abs(DECADES[curve.falling] - (FALL_AT - 2.197 * WIDTH)) < 0.15
    assert abs(DECADES[curve.minimum] - DECADES[losses.argmin()]) < 0.2
    half_regained = losses.min() + (losses[0] - losses.min()) / 2
    last = np.flatnonzero(losses < half_regained)[-1]
    assert abs(curve.divergence - last) <= 3
    assert np.isfinite(curve.losses[: curve.divergence + 1]).all()
    assert np.isnan(curve.losses[curve.divergence + 1 :]).all()
    assert np.isnan(curve.smoothed[curve.divergence :]).all()


def test_the_band_of_a_known_curve():
    losses = fall() + explode()
    band = band_of(losses)
    assert band.problem == ""
    assert band.low_reason == "the loss begins to fall"
    assert band.high_reason.startswith("half of ")
    assert band.high_reason.endswith(", where the loss rises again")
    assert decades_between(2 * band.high, RATES[losses.argmin()]) < 0.2
    assert band.suggestion == pytest.approx(band.high / 2)
    assert band.low < band.suggestion < band.high


def test_noise_moves_the_points_little():
    """Five seeds with a noise of a fifteenth of the fall; 40 draws of them."""
    clean = band_of(fall() + explode())
    for draw in range(40):
        band = band_of(*(fall() + explode() + noise((draw, seed)) for seed in range(5)))
        assert decades_between(band.suggestion, clean.suggestion) < 0.2
        assert decades_between(band.high, clean.high) < 0.5
        assert band.low < band.suggestion <= band.high


def test_the_upper_end_is_that_of_the_first_seed():
    """The third seed explodes two decades before the others."""
    seeds = [fall(at=-3.5) + explode(at) for at in (0, 0, -2, 0, 0)]
    band, alone = band_of(*seeds), band_of(seeds[2])
    assert band.high == alone.high
    assert band.high_reason.endswith("where the first of 5 seeds rises again")


def test_the_suggestion_is_a_quarter_of_the_median_minimum():
    """The median seed is smallest at m; the suggestion is m / 4, or the upper end if that is less."""
    near = [fall() + explode(at) for at in (-0.2, -0.1, 0, 0.4, 0.8)]
    minimum = RATES[describe_curve(RATES, near[2]).minimum]
    band = band_of(*near)
    assert band.suggestion == pytest.approx(minimum / 4)
    assert band.suggestion < band.high
    far = band_of(*(fall(at=-3.5) + explode(at) for at in (-2, 0, 0)))
    assert far.suggestion == far.high


@pytest.mark.parametrize("std", [0.0, 0.1, 10.0])
def test_flat_losses_have_no_suggestion(std):
    """Of 100 tests with five seeds of pure noise, at most one finds a band; of 400 with one, 8."""
    curves = [describe_curve(RATES, 2 + noise(seed, std)) for seed in range(500 if std else 1)]
    tests = [find_band(RATES, curves[i : i + 5]) for i in range(0, len(curves), 5)]
    assert sum(not test.problem for test in tests) <= len(tests) // 100
    assert sum(not find_band(RATES, [curve]).problem for curve in curves[:400]) <= 8
    band = tests[0]
    assert np.isnan([band.low, band.high, band.suggestion]).all()
    where = re.sub(" in [345] of 5 seeds", "", band.problem)
    assert where == (
        "The loss does not fall at any rate from 1e-06 to 10. Check the inputs and"
        " targets, or pass another range or more steps=."
    )


def test_a_loss_that_does_not_fall_before_it_diverges():
    band = band_of(2 + explode() + noise(0, 0.01))
    assert band.problem.startswith("The loss does not fall at any rate from 1e-06 to 0.")
    assert np.isnan(band.suggestion)


@pytest.mark.parametrize("finite", [True, False])
def test_divergence_at_once(finite):
    """The loss doubles at every step, or is not finite from the third on."""
    losses = 2.0 ** np.arange(len(RATES)) if finite else np.where(DECADES < -5.9, 2.0, np.nan)
    band = band_of(losses)
    assert band.problem.startswith("The loss does not fall: it diverges at once, at a rate of ")
    assert band.problem.endswith("Pass a smaller low=.")


def test_a_loss_that_is_never_finite():
    band = band_of(np.full(len(RATES), np.nan), np.full(len(RATES), np.inf))
    assert band.problem == (
        "The loss does not fall in 2 of 2 seeds: it is not finite before the first step. Scale the"
        " inputs and targets."
    )


def test_a_bounded_loss_diverges_too():
    """It regains 80 % of its fall, 1.2 of 1.5, in two decades, and half of it at 0.1775."""
    losses = fall(at=-3) + 1.2 * np.clip((DECADES + 2) / 2, 0, 1)
    curve = describe_curve(RATES, losses)
    assert abs(DECADES[curve.divergence] - (-2 + 2 * 0.75 / 1.2)) < 0.1


def test_a_rise_of_less_than_a_hundredth_is_no_divergence():
    losses = 2 + 0.002 * (DECADES - DECADES[0])
    curve = describe_curve(RATES, losses)
    assert curve.divergence is None
    assert curve.fall == 0


def test_seeds_that_disagree():
    """One seed is smallest at 1e-5 and explodes; the others fall from 0.01 on."""
    seeds = [fall() + explode(), fall() + explode(), fall(at=-5.4) + explode(-4)]
    band = band_of(*seeds)
    assert band.problem.startswith("The seeds disagree: in one the loss is smallest at a rate of ")
    assert np.isnan(band.suggestion)


def test_a_seed_that_starts_low_by_chance():
    """Its first losses are a standard deviation below the others: that is no divergence."""
    for seed in range(40):
        losses = 2 + noise(seed, 0.5)
        losses[:8] -= 0.5
        assert describe_curve(RATES, losses).divergence is None


def test_a_loss_that_never_diverges():
    """It still falls at the highest rate: the end is that of the range."""
    band = band_of(fall(at=0.9))
    assert band.high == pytest.approx(5)
    expected = "half of 10, the highest rate tried: the loss still falls, so pass a larger high="
    assert band.high_reason == expected
    flat_end = fall() + 0.001 * (DECADES - DECADES[0])
    assert describe_curve(RATES, flat_end).divergence is None
    assert band_of(flat_end).high_reason.endswith("where the loss falls no further")


def test_a_loss_that_falls_from_the_start():
    band = band_of(fall(at=-6) + explode())
    assert band.low == RATES[0]
    assert band.low_reason.startswith("the lowest rate tried: the loss falls from the start")


def test_a_seed_that_is_not_finite():
    """NaN at step 100: that seed ends there. NaN at once: the band is that of the others."""
    seeds = [fall() + explode() + noise(seed) for seed in range(5)]
    broken = seeds[0].copy()
    broken[100] = np.nan
    curve = describe_curve(RATES, broken)
    assert curve.divergence == 100
    assert np.isnan(curve.losses[100:]).all()
    nothing = np.full(len(RATES), np.nan)
    assert band_of(*seeds, nothing) == band_of(*seeds)
    assert band_of(seeds[0], nothing, nothing).problem.startswith(
        "The loss does not fall in 2 of 3 seeds"
    )


def test_an_infinite_loss_counts_as_divergence():
    losses = fall()
    losses[120:] = np.inf
    curve = describe_curve(RATES, losses)
    assert curve.divergence == 120
    assert np.isnan(curve.losses[120:]).all()


def test_one_bad_batch_is_no_divergence():
    losses = fall()
    losses[60] = 100.0
    assert describe_curve(RATES, losses).divergence is None


def test_the_unit_of_the_loss_does_not_matter():
    """A relation that must hold (6)."""
    losses = fall() + explode() + noise(1)
    assert band_of(1000 * losses) == band_of(losses)
    shifted = band_of(losses - 5)
    assert shifted == band_of(losses)


def test_more_steps_find_the_same_points():
    """Smoothing is over decades, not steps."""
    rates = np.logspace(-6, 1, 600)
    fine = np.interp(np.log10(rates), DECADES, fall() + explode())
    curve, coarse = describe_curve(rates, fine), describe_curve(RATES, fall() + explode())
    for name in ("falling", "minimum"):
        assert decades_between(rates[getattr(curve, name)], RATES[getattr(coarse, name)]) < 0.1
    same = np.interp(DECADES, np.log10(rates), curve.smoothed)[:110]
    np.testing.assert_allclose(same, coarse.smoothed[:110], atol=0.02)
