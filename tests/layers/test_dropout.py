"""Noise layers: their distributions, within five standard deviations, and no noise in inference."""

import jax
import numpy as np
import pytest

from glassnet.errors import ConfigError
from glassnet.layers import AlphaDropout, Dropout, GaussianDropout, GaussianNoise
from oracles import EXACT, close


def noisy(layer, x, seed=1, train=True):
    return np.asarray(layer.apply({}, {}, x, key=jax.random.key(seed), train=train, mask=None)[0])


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.9])
def test_dropout_zeroes_its_share_and_keeps_the_mean(rate):
    """By hand: the other numbers are x / (1 - rate).

    Their share is binomial, within five standard deviations.
    """
    x = np.random.default_rng(0).uniform(1, 2, (100, 100)).astype(np.float32)
    y, _ = Dropout(rate).apply({}, {}, x, key=jax.random.key(1), train=True, mask=None)
    survived = np.asarray(y) != 0
    close(np.asarray(y)[survived], x[survived] / (1 - rate))
    assert abs(survived.mean() - (1 - rate)) < 5 * np.sqrt(rate * (1 - rate) / x.size)
    other, _ = Dropout(rate).apply({}, {}, x, key=jax.random.key(2), train=True, mask=None)
    assert not np.array_equal(other, y)


@pytest.mark.parametrize("stddev", [0.1, 3.0])
def test_gaussian_noise_is_normal(stddev):
    """Moments and quantiles of n normal draws.

    The mean has standard error stddev / sqrt(n), the standard deviation stddev / sqrt(2 n). 68.3 %
    lie within stddev, 95.5 % within 2 stddev.
    """
    x = np.random.default_rng(0).uniform(-1, 1, (200, 100)).astype(np.float32)
    noise, n = noisy(GaussianNoise(stddev), x) - x, x.size
    assert abs(noise.mean()) < 5 * stddev / np.sqrt(n)
    assert abs(noise.std() - stddev) < 5 * stddev / np.sqrt(2 * n)
    for far, share in ((1, 0.6827), (2, 0.9545)):
        assert abs((abs(noise) < far * stddev).mean() - share) < 5 * np.sqrt(
            share * (1 - share) / n
        )


def test_gaussian_noise_is_of_each_number_its_own():
    """The correlation of m independent pairs has standard deviation 1 / sqrt(m)."""
    x = np.zeros((200, 100), np.float32)
    noise = noisy(GaussianNoise(1.0), x)
    for a, b in (
        (noise[1:], noise[:-1]),
        (noise[:, 1:], noise[:, :-1]),
        (noise, noisy(GaussianNoise(1.0), x, seed=2)),
    ):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 5 / np.sqrt(a.size)


def test_gaussian_noise_scales_with_stddev_and_follows_its_key():
    x = np.zeros((20, 10), np.float32)
    noise = noisy(GaussianNoise(1.0), x)
    close(noisy(GaussianNoise(0.25), x), 0.25 * noise)
    np.testing.assert_allclose(noisy(GaussianNoise(1.0), x), noise, rtol=EXACT)
    np.testing.assert_array_equal(noisy(GaussianNoise(0.0), x + 7), x + 7)


@pytest.mark.parametrize(
    "layer", [AlphaDropout(0.5), Dropout(0.5), GaussianDropout(0.5), GaussianNoise(0.5)], ids=repr
)
def test_inference_draws_nothing(layer):
    x = np.ones((3, 4), np.float32)
    assert layer.apply({}, {}, x, key=None, train=False, mask=None) == (x, {})


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_alpha_dropout_sets_its_share_to_selus_floor_and_keeps_mean_and_variance(rate):
    """By hand: with s = -1.0507 * 1.6733, a^2 (1 - rate)(1 + rate s^2) = 1.

    Dropped numbers become a s (1 - rate), the others a (x - s rate).
    """
    x = np.random.default_rng(0).normal(size=(200, 100)).astype(np.float32)
    y, s = noisy(AlphaDropout(rate), x), -1.0507009873554805 * 1.6732632423543772
    a = 1 / np.sqrt((1 - rate) * (1 + rate * s**2))
    dropped = np.isclose(y, a * s * (1 - rate), atol=1e-5)
    close(y[~dropped], (a * (x - s * rate))[~dropped])
    assert abs(dropped.mean() - rate) < 5 * np.sqrt(rate * (1 - rate) / x.size)
    assert abs(y.mean()) < 5 / np.sqrt(x.size)
    assert abs(y.var() - 1) < 5 * np.sqrt(2 / x.size)


def test_gaussian_dropout_is_noise_in_proportion():
    """Rate 0.2: x times N(1, sqrt(0.2 / 0.8) = 0.5), so 2 x has twice the noise."""
    x = np.ones((200, 100), np.float32)
    y = noisy(GaussianDropout(0.2), x)
    assert abs(y.mean() - 1) < 5 * 0.5 / np.sqrt(x.size)
    assert abs(y.std() - 0.5) < 5 * 0.5 / np.sqrt(2 * x.size)
    close(noisy(GaussianDropout(0.2), 2 * x), 2 * y)


@pytest.mark.parametrize("layer", [AlphaDropout, GaussianDropout])
def test_rates_are_checked(layer):
    for rate in (-0.1, 1, "half"):
        with pytest.raises(
            ConfigError,
            match=rf"{layer.__name__}: expected rate from 0 to below 1\. Received: rate={rate!r}\.",
        ):
            layer(rate)


@pytest.mark.parametrize(
    ("noise_shape", "shared"),
    [
        ((None, 1, None), [(1,)]),
        ((None, None, 1), [(2,)]),
        ((1, None, None), [(0,)]),
        ((8, 1, 5), [(1,)]),
        ((None, 1, 1), [(1, 2)]),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [Dropout, AlphaDropout])
def test_noise_is_shared_along_axes_of_size_one(kind, noise_shape, shared):
    """Oracle: with ones as input, numbers along a shared axis are equal, and others differ."""
    layer = kind(0.5, noise_shape)
    assert layer.init(np.random.default_rng(0), (20, 5)) == {}
    y = noisy(layer, np.ones((8, 20, 5), np.float32))
    (axes,) = shared
    assert np.ptp(y, axis=axes).max() == 0
    for other in set(range(3)) - set(axes):
        assert np.ptp(y, axis=other).max() > 0
    assert hash(layer) == hash(kind(0.5, list(noise_shape)))


def test_noise_of_every_number_s_own_is_the_default():
    x = np.ones((8, 20, 5), np.float32)
    assert np.array_equal(noisy(Dropout(0.5), x), noisy(Dropout(0.5, (None, None, None)), x))
