"""Attributions: a number for each number of the input, by five methods."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from glassnet.data.table import is_table, read_table
from glassnet.engine import network
from glassnet.errors import ConfigError, DataError, is_int, lookup, message, require, wrap_errors
from glassnet.formatting import format_number
from glassnet.inspection import attribution_methods as methods
from glassnet.inspection.attribution_methods import LogitNetwork, Patch
from glassnet.inspection.attribution_view import METHODS, Attribution
from glassnet.inspection.explained_output import choose_output
from glassnet.inspection.input_layout import InputLayout, find_layout, format_cells, to_shape
from glassnet.inspection.snapshot import InspectedModel, Snapshot
from glassnet.inspection.view import view_function
from glassnet.preprocessing.encoder import (
    CategoricalColumn,
    DateColumn,
    DroppedColumn,
)
from glassnet.preprocessing.tabular import TabularPreprocessor

OPTIONS = {
    "steps": "integrated_gradients",
    "patch": "occlusion",
    "stride": "occlusion",
    "layer": "grad_cam",
}
"""The method that has an option."""

OTHER_METHODS = dict.fromkeys(
    ("guided_backpropagation", "guided_backprop", "guided_grad_cam"),
    "Guided backpropagation is not offered: its maps hardly change if the weights of the upper "
    "layers are re-drawn (Adebayo et al. 2018), so they do not show what was learned.",
) | dict.fromkeys(
    ("shap", "lime"), "Call the library with model.predict: docs/inspection.md shows how."
)
"""Why methods that users may look for are not offered."""

REDRAW_SEED = 2018
"""Seed of the weights of the sanity check."""


@view_function
def attribute(
    model: InspectedModel,
    x: Any,
    y: Any = None,
    *,
    method: str = "integrated_gradients",
    target: Any = None,
    baseline: Any = None,
    sanity: bool = False,
    **options: Any,
) -> Attribution:
    """Show what the answer for each row rests on: a value for each number of the input.

    With f, the output that is explained, before a last softmax or sigmoid:

    | method | value of input i |
    |---|---|
    | "gradient" | df/dx_i: how f changes with x_i |
    | "gradient_x_input" | x_i df/dx_i |
    | "integrated_gradients" | (x_i - b_i) times the mean of df/dx_i on the way from b to x |
    | "occlusion" | f(x) - f(x with a patch around i replaced by b) |
    | "grad_cam" | relu of the sum over channels of activation times df/d(activation) |

    "grad_cam" is HiResCAM. It equals Grad-CAM if global average pooling follows the convolution,
    and is right without it too. Words have no derivative: through an Embedding the derivative is
    the one with respect to its output, summed over its numbers to one value per word.

    Shapes:
        values: shaped like x; of "grad_cam", the channels of a pixel have the same value.

    Args:
        model: a model.
        x: rows of any kind that `fit` takes.
        y: targets, or None; with them the title says how many answers are right.
        method: one of the table's.
        target: the output to explain: a class or the index of an output, or one per row; a tuple
            if an output has several axes. Default: the predicted class; of numbers, the first.
        baseline: b: a number, an array shaped like x or like one row, or a row of a table. Default:
            0, which is the mean of training in a table; the vector 0 of a word. For "occlusion" of
            tables: the median of training, or its most frequent category; of words: token 0.
        sanity: also compute the values of the same network with re-drawn weights. Values that look
            the same do not show what the network has learned.
        options: `steps` of "integrated_gradients" (default 64, and up to 4096 for rows whose values
            miss the change of f by more than 1 %); `patch` and `stride` of "occlusion": the width
            of what is replaced and the distance of patches, in pixels, steps or words; `layer` of
            "grad_cam", the name of a convolution (default: the last).

    Raises:
        ConfigError: an unknown method, option, class or layer; "grad_cam" without a convolution; an
            Embedding inside another layer.
        DataError: an output that is not finite; a baseline of another shape.

    Example:
        >>> import glassnet as gn
        >>> model = gn.Sequential([gn.layers.Dense(1)], seed=0)
        >>> x, y = [[1.0, 2.0], [3.0, 1.0]], [3.0, 5.0]
        >>> _ = model.fit(x, y, epochs=1, verbose=0)
        >>> model.set_weights([[[2.0], [-1.0]], [0.5]])
        >>> attribute(model, x).values.tolist()
        [[2.0, -2.0], [6.0, -1.0]]

    Source: Simonyan et al. 2013, arXiv 1312.6034; Sundararajan et al. 2017, arXiv 1703.01365, eq.
        1; Zeiler and Fergus 2013, arXiv 1311.2901; Draelos and Carin 2020, arXiv 2011.08891, eq. 6;
        Adebayo et al. 2018, arXiv 1810.03292.
    """
    _check_method(method, baseline, options)
    snapshot = model.take_snapshot(x, y)
    net = methods.split_at_logits(snapshot)
    z, outputs = net.compute_outputs(snapshot.x)
    _require_finite("outputs", outputs, z)
    output = choose_output(snapshot, z, outputs, target)
    layout = find_layout(snapshot)
    compared = _read_baseline(snapshot, net, layout, method, baseline)
    if net.stem and compared.rows is not None:
        net.stem[-1].check_input(compared.rows, "baseline")
    task = _Task(np.asarray(snapshot.x), output.direction, layout, method, compared, options)
    values, facts = task.compute(net)
    _require_finite("values", values)
    if sanity:
        redrawn, _ = task.compute(net.with_params(methods.draw_weights(snapshot, REDRAW_SEED)))
        correlation = _correlate_ranks(values, redrawn)
        facts |= {"sanity_values": redrawn, "sanity_correlation": correlation}
    return Attribution(
        method=method,
        x=np.array(task.x),
        values=values,
        output=output,
        layout=layout,
        cells=format_cells(snapshot, layout),
        baseline=compared.text,
        note=snapshot.note,
        **facts,
    )


def _check_method(method: Any, baseline: Any, options: Mapping[str, Any]) -> None:
    """Check the method and that its options belong to it.

    Raises:
        ConfigError: with the nearest name, or the method that has the option.
    """
    if isinstance(method, str) and method in OTHER_METHODS:
        expected = f"method to be one of {', '.join(METHODS)}"
        raise ConfigError(message("attribute", expected, fix=OTHER_METHODS[method], method=method))
    lookup("attribute: method", method, METHODS)
    has_baseline = method in ("integrated_gradients", "occlusion")
    expected = "a baseline with integrated_gradients or occlusion only"
    require(has_baseline or baseline is None, "attribute", expected, method=method)
    for name, value in options.items():
        owner = lookup("attribute: option", name, OPTIONS)
        expected = f"{name} with method={owner!r} only"
        require(owner == method, "attribute", expected, method=method)
        if name != "layer":
            require(is_int(value, 1), "attribute", f"{name} to be an int >= 1", **{name: value})


def _require_finite(what: str, *arrays: np.ndarray) -> None:
    """Check that arrays (n, ...) are finite.

    Raises:
        DataError: with the first rows that are not.
    """
    is_finite = [np.isfinite(array.reshape(len(array), -1)).all(1) for array in arrays]
    rows = np.flatnonzero(~np.all(is_finite, axis=0)).tolist()
    fix = "Look for NaN and for very large numbers in these rows and in the weights."
    expected = f"{what} that are finite"
    require(not rows, "attribute", expected, error=DataError, rows=rows[:5], fix=fix)


class _Baseline(NamedTuple):
    """The baseline that rows are compared with.

    Attributes:
        rows: shaped like x; None for the vector 0 of each word.
        text: the same in words.
    """

    rows: np.ndarray | None
    text: str


def _read_baseline(
    snapshot: Snapshot, net: LogitNetwork, layout: InputLayout, method: str, baseline: Any
) -> _Baseline:
    """Return the baseline that was passed, or that of the method.

    Raises:
        DataError: its shape is neither that of x nor that of one row.
    """
    if method not in ("integrated_gradients", "occlusion"):
        return _Baseline(None, "")
    shape = np.shape(snapshot.x)
    if baseline is not None:
        return _to_baseline(snapshot, baseline)
    if method == "integrated_gradients" and net.stem:
        return _Baseline(None, "no words: the vector 0 for each")
    is_table = isinstance(snapshot.preprocessor, TabularPreprocessor)
    if method == "occlusion" and is_table:
        text = "the median of each column in training, or its most frequent category"
        return _Baseline(np.broadcast_to(_find_typical_row(snapshot), shape), text)
    places = {"image": "0 in every pixel", "text": "token 0 for every word"}
    text = places.get(layout.kind, "0 in every number")
    if is_table:
        text = "the mean of training: 0 in every encoded column, which is no category"
    return _Baseline(np.zeros(shape, np.float32), text)


def _to_baseline(snapshot: Snapshot, baseline: Any) -> _Baseline:
    shape = np.shape(snapshot.x)
    if isinstance(snapshot.preprocessor, TabularPreprocessor) and is_table(baseline):
        table = read_table(baseline)
        require(len(table) == 1, "baseline", "one row", error=DataError, rows=len(table))
        return _Baseline(np.broadcast_to(snapshot.encode(table), shape), "the row passed")
    expected = f"a number, or an array of shape {shape[1:]} or {shape}"
    with wrap_errors("baseline", expected, received=type(baseline).__name__):
        rows = np.asarray(baseline, np.float32)
    fits = rows.shape in ((), shape[1:], shape, (1, *shape[1:]))
    require(fits, "baseline", expected, error=DataError, shape=rows.shape)
    require(np.isfinite(rows).all(), "baseline", "finite numbers", error=DataError)
    text = f"{format_number(rows)} in every number" if rows.ndim == 0 else "the baseline passed"
    return _Baseline(np.broadcast_to(rows, shape), text)


def _find_typical_row(snapshot: Snapshot) -> np.ndarray:
    """Return the encoded median of each column, or its most frequent category."""
    assert isinstance(snapshot.preprocessor, TabularPreprocessor)
    row = np.zeros((1, len(snapshot.feature_names)), np.float32)
    for column in snapshot.preprocessor.encoder.columns:
        if isinstance(column, DroppedColumn):
            continue
        start, _ = snapshot.column_spans[column.name]
        for part in column.parts if isinstance(column, DateColumn) else (column,):
            stop = start + len(part.feature_names)
            if isinstance(part, CategoricalColumn):
                typical: Any = int(np.argmax(part.frequencies))
            else:
                typical = part.median
            part.encode(np.array([typical]), row[:, start:stop])
            start = stop
    return row


@dataclass(frozen=True, eq=False)
class _Task:
    """A computation with the weights of the model, and again with re-drawn ones."""

    x: np.ndarray
    direction: np.ndarray
    layout: InputLayout
    method: str
    baseline: _Baseline
    options: Mapping[str, Any]

    def compute(self, net: LogitNetwork) -> tuple[np.ndarray, dict[str, Any]]:
        """Return values, and the residual or the layer."""
        if self.method == "occlusion":
            return self._occlude(net), {}
        methods.require_derivative(net, self.method)
        embedded, mask = net.embed(self.x)
        if self.method == "grad_cam":
            return self._map_activations(net, embedded, mask)
        if self.method == "integrated_gradients":
            rows = self.baseline.rows
            start = np.zeros_like(embedded) if rows is None else net.embed(rows)[0]
            path = net, (start, embedded), mask, self.direction
            if "steps" in self.options:
                values, residual = methods.integrate_gradient(*path, self.options["steps"])
            else:
                values, residual = methods.integrate_closely(*path)
            return self._sum_vectors(net, values), {"residual": residual}
        _, values = methods.compute_gradient(net, embedded, mask, self.direction)
        if self.method == "gradient_x_input":
            values = values * embedded
        return self._sum_vectors(net, values), {}

    def _sum_vectors(self, net: LogitNetwork, values: np.ndarray) -> np.ndarray:
        """Return values shaped like x: summed over the vector of each word."""
        return (values.sum(-1) if net.stem else values).reshape(self.x.shape)

    def _occlude(self, net: LogitNetwork) -> np.ndarray:
        shape, fill = self.layout.shape, self.baseline.rows
        assert fill is not None
        patches = _choose_patches(self.layout, self.options)
        with np.errstate(invalid="ignore"):
            same_type = fill.astype(self.x.dtype)
        x = self.x if np.array_equal(same_type, fill) else self.x.astype(np.float32)
        x, fill = to_shape(x, shape), to_shape(fill, shape)
        drops = methods.compute_drops(net, x, fill, patches, self.direction)
        if self.layout.kind == "features":
            values = methods.divide_drops(drops, patches, x != fill)
        else:
            values = methods.spread_drops(drops, patches, shape)
        return values.reshape(self.x.shape)

    def _map_activations(
        self, net: LogitNetwork, embedded: np.ndarray, mask: np.ndarray | None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        rank = 2 if self.layout.kind == "image" else 1
        mapped = methods.find_mapped_layers(net, rank)
        convolutions = [name for name, layer in mapped.items() if layer.is_convolution]
        if not convolutions:
            others = ", ".join(name for name in METHODS if name != "grad_cam")
            layers = [str(link.name) for _, link in network.iter_links(net.body)]
            fix = f"Use one of {others}."
            expected = "a network with a convolution"
            raise ConfigError(message("attribute: grad_cam", expected, layers=layers, fix=fix))
        name = self.options.get("layer") or convolutions[-1]
        position = lookup("attribute: layer", name, mapped).position
        shape = self.layout.shape[:rank]
        maps = methods.compute_activation_map(net, embedded, mask, self.direction, position, shape)
        n_channels = self.x.size // maps.size
        values = np.repeat(maps[..., None], n_channels, axis=-1).reshape(self.x.shape)
        return values, {"layer": name}


def _choose_patches(layout: InputLayout, options: Mapping[str, Any]) -> list[Patch]:
    """Return what is replaced at once: squares of pixels, steps of a feature, words or columns.

    Raises:
        ConfigError: a patch that is larger than a row; a patch of a table; rows of another kind.
    """
    if layout.kind == "features":
        expected = "patch and stride with pictures, series and words only"
        fix = "The columns of a row are replaced one by one."
        require(not options, "attribute: occlusion", expected, fix=fix, **options)
        return [(slice(*span),) for span in (layout.spans or {}).values()]
    sizes = layout.shape[: 2 if layout.kind == "image" else 1]
    default = {"image": max(2, round(min(sizes) / 7)), "series": max(1, sizes[0] // 12)}
    patch = options.get("patch", min(default.get(layout.kind, 1), *sizes))
    expected = f"a patch of at most {min(sizes)}"
    require(patch <= min(sizes), "attribute: occlusion", expected, patch=patch)
    stride = options.get("stride", max(1, patch // 2))
    expected = f"a stride of at most the patch, {patch}"
    require(stride <= patch, "attribute: occlusion", expected, stride=stride)
    windows = [methods.cover(size, patch, stride) for size in sizes]
    if layout.kind == "series":
        return [(window, i) for window in windows[0] for i in range(layout.shape[1])]
    return [tuple(place) for place in itertools.product(*windows)]


def _correlate_ranks(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return Spearman's rank correlation of each row, NaN if a map is constant."""
    from scipy.stats import spearmanr

    pairs = zip(values.reshape(len(values), -1), others.reshape(len(values), -1), strict=True)
    return np.array(
        [spearmanr(a, b).statistic if np.ptp(a) > 0 and np.ptp(b) > 0 else np.nan for a, b in pairs]
    )
