"""A layer beside Keras's on JAX: outputs, statistics and gradients from the same weights.

Keras's layer is told by its name and arguments, `theirs("Dense", 3)`, which say what is recorded.
"""

import jax
import jax.numpy as jnp
import numpy as np

from glassnet import layers
from glassnet.engine import network
from glassnet.layers import functional
from oracles import FLOAT32, close

BATCH = 6


def over_windows():
    """The public layers that go over steps and pixels."""
    homes = ("glassnet.layers.convolution", "glassnet.layers.pooling", "glassnet.layers.resizing")
    return {layer for layer in map(vars(layers).get, layers.__all__) if layer.__module__ in homes}


def flat(tree, like):
    """A link's arrays after another, each link's in the order of `like`: JAX returns dicts with
    sorted keys.
    """
    return [a[name] for a, b in zip(tree, like, strict=True) for name in b]


def drawn(layer, shape, seed=0):
    """The layer's links with random weights and statistics (positive, as variances are), and
    rows.
    """
    rng = np.random.default_rng(seed)
    links = layer.unfold()
    *learned, _ = functional.init(links, rng, shape)
    params, state = (
        tuple(
            {name: np.float32(rng.uniform(0.5, 1.5, w.shape)) for name, w in one.items()}
            for one in tree
        )
        for tree in learned
    )
    return links, params, state, rng.normal(1, 2, (BATCH, *shape)).astype(np.float32)


def theirs(name, *args, **kwargs):
    """A layer of Keras in words."""
    return name, args, kwargs


def made(keras, words):
    """The layer of Keras of these words."""
    name, args, kwargs = words
    return getattr(keras.layers, name)(*args, **kwargs)


def keras_run(keras, words, weights, x, dy, training, mask=None):
    """Output, new statistics, gradients of the trainable weights and of x, of the inner product of
    the output with dy.
    """
    layer = made(keras, words)
    layer.build(x.shape)
    layer.set_weights(weights)
    learning = [v.value for v in layer.trainable_variables]
    fixed = [v.value for v in layer.non_trainable_variables]
    masked = {} if mask is None else {"mask": mask}
    options = (
        {"training": training} | masked
        if type(layer).__name__ in ("BatchNormalization", "Dropout", "GaussianNoise")
        else {}
    )

    def value(learning, x):
        y, new = layer.stateless_call(learning, fixed, x, **options)
        return jnp.vdot(dy, y), (y, new)

    (_, (y, new)), (grads, dx) = jax.jit(jax.value_and_grad(value, argnums=(0, 1), has_aux=True))(
        learning, x
    )
    return (
        y,
        new[: len(layer.non_trainable_weights)],
        grads,
        dx,
    )  # without the states of random numbers


def check_parity(recorded, layer, shape, words, trainings):
    """The layer, and Keras's of the same weights, give the same outputs, new statistics, and
    gradients of every weight and of the input.

    In training, outside it, or in both, which are one program of ours.
    """
    links, params, state, x = drawn(layer, shape)

    def both_ways(params, x, training):
        y, pullbacks, new, _ = network.forward(
            links, params, state, x, train=training, key=jax.random.key(0)
        )
        dy = np.random.default_rng(1).normal(size=y.shape).astype(np.float32)
        grads, dx, _ = network.backward(pullbacks, dy)
        return y, dy, new, grads, dx

    weights = flat(params, params) + flat(state, state)
    every = jax.jit(lambda params, x: [both_ways(params, x, training) for training in trainings])(
        params, x
    )
    for training, (y, dy, new, grads, dx) in zip(trainings, every, strict=True):
        want_y, want_new, want_grads, want_dx = recorded(
            keras_run, words, weights, x, dy, training, name=f"{training=}"
        )
        close(y, want_y, 5 * FLOAT32)
        close(dx, want_dx, 10 * FLOAT32)
        for ours, wanted in ((flat(grads, params), want_grads), (flat(new, state), want_new)):
            for a, b in zip(ours, wanted, strict=True):
                close(a, b, 10 * FLOAT32)
