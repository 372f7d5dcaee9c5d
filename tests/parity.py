"""Compare a layer with Keras's on JAX: outputs, statistics and gradients from the same weights.

A layer of Keras is specified by its name and arguments, `keras_spec("Dense", 3)`, which can be
recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from glassnet import layers
from glassnet.engine import network
from glassnet.layers import Layer, functional
from glassnet.types import Array, Params, Shape, State
from oracles import FLOAT32, close

BATCH = 6

Spec = tuple[str, tuple[Any, ...], dict[str, Any]]
"""Name and arguments of a layer of Keras."""


def over_windows() -> set[type[Layer]]:
    """Return the public layers over windows of steps or pixels."""
    modules = {
        f"glassnet.layers.{name}"
        for name in ("convolution", "pooling", "resizing", "separable_convolution")
    }
    public: Iterable[type[Layer]] = (vars(layers)[name] for name in layers.__all__)
    return {layer for layer in public if layer.__module__ in modules}


def flatten_weights(tree: Iterable[Params], like: Iterable[Params]) -> list[Array]:
    """Return the arrays of links as a list, each link's in the order of `like`.

    JAX returns dicts with sorted keys, so the order must come from `like`.
    """
    return [a[name] for a, b in zip(tree, like, strict=True) for name in b]


def random_layer(
    layer: Layer, shape: Shape, seed: int = 0
) -> tuple[tuple[Layer, ...], tuple[Params, ...], tuple[State, ...], np.ndarray]:
    """Return the layer's links, random weights and statistics, and rows.

    Statistics are positive, as variances are.
    """
    rng = np.random.default_rng(seed)
    links = layer.unfold()
    trees = functional.init(links, rng, shape)[:2]
    params, state = (
        tuple(
            {name: np.float32(rng.uniform(0.5, 1.5, w.shape)) for name, w in one.items()}
            for one in tree
        )
        for tree in trees
    )
    return links, params, state, rng.normal(1, 2, (BATCH, *shape)).astype(np.float32)


def keras_spec(name: str, *args: Any, **kwargs: Any) -> Spec:
    """Return the specification of a layer of Keras."""
    return name, args, kwargs


def build_keras(keras: Any, spec: Spec) -> Any:
    """Build the layer of Keras from its specification."""
    name, args, kwargs = spec
    inner = [build_keras(keras, arg) if _is_spec(arg) else arg for arg in args]
    return getattr(keras.layers, name)(*inner, **kwargs)


def _is_spec(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 3 and isinstance(value[0], str)


def keras_run(
    keras: Any,
    spec: Spec,
    weights: list[Array],
    x: Array,
    dy: Array,
    training: bool,
    mask: Array | None = None,
) -> tuple[Array, list[Array], list[Array], Array]:
    """Return output, new statistics, and the gradients of trainable weights and x.

    The gradients are those of the inner product of the output with dy.
    """
    layer = build_keras(keras, spec)
    layer.build(x.shape)
    layer.set_weights(weights)
    learning = [v.value for v in layer.trainable_variables]
    fixed = [v.value for v in layer.non_trainable_variables]
    masked = {} if mask is None else {"mask": mask}
    options = (
        {"training": training} | masked
        if type(layer).__name__
        in ("BatchNormalization", "Dropout", "GaussianNoise", "TimeDistributed")
        else {}
    )

    def value(learning: list[Array], x: Array) -> tuple[Array, Any]:
        y, new = layer.stateless_call(learning, fixed, x, **options)
        return jnp.vdot(dy, y), (y, new)

    (_, (y, new)), (grads, dx) = jax.jit(jax.value_and_grad(value, argnums=(0, 1), has_aux=True))(
        learning, x
    )
    # without the states of random numbers
    return y, new[: len(layer.non_trainable_weights)], grads, dx


def check_parity(
    recorded: Any, layer: Layer, shape: Shape, spec: Spec, trainings: Sequence[bool]
) -> None:
    """Compare a layer with Keras's of the same weights.

    Outputs, new statistics and gradients of every weight and of the input must agree. `trainings`
    says whether in training, inference, or both, which are one program.
    """
    links, params, state, x = random_layer(layer, shape)

    def both_ways(params: Any, x: Array, training: bool) -> tuple[Any, ...]:
        y, pullbacks, new, _ = network.forward(
            links, params, state, x, train=training, key=jax.random.key(0)
        )
        dy = np.random.default_rng(1).normal(size=y.shape).astype(np.float32)
        grads, dx, _ = network.backward(pullbacks, dy)
        return y, dy, new, grads, dx

    weights = flatten_weights(params, params) + flatten_weights(state, state)
    every = jax.jit(lambda params, x: [both_ways(params, x, training) for training in trainings])(
        params, x
    )
    for training, (y, dy, new, grads, dx) in zip(trainings, every, strict=True):
        want_y, want_new, want_grads, want_dx = recorded(
            keras_run, spec, weights, x, dy, training, name=f"{training=}"
        )
        close(y, want_y, 5 * FLOAT32)
        close(dx, want_dx, 10 * FLOAT32)
        for ours, wanted in (
            (flatten_weights(grads, params), want_grads),
            (flatten_weights(new, state), want_new),
        ):
            for a, b in zip(ours, wanted, strict=True):
                close(a, b, 10 * FLOAT32)
