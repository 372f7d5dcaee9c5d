"""Recurrent layers: SimpleRNN, LSTM, GRU."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from glassnet import activations, initializers
from glassnet.constraints import ConstraintLike
from glassnet.errors import is_float32, is_int, require
from glassnet.initializers import Initializer
from glassnet.layers import recurrent_ops
from glassnet.layers.layer import Layer
from glassnet.layers.recurrent_ops import Cell, GRUCell, LSTMCell, RecurrentWeights, SimpleCell
from glassnet.layers.shape import any_step_mask
from glassnet.layers.weight_fields import resolve_fields, weight_penalty
from glassnet.regularizers import RegularizerLike
from glassnet.types import Array, Params, Shape, State

ActivationLike = str | Callable[[Array], Array]

MAX_UNITS = 2**14
"""Largest number of units: more need a recurrent kernel of 4 GB or larger."""


class RecurrentInternals(NamedTuple):
    """Inner values of a recurrent layer, each (batch, time, units) in the order of the input.

    Attributes:
        states: states after each step: h, and c of an LSTM.
        gates: gates of each step, in the order of the cell's `gate_names`.
        d_output: dL/dh after each step, including the effect on all later steps.
    """

    states: tuple[Array, ...]
    gates: tuple[Array, ...]
    d_output: Array


class Recurrent(Layer, ABC):
    """Base class of recurrent layers. Subclasses define their fields and `cell`."""

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
        """Cell that computes one step."""

    def __post_init__(self) -> None:
        who = type(self).__name__
        require(is_int(self.units, least=1), who, "units to be an int >= 1", units=self.units)
        require(self.units <= MAX_UNITS, who, f"units to be at most {MAX_UNITS}", units=self.units)
        for name in ("dropout", "recurrent_dropout"):
            rate = getattr(self, name)
            require(
                is_float32(rate) and 0 <= rate < 1,
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
            activation = getattr(self, name)
            activation = "linear" if activation is None else activation
            object.__setattr__(self, name, activations.canonicalize(activation))
        resolve_fields(self)

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        example = (shape[0], math.prod(shape[1:])) if len(shape) > 1 else (*shape, 1)
        fix = f"Put Reshape({example}) before it."
        if 0 in shape:
            fix = "Pass sequences of at least one step."
        require(
            len(shape) == 2 and 0 not in shape,
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
        if self.use_bias:
            params["bias"] = self.init_bias(rng, width)
        return params

    def init_bias(self, rng: np.random.Generator, width: int) -> np.ndarray:
        """Return the initial bias."""
        return initializers.get(self.bias_initializer)(rng, (width,))

    def recurrent_weights(self, params: Params) -> RecurrentWeights:
        """Return the params in the form that the loops over time take."""
        return RecurrentWeights(params["kernel"], params["recurrent_kernel"], params.get("bias"))

    @property
    def ignores_padding(self) -> bool:
        # Sequences that were read backwards come out with the padding first.
        return not (self.go_backwards and self.return_sequences)

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
        self,
        params: Params,
        x: Array,
        d_output: Array,
        *,
        key: Array,
        train: bool,
        mask: Array | None,
    ) -> RecurrentInternals:
        """Compute the inner values of every step by the reference loop.

        A zero added to each h gives dL/dh.

        Args:
            params, x, key, train, mask: as for `apply`.
            d_output: dL/d(output).
        """
        weights, noise, real, x = self._prepare_loop(params, x, key, train, mask)

        def run(tap: Array) -> Any:
            y, steps = recurrent_ops.reference_scan(
                self.cell, self.go_backwards, self.return_sequences, x, weights, real, noise, tap
            )
            return self._arrange_output(y, real), steps

        _, back, steps = jax.vjp(run, jnp.zeros((*x.shape[:2], self.units), x.dtype), has_aux=True)
        internals = RecurrentInternals(*steps, *back(d_output))
        return RecurrentInternals(*jax.tree.map(lambda a: a.swapaxes(0, 1), internals))

    def _prepare_loop(
        self, params: Params, x: Array, key: Array, train: bool, mask: Array | None
    ) -> tuple[RecurrentWeights, Any, Array | None, Array]:
        """Return weights, dropout factors, mask (time, batch, 1) and x with time first."""
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

        def draw(index: int, rate: float, features: int) -> Array | None:
            if not train or not is_nonzero(rate):
                return None
            shape = (len(x), gates, features)
            keep = jax.random.bernoulli(jax.random.fold_in(key, index), 1.0 - rate, shape)
            return keep.astype(x.dtype) / (1 - rate)

        return draw(0, self.dropout, x.shape[-1]), draw(1, self.recurrent_dropout, self.units)

    def _arrange_output(self, y: Array, real: Array | None) -> Array:
        if not self.return_sequences:
            return y
        if real is not None and self.zero_output_for_mask:
            y = jnp.where(real, y, 0)
        return (y[::-1] if self.go_backwards else y).swapaxes(0, 1)

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        if not self.return_sequences:
            return any_step_mask(mask)
        return mask[:, ::-1] if self.go_backwards and mask is not None and mask.ndim == 2 else mask

    def penalty(self, params: Params) -> Array:
        # recurrent_regularizer is for recurrent_kernel
        weights = {name.removesuffix("_kernel"): weight for name, weight in params.items()}
        return weight_penalty(self, weights)


def is_nonzero(rate: Any) -> bool:
    """Return whether a rate is not the number 0. A sweep's rate, a tracer, is nonzero."""
    return not (isinstance(rate, int | float) and rate == 0)


@dataclass(frozen=True)
class SimpleRNN(Recurrent):
    """Simple recurrent layer: h_t = f(x_t W + h_(t-1) U + b), from h_0 = 0.

    A masked step leaves h unchanged. A row without a real step gives h_0 = 0 and does not count in
    the loss.

    Shapes:
        (batch, time, features) to (batch, units), or (batch, time, units) with `return_sequences`.
        kernel W (features, units), recurrent_kernel U (units, units), bias b (units,).

    Args:
        units: size of h, >= 1.
        activation: f. With tanh a faster loop over time is used.
        use_bias: whether b exists.
        kernel_initializer: initializer of W.
        recurrent_initializer: initializer of U. An orthogonal U keeps the length of h U.
        bias_initializer: initializer of the bias.
        kernel_regularizer: penalty on W, added to the loss.
        recurrent_regularizer: penalty on U.
        bias_regularizer: penalty on the bias.
        kernel_constraint, recurrent_constraint, bias_constraint: limits on W, U and the bias after
            every step: see `gn.constraints`.
        dropout: fraction of x zeroed in training, from 0 to below 1: the same features at each step
            of a sequence.
        recurrent_dropout: fraction of h zeroed in h U: the same units at each step of a sequence.
        return_sequences: whether to return the outputs of all steps, or only the last one.
        go_backwards: whether to read the sequence backwards. Outputs are in the order of reading.
        zero_output_for_mask: whether the output at a masked step is 0, or that of the step before.

    Raises:
        ConfigError: units is not an int >= 1; a rate is outside [0, 1); an activation, initializer
            or regularizer is unknown; once the shape is known, an example is not (time, features).

    Example:
        >>> layer = SimpleRNN(1, activation="linear", use_bias=False, return_sequences=True)
        >>> params = {"kernel": np.array([[1.0]]), "recurrent_kernel": np.array([[0.5]])}
        >>> x = np.array([[[1.0], [0.0], [0.0]]])
        >>> y, _ = layer.apply(params, {}, x, key=None, train=False, mask=None)
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
    kernel_regularizer: RegularizerLike = None
    recurrent_regularizer: RegularizerLike = None
    bias_regularizer: RegularizerLike = None
    kernel_constraint: ConstraintLike = field(default=None, kw_only=True)
    recurrent_constraint: ConstraintLike = field(default=None, kw_only=True)
    bias_constraint: ConstraintLike = field(default=None, kw_only=True)
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
    """Long short-term memory (LSTM): c_t = f c_(t-1) + i g, h_t = o tanh(c_t), c_0 = h_0 = 0.

    i, f, o = sigmoid(z) and g = tanh(z), each with its own columns of z = x_t W + h_(t-1) U + b:
    the input, forget and output gates, and the new content. If f is near 1, gradients pass through
    time unchanged. A masked step leaves h and c unchanged. A row without a real step gives h_0 = 0
    and does not count in the loss.

    Shapes:
        (batch, time, features) to (batch, units), or (batch, time, units) with `return_sequences`.
        kernel W (features, 4 units), recurrent_kernel U (units, 4 units), bias b (4 units,), each
        with the columns of i, f, g, o (Keras calls g c).

    Args:
        units: size of h and of c, >= 1.
        activation: function instead of tanh. With tanh and sigmoid a faster loop over time is used.
        recurrent_activation: function instead of sigmoid.
        use_bias: whether b exists.
        kernel_initializer: initializer of W.
        recurrent_initializer: initializer of U. An orthogonal U keeps the length of h U.
        bias_initializer: initializer of the bias.
        unit_forget_bias: whether the bias of f starts at 1, so that c is retained at first.
        kernel_regularizer: penalty on W, added to the loss.
        recurrent_regularizer: penalty on U.
        bias_regularizer: penalty on the bias.
        kernel_constraint, recurrent_constraint, bias_constraint: limits on W, U and the bias after
            every step: see `gn.constraints`.
        dropout: fraction of x zeroed in training, from 0 to below 1: the same features at each step
            of a sequence. Together with `recurrent_dropout`, each gate has its own.
        recurrent_dropout: fraction of h zeroed in h U: the same units at each step of a sequence.
            Each gate has its own.
        return_sequences: whether to return the outputs of all steps, or only the last one.
        go_backwards: whether to read the sequence backwards. Outputs are in the order of reading.
        zero_output_for_mask: whether the output at a masked step is 0, or that of the step before.

    Raises:
        ConfigError: units is not an int >= 1; a rate is outside [0, 1); an activation, initializer
            or regularizer is unknown; once the shape is known, an example is not (time, features).

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
    kernel_regularizer: RegularizerLike = None
    recurrent_regularizer: RegularizerLike = None
    bias_regularizer: RegularizerLike = None
    kernel_constraint: ConstraintLike = field(default=None, kw_only=True)
    recurrent_constraint: ConstraintLike = field(default=None, kw_only=True)
    bias_constraint: ConstraintLike = field(default=None, kw_only=True)
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
    """Gated recurrent unit (GRU): h_t = z h_(t-1) + (1 - z) g, from h_0 = 0.

    z, r = sigmoid(x_t W + b + h_(t-1) U + b') and g = tanh(x_t W + b + r (h_(t-1) U + b')), each
    with its own columns: the update gate, the reset gate, and the new content. A masked step leaves
    h unchanged. A row without a real step gives h_0 = 0 and does not count in the loss.

    Shapes:
        (batch, time, features) to (batch, units), or (batch, time, units) with `return_sequences`.
        kernel W (features, 3 units), recurrent_kernel U (units, 3 units), bias (2, 3 units) for b
        and b', or (3 units,) with `reset_after` False, each with the columns of z, r, g.

    Args:
        units: size of h, >= 1.
        activation: function instead of tanh. With tanh, sigmoid and `reset_after` a faster loop
            over time is used.
        recurrent_activation: function instead of sigmoid.
        use_bias: whether b and b' exist.
        kernel_initializer: initializer of W.
        recurrent_initializer: initializer of U. An orthogonal U keeps the length of h U.
        bias_initializer: initializer of the bias.
        kernel_regularizer: penalty on W, added to the loss.
        recurrent_regularizer: penalty on U.
        bias_regularizer: penalty on the bias.
        kernel_constraint, recurrent_constraint, bias_constraint: limits on W, U and the bias after
            every step: see `gn.constraints`.
        dropout: fraction of x zeroed in training, from 0 to below 1: the same features at each step
            of a sequence. Together with `recurrent_dropout`, each gate has its own.
        recurrent_dropout: fraction of h zeroed in h U: the same units at each step of a sequence.
            Each gate has its own.
        return_sequences: whether to return the outputs of all steps, or only the last one.
        go_backwards: whether to read the sequence backwards. Outputs are in the order of reading.
        zero_output_for_mask: whether the output at a masked step is 0, or that of the step before.
        reset_after: whether r multiplies h U + b' (True), or h before the product (False): g =
            tanh(x_t W + b + (r h_(t-1)) U).

    Raises:
        ConfigError: units is not an int >= 1; a rate is outside [0, 1); an activation, initializer
            or regularizer is unknown; once the shape is known, an example is not (time, features).

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
    kernel_regularizer: RegularizerLike = None
    recurrent_regularizer: RegularizerLike = None
    bias_regularizer: RegularizerLike = None
    kernel_constraint: ConstraintLike = field(default=None, kw_only=True)
    recurrent_constraint: ConstraintLike = field(default=None, kw_only=True)
    bias_constraint: ConstraintLike = field(default=None, kw_only=True)
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
        shape = (2, width) if self.reset_after else (width,)
        return initializers.get(self.bias_initializer)(rng, shape)

    def recurrent_weights(self, params: Params) -> RecurrentWeights:
        bias, recurrent_bias = params.get("bias"), None
        if bias is not None and self.reset_after:
            bias, recurrent_bias = bias
        return RecurrentWeights(params["kernel"], params["recurrent_kernel"], bias, recurrent_bias)

    def formula(self) -> str:
        return "h_t = z h_(t-1) + (1 - z) g"


def activation_name(activation: Any) -> str:
    """Return the name of an activation, or of its function."""
    return activation if isinstance(activation, str) else getattr(activation, "__name__", "f")
