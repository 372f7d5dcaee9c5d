"""Layers with a memory of the steps before: SimpleRNN, LSTM, GRU."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from glassnet import activations, initializers
from glassnet.errors import is_int, is_number, require
from glassnet.initializers import Initializer
from glassnet.layers import recurrent_ops
from glassnet.layers.layer import Layer
from glassnet.layers.recurrent_ops import Cell, GRUCell, LSTMCell, RecurrentWeights, SimpleCell
from glassnet.layers.shape import any_step_mask
from glassnet.layers.weight_fields import resolve_fields, weight_penalty
from glassnet.regularizers import Regularizer
from glassnet.types import Array, Params, Shape, State

ActivationLike = str | Callable[[Array], Array]

MAX_UNITS = 2**14
"""More make a recurrent kernel of four gigabytes and up."""


class RecurrentInternals(NamedTuple):
    """What happened inside a recurrent layer, each (batch, time, units) in the order of the input.

    Attributes:
        states: after each step: h, and c where there is one.
        gates: of each step, as the cell has them.
        delta: dL/dh after each step, through all later ones.
    """

    states: tuple[Array, ...]
    gates: tuple[Array, ...]
    delta: Array


class Recurrent(Layer, ABC):
    """What the recurrent layers share. Each gives its fields and its `cell`."""

    units: int
    use_bias: bool
    kernel_initializer: Any
    recurrent_initializer: Any
    bias_initializer: Any
    dropout: float
    recurrent_dropout: float
    return_sequences: bool
    go_backwards: bool
    zero_output_for_mask: bool

    @property
    @abstractmethod
    def cell(self) -> Cell:
        """One step."""

    def __post_init__(self) -> None:
        who = type(self).__name__
        require(is_int(self.units, least=1), who, "units to be an int >= 1", units=self.units)
        require(self.units <= MAX_UNITS, who, f"units to be at most {MAX_UNITS}", units=self.units)
        for name in ("dropout", "recurrent_dropout"):
            rate = getattr(self, name)
            require(
                is_number(rate) and 0 <= rate < 1,
                who,
                f"{name} from 0 to below 1 (the fraction zeroed)",
                **{name: rate},
            )
        flags = (
            "use_bias",
            "return_sequences",
            "go_backwards",
            "zero_output_for_mask",
            "unit_forget_bias",
            "reset_after",
        )
        for name in vars(self).keys() & set(flags):
            require(
                isinstance(getattr(self, name), bool),
                who,
                f"{name} to be True or False",
                **{name: getattr(self, name)},
            )
        for name in vars(self).keys() & {"activation", "recurrent_activation"}:
            object.__setattr__(
                self,
                name,
                activations.canonicalize(
                    "linear" if getattr(self, name) is None else getattr(self, name)
                ),
            )
        resolve_fields(self)

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        example = (shape[0], math.prod(shape[1:])) if len(shape) > 1 else (*shape, 1)
        fix = (
            f"Put Reshape({example}) in front."
            if 0 not in shape
            else "Give sequences of one step at least."
        )
        ok = len(shape) == 2 and 0 not in shape
        require(
            ok,
            self.name or type(self).__name__,
            "sequences (time, features)",
            input_shape=shape,
            fix=fix,
        )
        width = len(self.cell.gate_names) * self.units
        params = {
            "kernel": initializers.get(self.kernel_initializer)(rng, (shape[1], width)),
            "recurrent_kernel": initializers.get(self.recurrent_initializer)(
                rng, (self.units, width)
            ),
        }
        return params | ({"bias": self.init_bias(rng, width)} if self.use_bias else {})

    def init_bias(self, rng: np.random.Generator, width: int) -> np.ndarray:
        """Where the bias starts."""
        return initializers.get(self.bias_initializer)(rng, (width,))

    def recurrent_weights(self, params: Params) -> RecurrentWeights:
        """The params as the loops over time take them."""
        return RecurrentWeights(params["kernel"], params["recurrent_kernel"], params.get("bias"))

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        weights, noise, real, x = self._prepare_loop(params, x, key, train, mask)
        if self.cell.has_fast_path and noise[1] is None:
            x = x if noise[0] is None else x * noise[0][:, 0]
            y = recurrent_ops.fast_scan(
                self.cell, self.go_backwards, self.return_sequences, x, weights, real
            )
        else:
            y, _ = recurrent_ops.reference_scan(
                self.cell, self.go_backwards, self.return_sequences, x, weights, real, noise
            )
        return self._arrange_output(y, real), state

    def compute_internals(
        self, params: Params, x: Array, delta: Array, *, key: Array, train: bool, mask: Array | None
    ) -> RecurrentInternals:
        """Every step of one pass, for dL/d(output) `delta`: by the plain loop, with a zero added to
        every h.
        """
        weights, noise, real, x = self._prepare_loop(params, x, key, train, mask)

        def run(tap: Array) -> Any:
            y, steps = recurrent_ops.reference_scan(
                self.cell, self.go_backwards, self.return_sequences, x, weights, real, noise, tap
            )
            return self._arrange_output(y, real), steps

        _, back, steps = jax.vjp(run, jnp.zeros((*x.shape[:2], self.units), x.dtype), has_aux=True)
        return jax.tree.map(lambda a: a.swapaxes(0, 1), RecurrentInternals(*steps, *back(delta)))

    def _prepare_loop(
        self, params: Params, x: Array, key: Array, train: bool, mask: Array | None
    ) -> tuple[RecurrentWeights, Any, Array | None, Array]:
        """Weights, dropout's factors, which steps are real (time, batch, 1), and x with time
        first.
        """
        real = None if mask is None or mask.ndim == 1 else mask.astype(bool).T[:, :, None]
        return (
            self.recurrent_weights(params),
            self._draw_dropout_factors(key, x, train),
            real,
            jnp.asarray(x).swapaxes(0, 1),
        )

    def _draw_dropout_factors(
        self, key: Array, x: Array, train: bool
    ) -> tuple[Array | None, Array | None]:
        gates = len(self.cell.gate_names) if is_nonzero(self.recurrent_dropout) else 1
        wanted = ((self.dropout, gates, x.shape[-1]), (self.recurrent_dropout, gates, self.units))
        drawn: list[Array | None] = []
        for i, (rate, *size) in enumerate(wanted):
            if train and is_nonzero(rate):
                kept = jax.random.bernoulli(jax.random.fold_in(key, i), 1.0 - rate, (len(x), *size))
                drawn.append(kept.astype(x.dtype) / (1 - rate))
            else:
                drawn.append(None)
        return drawn[0], drawn[1]

    def _arrange_output(self, y: Array, real: Array | None) -> Array:
        if not self.return_sequences:
            return y
        y = y if real is None or not self.zero_output_for_mask else jnp.where(real, y, 0)
        return (y[::-1] if self.go_backwards else y).swapaxes(0, 1)

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        if not self.return_sequences:
            return any_step_mask(mask)
        return mask[:, ::-1] if self.go_backwards and mask is not None and mask.ndim == 2 else mask

    def penalty(self, params: Params) -> Array:
        return weight_penalty(
            self, {name.removesuffix("_kernel"): weight for name, weight in params.items()}
        )


def is_nonzero(rate: Any) -> bool:
    """Whether a rate is other than a plain 0: a sweep's is."""
    return not (isinstance(rate, int | float) and rate == 0)


@dataclass(frozen=True)
class SimpleRNN(Recurrent):
    """A memory of units numbers, weighed in with every step: h_t = f(x_t W + h_(t-1) U + b), from
    h_0 = 0.

    A step that the mask leaves out changes nothing: h stays. A row without a real step gives h_0 =
        0 and does not count in the loss.

    Shapes:
        (batch, time, features) to (batch, units), or (batch, time, units) with `return_sequences`;
        kernel W (features, units), recurrent_kernel U (units, units), bias b (units,).

    Args:
        units: numbers in h, >= 1.
        activation: f; with tanh the loop over time is a fast one.
        use_bias: whether b exists.
        kernel_initializer: where W starts.
        recurrent_initializer: where U starts; orthogonal keeps the length of what goes round.
        bias_initializer: where the bias starts.
        kernel_regularizer: a penalty on W, added to the loss.
        recurrent_regularizer: a penalty on U.
        bias_regularizer: a penalty on the bias.
        dropout: fraction of x zeroed in training, from 0 to below 1, the same features at every
            step of a sequence.
        recurrent_dropout: fraction of h zeroed on its way into h U, the same units at every step.
        return_sequences: whether the outputs of all steps come out, or the last alone.
        go_backwards: whether the last step is taken first; outputs come in the order in which steps
            are taken.
        zero_output_for_mask: whether the output at a masked step is 0 rather than that of the step
            before.

    Raises:
        ConfigError: units is not an int >= 1; a rate outside [0, 1); an activation, initializer or
            regularizer is unknown; once the shape is known, an example is not (time, features).

    Example:
        >>> remembers = SimpleRNN(1, activation="linear", return_sequences=True)
        >>> params = {"kernel": np.array([[1.0]]), "recurrent_kernel": np.array([[0.5]]), "bias": np.array([0.0])}
        >>> y, _ = remembers.apply(params, {}, np.array([[[1.0], [0.0], [0.0]]]), key=None, train=False, mask=None)
        >>> y.ravel().tolist()
        [1.0, 0.5, 0.25]

    Source: Elman 1990, Finding structure in time; Keras.
    """

    units: int = 1
    activation: ActivationLike | None = "tanh"
    use_bias: bool = True
    kernel_initializer: str | Initializer = "glorot_uniform"
    recurrent_initializer: str | Initializer = "orthogonal"
    bias_initializer: str | Initializer = "zeros"
    kernel_regularizer: str | Regularizer | None = None
    recurrent_regularizer: str | Regularizer | None = None
    bias_regularizer: str | Regularizer | None = None
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    return_sequences: bool = False
    go_backwards: bool = False
    zero_output_for_mask: bool = False

    @property
    def cell(self) -> Cell:
        return SimpleCell(self.activation)

    def formula(self) -> str:
        return (
            f"h_t = {activation_name(self.activation)}(x_t W + h_(t-1) U{' + b' * self.use_bias})"
        )


@dataclass(frozen=True)
class LSTM(Recurrent):
    """A memory c that gates write, keep and read: c_t = f c_(t-1) + i g, h_t = o tanh(c_t), from
    c_0 = h_0 = 0.

    i, f, o = sigmoid(z), g = tanh(z), each of its own z = x_t W + h_(t-1) U + b: what to write,
    what to keep, what to read, and what to write in. Where f is near 1, gradients pass through time
    unchanged. A step that the mask leaves out changes nothing: h and c stay. A row without a real
    step gives h_0 = 0 and does not count in the loss.

    Shapes:
        (batch, time, features) to (batch, units), or (batch, time, units) with `return_sequences`;
        kernel W (features, 4 units), recurrent_kernel U (units, 4 units), bias b (4 units,): i, f,
        g, o side by side (Keras calls g c).

    Args:
        units: numbers in h, and in c, >= 1.
        activation: in place of tanh; with tanh and sigmoid the loop over time is a fast one.
        recurrent_activation: in place of sigmoid.
        use_bias: whether b exists.
        kernel_initializer: where W starts.
        recurrent_initializer: where U starts; orthogonal keeps the length of what goes round.
        bias_initializer: where the bias starts; f's starts at 1 with `unit_forget_bias`.
        unit_forget_bias: whether b starts at 1 for f, so that c is kept at first.
        kernel_regularizer: a penalty on W, added to the loss.
        recurrent_regularizer: a penalty on U.
        bias_regularizer: a penalty on the bias.
        dropout: fraction of x zeroed in training, from 0 to below 1, the same features at every
            step of a sequence; with `recurrent_dropout` too, others for each gate.
        recurrent_dropout: fraction of h zeroed on its way into h U, the same units at every step,
            others for each gate.
        return_sequences: whether the outputs of all steps come out, or the last alone.
        go_backwards: whether the last step is taken first; outputs come in the order in which steps
            are taken.
        zero_output_for_mask: whether the output at a masked step is 0 rather than that of the step
            before.

    Raises:
        ConfigError: units is not an int >= 1; a rate outside [0, 1); an activation, initializer or
            regularizer is unknown; once the shape is known, an example is not (time, features).

    Example:
        >>> layer = LSTM(3)
        >>> params = layer.init(np.random.default_rng(0), (5, 2))
        >>> [weight.shape for weight in params.values()], params["bias"].tolist()[:6]
        ([(2, 12), (3, 12), (12,)], [0.0, 0.0, 0.0, 1.0, 1.0, 1.0])

    Source: Hochreiter and Schmidhuber 1997; Gers et al. 2000 for f; Gal and Ghahramani 2016, arXiv
        1512.05287, for its dropout; Keras.
    """

    units: int = 1
    activation: ActivationLike | None = "tanh"
    recurrent_activation: ActivationLike | None = "sigmoid"
    use_bias: bool = True
    kernel_initializer: str | Initializer = "glorot_uniform"
    recurrent_initializer: str | Initializer = "orthogonal"
    bias_initializer: str | Initializer = "zeros"
    unit_forget_bias: bool = True
    kernel_regularizer: str | Regularizer | None = None
    recurrent_regularizer: str | Regularizer | None = None
    bias_regularizer: str | Regularizer | None = None
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    return_sequences: bool = False
    go_backwards: bool = False
    zero_output_for_mask: bool = False

    @property
    def cell(self) -> Cell:
        return LSTMCell(self.activation, self.recurrent_activation)

    def init_bias(self, rng: np.random.Generator, width: int) -> np.ndarray:
        bias = initializers.get(self.bias_initializer)(rng, (width,))
        if self.unit_forget_bias:
            bias = np.array(bias)
            bias[self.units : 2 * self.units] = 1
        return bias

    def formula(self) -> str:
        return f"c_t = f c_(t-1) + i g, h_t = o {activation_name(self.activation)}(c_t)"


@dataclass(frozen=True)
class GRU(Recurrent):
    """A memory h that gates renew: h_t = z h_(t-1) + (1 - z) g, from h_0 = 0.

    z, r = sigmoid(x_t W + b + h_(t-1) U + b'), each with columns of its own, and g = tanh(x_t W + b
    + r (h_(t-1) U + b')): how much is kept, how much of the old enters the new, and the new. A step
    that the mask leaves out changes nothing: h stays. A row without a real step gives h_0 = 0 and
    does not count in the loss.

    Shapes:
        (batch, time, features) to (batch, units), or (batch, time, units) with `return_sequences`;
        kernel W (features, 3 units), recurrent_kernel U (units, 3 units), bias (2, 3 units), b and
        b', or (3 units,) with `reset_after` False: z, r, g side by side.

    Args:
        units: numbers in h, >= 1.
        activation: in place of tanh; with tanh, sigmoid and `reset_after` the loop over time is a
            fast one.
        recurrent_activation: in place of sigmoid.
        use_bias: whether b and b' exist.
        kernel_initializer: where W starts.
        recurrent_initializer: where U starts; orthogonal keeps the length of what goes round.
        bias_initializer: where the bias starts.
        kernel_regularizer: a penalty on W, added to the loss.
        recurrent_regularizer: a penalty on U.
        bias_regularizer: a penalty on the bias.
        dropout: fraction of x zeroed in training, from 0 to below 1, the same features at every
            step of a sequence; with `recurrent_dropout` too, others for each gate.
        recurrent_dropout: fraction of h zeroed on its way into h U, the same units at every step,
            others for each gate.
        return_sequences: whether the outputs of all steps come out, or the last alone.
        go_backwards: whether the last step is taken first; outputs come in the order in which steps
            are taken.
        zero_output_for_mask: whether the output at a masked step is 0 rather than that of the step
            before.
        reset_after: whether r multiplies h U + b', or h before the product: g = tanh(x_t W + b + (r
            h_(t-1)) U).

    Raises:
        ConfigError: units is not an int >= 1; a rate outside [0, 1); an activation, initializer or
            regularizer is unknown; once the shape is known, an example is not (time, features).

    Example:
        >>> GRU(3).init(np.random.default_rng(0), (5, 2))["bias"].shape
        (2, 9)

    Source: Cho et al. 2014, arXiv 1406.1078, eq. 5 to 8, which is `reset_after` False; Keras.
    """

    units: int = 1
    activation: ActivationLike | None = "tanh"
    recurrent_activation: ActivationLike | None = "sigmoid"
    use_bias: bool = True
    kernel_initializer: str | Initializer = "glorot_uniform"
    recurrent_initializer: str | Initializer = "orthogonal"
    bias_initializer: str | Initializer = "zeros"
    kernel_regularizer: str | Regularizer | None = None
    recurrent_regularizer: str | Regularizer | None = None
    bias_regularizer: str | Regularizer | None = None
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    return_sequences: bool = False
    go_backwards: bool = False
    reset_after: bool = True
    zero_output_for_mask: bool = False

    @property
    def cell(self) -> Cell:
        return GRUCell(self.activation, self.recurrent_activation, self.reset_after)

    def init_bias(self, rng: np.random.Generator, width: int) -> np.ndarray:
        return initializers.get(self.bias_initializer)(
            rng, (2, width) if self.reset_after else (width,)
        )

    def recurrent_weights(self, params: Params) -> RecurrentWeights:
        biases = params.get("bias")
        outer, inner = biases if biases is not None and self.reset_after else (biases, None)
        return RecurrentWeights(params["kernel"], params["recurrent_kernel"], outer, inner)

    def formula(self) -> str:
        return "h_t = z h_(t-1) + (1 - z) g"


def activation_name(activation: Any) -> str:
    """A function's name."""
    return activation if isinstance(activation, str) else getattr(activation, "__name__", "f")
