"""Layers that ignore padding: masked steps at the end change nothing at the real steps.

The oracle is the run without padding. Layers of windows show that the check can fail.
"""

import jax
import numpy as np
import pytest

from glassnet import layers as gl
from glassnet.engine.step_padding import StepPadding, padded_length
from glassnet.engine.train_step import Data
from glassnet.layers import functional
from oracles import close

STEPS, FEATURES = 5, 3

IGNORES = {
    "Dense": [gl.Dense(4, activation="tanh")],
    "Maxout": [gl.Maxout(4)],
    "softmax": [gl.Activation("softmax")],
    "PReLU": [gl.PReLU("random_normal", shared_axes=1)],
    "BatchNormalization": [gl.BatchNormalization()],
    "LayerNormalization": [gl.LayerNormalization()],
    "UnitNormalization": [gl.UnitNormalization()],
    "Rescaling": [gl.Rescaling(2.0)],
    "Normalization": [gl.Normalization(mean=1.0, variance=4.0)],
    "Masking": [gl.Masking()],
    "Dropout": [gl.Dropout(0.0), gl.GaussianNoise(0.0)],
    "causal": [gl.Conv1D(4, 2, padding="causal", dilation_rate=2)],
    "SimpleRNN": [gl.SimpleRNN(4, activation="relu", return_sequences=True)],
    "LSTM": [gl.LSTM(4, return_sequences=True)],
    "GRU": [gl.GRU(4, zero_output_for_mask=True, return_sequences=True)],
    "the last step": [gl.LSTM(4)],
    "backwards": [gl.GRU(4, go_backwards=True)],
    "Bidirectional": [gl.Bidirectional(gl.LSTM(2, return_sequences=True))],
    "both ends": [gl.Bidirectional(gl.GRU(2))],
    "mean": [gl.GlobalAveragePooling1D()],
    "maximum": [gl.LayerNormalization(), gl.GlobalMaxPooling1D()],
    "each step": [gl.TimeDistributed(gl.Dense(4)), gl.TimeDistributed(gl.BatchNormalization())],
    "Residual": [gl.Residual([gl.Dense(FEATURES)])],
    "Parallel": [gl.Parallel([gl.LSTM(2), gl.GlobalMaxPooling1D()])],
}


def run_both(layers, seed=0):
    """Return outputs and gradients of a chain of layers without and with padding."""
    links = functional.unfold(functional.with_names(layers))
    rng = np.random.default_rng(seed)
    params, state, _ = functional.init(links, rng, (STEPS, FEATURES))
    x = rng.normal(size=(4, STEPS, FEATURES)).astype(np.float32)
    x[0, 2] = 0
    padded, mask = StepPadding(has_output_steps=False).pad_features(x)
    assert padded.shape[1] > STEPS

    def run(params, x, mask):
        key = jax.random.key(0)
        y, new_state, mask = functional.run(links, params, state, x, key=key, train=True, mask=mask)
        real = y[:, :STEPS] if mask is not None and mask.ndim == 2 else y
        return (real**3).sum(), (real, new_state)

    both = jax.jit(
        lambda: [
            jax.value_and_grad(run, argnums=(0, 1), has_aux=True)(params, *each)
            for each in ((x, None), (padded, mask))
        ]
    )
    ((_, plain), grads), ((_, with_padding), other_grads) = both()
    dx, other_dx = grads[1], other_grads[1]
    return (*plain, grads[0], dx), (*with_padding, other_grads[0], other_dx[:, :STEPS])


@pytest.mark.parametrize("name", IGNORES)
def test_padding_changes_nothing(name):
    assert all(link.ignores_padding for link in functional.unfold(IGNORES[name]))
    plain, padded = run_both(IGNORES[name])
    for want, got in zip(jax.tree.leaves(plain), jax.tree.leaves(padded), strict=True):
        close(got, want, 5e-6)


@pytest.mark.parametrize(
    "layer",
    [
        gl.Conv1D(4, 3, padding="same"),
        gl.Conv1D(4, 2, strides=2, padding="causal"),
        gl.MaxPooling1D(2),
        gl.AveragePooling1D(2),
        gl.LSTM(4, go_backwards=True, return_sequences=True),
        gl.Activation(lambda x: x / x.sum(1, keepdims=True)),
        gl.UnitNormalization(axis=1),
        gl.Flatten(),
        gl.Residual([gl.Conv1D(FEATURES, 3, padding="same")]),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_other_layers_do_not_say_so(layer):
    assert not all(link.ignores_padding for link in layer.unfold())


def test_two_convolutions_differ_in_a_bucket():
    """Each output of a same-convolution sees later steps, which the padding replaces."""
    two = [gl.Conv1D(4, 5, padding="same"), gl.Conv1D(4, 5, padding="same")]
    (plain, *_), (padded, *_) = run_both(two)
    assert np.abs(np.asarray(plain) - np.asarray(padded)).max() > 0.1


def test_lengths():
    """2^k and 3 * 2^k: at most half of the steps are padding, on average a sixth."""
    assert [padded_length(n) for n in range(1, 14)] == [1, 2, 3, 4, 6, 6, 8, 8, 12, 12, 12, 12, 16]
    waste = [padded_length(n) / n - 1 for n in range(8, 1024)]
    assert max(waste) == 0.5 or max(waste) < 0.5
    assert np.mean(waste) == pytest.approx(0.17, abs=0.03)


def test_padded_data():
    x, y = np.arange(10.0).reshape(1, 5, 2), np.arange(5).reshape(1, 5)
    data, mask = StepPadding(has_output_steps=True).pad(Data(x, y))
    assert data.x[0, :, 0].tolist() == [0, 2, 4, 6, 8, 8]
    assert data.y.tolist() == [[0, 1, 2, 3, 4, 4]]
    assert mask.tolist() == [[1, 1, 1, 1, 1, 0]]
