"""Activation and loss functions with their slopes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from glassnet import losses
from glassnet.engine import network
from glassnet.engine.compilation import compiled
from glassnet.engine.placement import to_device
from glassnet.errors import ConfigError, is_number, lookup, message, require, wrap_errors
from glassnet.formatting import format_names, format_number
from glassnet.inspection.view import View, view_function
from glassnet.layers import Activation, Layer, functional
from glassnet.losses import Loss
from glassnet.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

N_POINTS = 401
"""Points of a curve; with limits around 0, the middle one is 0."""

N_BISECTIONS = 24
"""Halvings of each step between two points: a step of 0.04 becomes 2e-9."""

MIN_JUMP = 1e-3
"""Least change of the value or the slope, within the smallest step, that is a kink or a jump."""

FAR, FARTHER = 1e5, 1e7
"""Arguments that show the limit of a function: its values there are the same if it has one."""

ACTIVATION_LIMITS = (-8.0, 8.0)

Curve = Callable[[Array], tuple[np.ndarray, np.ndarray]]
"""Function from x (n,) to the values and the slopes, (n,) each."""


@dataclass(frozen=True, eq=False, repr=False)
class FunctionCurves(View):
    """Functions of one number, with their slopes.

    Attributes:
        names: of the functions (F,).
        arguments: what x is for each function (F,).
        x: arguments (F, n).
        y: values (F, n); NaN if the function is not defined there.
        slope: derivatives dy/dx (F, n), as in training; NaN if y is.
        kinks: for each function, the x at which the slope or the value jumps.
        limits: (F, 2): the value that y approaches at the far left and the far right. It is
            infinite if y grows without limit, and NaN if there is no limit.
    """

    names: tuple[str, ...]
    arguments: tuple[str, ...]
    x: np.ndarray
    y: np.ndarray
    slope: np.ndarray
    kinks: tuple[np.ndarray, ...]
    limits: np.ndarray

    @property
    def title(self) -> str:
        """The steepest slope of each function, in the interval that is drawn."""
        sizes = np.nanmax(np.abs(self.slope), axis=1)
        if len(self.names) == 1:
            return f"{self.names[0]}: the steepest slope is {format_number(sizes[0])}"
        each = [f"{name} {format_number(s)}" for name, s in zip(self.names, sizes, strict=True)]
        return f"Steepest slope: {format_names(each)}"

    def __str__(self) -> str:
        return "\n".join([self.title, *map(self._describe, range(len(self.names)))])

    def _describe(self, i: int) -> str:
        """Return one line about a function: range, kinks and limits."""
        low, high = (format_number(end) for end in self.x[i, [0, -1]])
        kinks = ", ".join(map(format_number, self.kinks[i]))
        text = f"{self.names[i]} (x: {self.arguments[i]}, {low} to {high}): "
        text += f"kink or jump at x = {kinks}" if kinks else "no kink"
        left, right = map(_describe_limit, self.limits[i])
        return f"{text}; {left} at the far left, {right} at the far right"

    def plot(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw each function with its slope.

        Args:
            ax: axes for a single function; None for a new figure.

        Raises:
            ConfigError: `ax` with several functions.
        """
        from glassnet.plots import functions

        n = len(self.names)
        fix = "Leave ax out: each function has its own axes."
        require(ax is None or n == 1, "plot", "a single function with ax", functions=n, fix=fix)
        return functions.plot_functions(
            self.x,
            self.y,
            self.slope,
            names=self.names,
            arguments=self.arguments,
            kinks=self.kinks,
            title=self.title,
            ax=ax,
        )

    def to_frame(self) -> Any:
        """Return a pandas DataFrame of the columns function, x, y and slope."""
        import pandas as pd

        columns = {"x": self.x.ravel(), "y": self.y.ravel(), "slope": self.slope.ravel()}
        return pd.DataFrame({"function": np.repeat(self.names, self.x.shape[1]), **columns})


def _describe_limit(value: float) -> str:
    if np.isnan(value):
        return "no limit"
    if np.isinf(value):
        return "grows without limit" if value > 0 else "falls without limit"
    return f"approaches {format_number(value)}"


@view_function
def activation(functions: Any, limits: tuple[float, float] = ACTIVATION_LIMITS) -> FunctionCurves:
    """Draw activation functions a = f(z) with their slopes da/dz.

    The slope is that of training: the link's backward pass for dL/da = 1. It says which share of a
    gradient passes back through the unit. At a kink it is the slope that training uses, which is 0
    for relu.

    A function that compares units, such as softmax, is drawn for the first of two units, while the
    score z of the second is 0.

    Args:
        functions: a name from `glassnet.activations`, a function, an activation layer, or a list
            of them.
        limits: smallest and largest z to draw, in the unit of z.

    Returns:
        The curves, with `x`, `y` and `slope` of shape (functions, 401).

    Raises:
        ConfigError: an unknown name, with the nearest one; limits that are not two numbers in
            order; a layer that does not return one number for one number.

    Example:
        >>> curves = activation("sigmoid")
        >>> print(curves.title)
        sigmoid: the steepest slope is 0.25
        >>> print(activation("relu"))
        relu: the steepest slope is 1
        relu (x: z, -8 to 8): kink or jump at x = 0; approaches 0 at the far left, grows without \
limit at the far right

    Source: lecture 002, activations; Goodfellow et al. 2016, section 6.3.
    """
    x = _make_points(limits)
    names, arguments, curves = [], [], []
    for function in _as_list("activation", functions):
        link = _to_activation_layer(function)
        curve, compares = _make_activation_curve(link)
        names.append(_name_activation(link))
        arguments.append("z, the other unit's is 0" if compares else "z")
        curves.append(curve)
    ends = np.array([[-FAR, -FARTHER], [FAR, FARTHER]])
    return _compute_curves(names, arguments, curves, [x] * len(names), [ends] * len(names))


def _as_list(what: str, value: Any) -> list[Any]:
    functions = list(value) if isinstance(value, list | tuple) else [value]
    require(functions, what, "at least one function", received=value)
    return functions


def _make_points(limits: Any) -> np.ndarray:
    """Return the arguments of a curve."""
    fits = np.shape(limits) == (2,) and all(map(is_number, limits))
    require(fits and limits[0] < limits[1], "limits", "two numbers in order", limits=limits)
    return np.linspace(limits[0], limits[1], N_POINTS, dtype=np.float32)


def _to_activation_layer(function: Any) -> Layer:
    """Return the layer of an activation.

    Raises:
        ConfigError: an unknown name, or no activation.
    """
    if isinstance(function, type) and issubclass(function, Layer):
        fix = f"Write {function.__name__}()."
        raise ConfigError(message("activation", "a layer", received=function.__name__, fix=fix))
    return function if isinstance(function, Layer) else Activation(function)


def _name_activation(layer: Layer) -> str:
    if isinstance(layer, Activation):
        return layer.activation_name
    return layer.name or functional.default_name(layer)


def _make_activation_curve(layer: Layer) -> tuple[Curve, bool]:
    """Return the curve of an activation layer, and whether it compares units."""
    curves = []
    expected = "a layer that returns one number for each number"
    fix = "Use a name, a function or an Activation layer."
    for n_units in (1, 2):
        rng, who = np.random.default_rng(0), _name_activation(layer)
        with wrap_errors(who, expected, fix=fix, error=ConfigError):
            built, params, state = network.build((layer,), (n_units,), rng)
        output_shape = built.shapes[-1]
        require(output_shape == (n_units,), who, expected, fix=fix, output_shape=output_shape)
        curves.append(_link_curve(built.links, params, state, n_units))
    probe = np.linspace(-3, 3, N_POINTS).astype(np.float32)
    single, first_of_two = (curve(probe)[0] for curve in curves)
    compares = not np.allclose(single, first_of_two, atol=1e-5, equal_nan=True)
    return curves[compares], compares


def _link_curve(links: network.Links, params: Any, state: Any, n_units: int) -> Curve:
    def curve(x: Array) -> tuple[np.ndarray, np.ndarray]:
        z = np.zeros((len(x), n_units), np.float32)
        z[:, 0] = x
        y, slope = _run_links(links, params, state, to_device(z))
        return np.asarray(y), np.asarray(slope)

    return curve


@compiled(0)
def _run_links(links: network.Links, params: Any, state: Any, z: Array) -> tuple[Array, Array]:
    """Return the first output and its derivative in the first input, for each row."""
    y, pullbacks, _, _ = network.forward(links, params, state, z)
    _, dz, _ = network.backward(pullbacks, jnp.zeros_like(y).at[:, 0].set(1))
    return y[:, 0], dz[:, 0]


@dataclass(frozen=True)
class LossArgument:
    """The argument that a loss is drawn over.

    Attributes:
        label: of the axis.
        limits: smallest and largest argument to draw.
        ends: arguments that show the limits, ((near left, far left), (near right, far right)).
    """

    label: str
    limits: tuple[float, float]
    ends: tuple[tuple[float, float], tuple[float, float]] = ((-FAR, -FARTHER), (FAR, FARTHER))


ARGUMENTS = {
    "error": LossArgument("error, prediction - true value", (-3, 3)),
    "prediction": LossArgument("prediction", (-1, 4)),
    "probability": LossArgument(
        "probability of the true class", (0.005, 0.995), ((1e-10, 1e-30), (1 - 1e-6, 1 - 1e-7))
    ),
    "logit": LossArgument("logit of the true class, the others are 0", (-5, 5)),
    "angle": LossArgument(
        "angle between target and prediction in radians",
        (-np.pi, np.pi),
        ((-np.pi, -np.pi), (np.pi, np.pi)),
    ),
}
"""Arguments that a loss can be drawn over: the values of `versus`."""


@view_function
def loss_function(
    functions: Any,
    versus: str | None = None,
    *,
    target: float = 1.0,
    limits: tuple[float, float] | None = None,
) -> FunctionCurves:
    """Draw the loss of one example with its slope, the derivative in what the loss is drawn over.

    Args:
        functions: a name from `glassnet.losses`, a loss, a function, or a list of them.
        versus: what to draw the loss over; None for what suits each loss.
            - "error": prediction minus true value, for losses of numbers.
            - "prediction": the prediction if the true value is `target`, for losses of numbers.
            - "probability": that of the true class. A loss of numbers is drawn over the prediction
              if the true value is 1, for comparison.
            - "logit": that of the true class; those of the other classes are 0. Cross-entropies
              and hinges.
            - "angle": in radians, for the cosine similarity.
        target: the true value for "prediction", and where the error is 0.
        limits: smallest and largest argument; None for a range that suits it.

    Returns:
        The curves, with `x`, `y` and `slope` of shape (losses, 401).

    Raises:
        ConfigError: an unknown name, with the nearest one; a `versus` that the loss cannot be drawn
            over; limits that are not two numbers in order.

    Example:
        >>> print(loss_function("mse").arguments[0])
        error, prediction - true value
        >>> both = loss_function(["mse", "binary_crossentropy"], versus="probability")
        >>> print(both.title)  # 2 (1 - p) and 1 / p, at p = 0.005
        Steepest slope: mse 1.99, binary_crossentropy 200

    Source: lecture 000, error and loss; lecture 004, cross-entropy against the square.
    """
    if versus is not None:
        lookup("versus", versus, ARGUMENTS)
    require(is_number(target), "target", "a number", target=target)
    names, arguments, curves, xs, ends = [], [], [], [], []
    for function in _as_list("loss", functions):
        loss = losses.get(function)
        name = function if isinstance(function, str) else loss.display_name
        kind = _choose_argument(name, loss, versus)
        argument = ARGUMENTS[kind]
        names.append(name)
        is_at_target = kind == "prediction"
        suffix = f", the true value is {format_number(target)}" if is_at_target else ""
        arguments.append(argument.label + suffix)
        curves.append(_loss_curve(loss, kind, target))
        xs.append(_make_points(limits or argument.limits))
        ends.append(np.array(argument.ends))
    return _compute_curves(names, arguments, curves, xs, ends)


def _choose_argument(name: str, loss: Loss, versus: str | None) -> str:
    """Return what to draw a loss over.

    Raises:
        ConfigError: the loss cannot be drawn over `versus`.
    """
    choices: tuple[str, ...]
    if loss.output_activation in ("sigmoid", "softmax"):
        choices = ("probability", "logit")
    elif isinstance(loss, losses.Hinge | losses.SquaredHinge | losses.CategoricalHinge):
        choices = ("logit",)
    elif isinstance(loss, losses.KLDivergence):
        choices = ("probability",)
    elif isinstance(loss, losses.CosineSimilarity):
        choices = ("angle",)
    elif loss.depends_on_error_only:
        choices = ("error", "prediction", "probability")
    else:
        choices = ("prediction", "error", "probability")
    expected = f"versus to be one of {', '.join(choices)}"
    require(versus is None or versus in choices, name, expected, versus=versus)
    return versus or choices[0]


def _loss_curve(loss: Loss, kind: str, target: float) -> Curve:
    def curve(x: Array) -> tuple[np.ndarray, np.ndarray]:
        y, slope = _run_loss(loss, kind, np.float32(target), to_device(np.asarray(x, np.float32)))
        return np.asarray(y), np.asarray(slope)

    return curve


@compiled(0, 1)
def _run_loss(loss: Loss, kind: str, target: Array, x: Array) -> tuple[Array, Array]:
    """Return the loss at each argument, and its derivative in the argument."""

    def unreduced(x: Array) -> tuple[Array, Array]:
        values = loss.unreduced(*_make_examples(loss, kind, target, x))
        return values.sum(), values

    slope, values = jax.grad(unreduced, has_aux=True)(x)
    return values, jnp.where(jnp.isnan(values), jnp.nan, slope)


def _make_examples(loss: Loss, kind: str, target: Array, x: Array) -> tuple[Array, Array]:
    """Return targets and network outputs, (n, outputs) each, for the arguments x (n,)."""
    if kind == "angle":
        z = jnp.stack([jnp.cos(x), jnp.sin(x)], axis=-1)
        return jnp.broadcast_to(jnp.array([1.0, 0.0]), z.shape), z
    if isinstance(loss, losses.KLDivergence):
        z = jnp.stack([x, 1 - x], axis=-1)
        return jnp.broadcast_to(jnp.array([1.0, 0.0]), z.shape), z
    if kind in ("error", "prediction", "probability") and loss.output_activation is None:
        y = jnp.full((len(x), 1), 1.0 if kind == "probability" else target)
        return y, y + x[:, None] if kind == "error" else x[:, None]
    n_classes = _count_classes(loss)
    if kind == "probability":
        others = jnp.log1p(-x) - jnp.log(max(n_classes - 1, 1))
        z = jnp.log(x) - others
    else:
        z = x
    rest = jnp.zeros((len(x), n_classes - 1), x.dtype)
    is_true = jnp.arange(n_classes) == 0
    y = jnp.broadcast_to(is_true.astype(x.dtype), (len(x), n_classes))
    return y, jnp.concatenate([z[:, None], rest], axis=-1)


def _count_classes(loss: Loss) -> int:
    """Return the number of outputs to draw a loss of classes for."""
    if loss.output_activation == "sigmoid" or isinstance(loss, losses.Hinge | losses.SquaredHinge):
        return 1
    alpha = getattr(loss, "alpha", None)
    return len(alpha) if isinstance(alpha, tuple) else 2


def _compute_curves(
    names: list[str],
    arguments: list[str],
    curves: list[Curve],
    xs: list[np.ndarray],
    ends: list[np.ndarray],
) -> FunctionCurves:
    values = [curve(x) for curve, x in zip(curves, xs, strict=True)]
    return FunctionCurves(
        tuple(names),
        tuple(arguments),
        np.stack(xs),
        np.stack([y for y, _ in values]),
        np.stack([slope for _, slope in values]),
        tuple(find_kinks(curve, x) for curve, x in zip(curves, xs, strict=True)),
        np.stack([_find_limits(curve, end) for curve, end in zip(curves, ends, strict=True)]),
    )


def find_kinks(curve: Curve, x: np.ndarray) -> np.ndarray:
    """Return the arguments at which a curve's slope or value jumps.

    Every step between two points is halved again and again, towards the larger change. What does
    not become smaller with the step is a jump.

    Args:
        curve: function from x to values and slopes.
        x: arguments in order, (n,).
    """
    low, high = x[:-1].copy(), x[1:].copy()
    at_low, at_high = (np.stack(curve(end))[:, :-1] for end in (x, np.append(x[1:], x[-1])))
    for _ in range(N_BISECTIONS):
        middle = (low + high) / 2
        at_middle = np.stack(curve(np.append(middle, middle[-1])))[:, :-1]
        goes_left = _measure_jump(at_low, at_middle) >= _measure_jump(at_middle, at_high)
        low, high = np.where(goes_left, low, middle), np.where(goes_left, middle, high)
        at_low, at_high = (
            np.where(goes_left, at_low, at_middle),
            np.where(goes_left, at_middle, at_high),
        )
    found = np.round(high[_measure_jump(at_low, at_high) > MIN_JUMP].astype(float), 4) + 0.0
    return np.unique(found)


def _measure_jump(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the change of values and slopes (2, n), relative to their size where that is > 1."""
    sizes = np.maximum(1, np.maximum(np.abs(left), np.abs(right)))
    with np.errstate(invalid="ignore"):
        jumps: np.ndarray = np.nan_to_num(np.abs(right - left) / sizes).max(axis=0)
        return jumps


def _find_limits(curve: Curve, ends: np.ndarray) -> np.ndarray:
    """Return the values that a curve approaches at both ends, (2,)."""
    limits = []
    for near, far in curve(np.pad(ends.ravel(), (0, N_POINTS - 4)))[0][:4].reshape(2, 2):
        grows = np.isinf(far) or abs(far) > 1.5 * abs(near) + MIN_JUMP
        is_same = np.isfinite(far) and abs(near - far) < MIN_JUMP
        limits.append(far if is_same else np.copysign(np.inf, far) if grows else np.nan)
    return np.round(np.array(limits, float), 6) + 0.0
