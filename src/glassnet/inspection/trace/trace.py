"""Record and query a trace; the numbers come from `train_step.forward_backward`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.engine import network
from glassnet.engine.compilation import compiled
from glassnet.engine.train_step import (
    Data,
    PassResult,
    Program,
    TrainState,
    apply_gradients,
    forward_backward,
    learning_rate_at,
    step_key,
)
from glassnet.errors import is_int, is_number, lookup, renamed_attributes, require
from glassnet.formatting import format_number
from glassnet.inspection.trace import render_dense, render_html, render_text
from glassnet.inspection.trace.formatting import format_operand
from glassnet.inspection.trace.recurrent import RecurrentTrace
from glassnet.inspection.trace.trace_data import LinkTrace, TraceData
from glassnet.layers import Activation, Dense, functional
from glassnet.layers.recurrent import Recurrent
from glassnet.preprocessing.base import Preprocessor
from glassnet.suggestions import suggest_names
from glassnet.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


@dataclass(frozen=True)
class Nudge:
    """Effect of moving one weight: the predicted and the real change of the loss.

    Attributes:
        path: layer and param, such as "dense_1/kernel".
        index: index of the weight in the param.
        step: how far it was moved.
        gradient: dL/dw.
        before: loss before the move.
        after: loss after the move.
    """

    path: str
    index: tuple[int, ...]
    step: float
    gradient: float
    before: float
    after: float

    @property
    def predicted(self) -> float:
        """Predicted change of the loss: gradient * step."""
        return self.gradient * self.step

    @property
    def real(self) -> float:
        """Real change of the loss: L(w + step) - L(w)."""
        return self.after - self.before

    def __str__(self) -> str:
        weight = f"{self.path}[{', '.join(map(str, self.index))}]"
        gradient, step = format_operand(self.gradient), format_operand(self.step)
        before, after = (format_number(loss, digits=6) for loss in (self.before, self.after))
        predicted, real = (
            format_number(change, digits=5, keep_zeros=True)
            for change in (self.predicted, self.real)
        )
        return (
            f"{weight} moved by {format_number(self.step)}: "
            f"the loss goes from {before} to {after}\n"
            f"  predicted  dL/dw * step = {gradient} * {step} = {predicted}\n"
            f"  real       L(w + step) - L(w)  = {real}"
        )


@renamed_attributes(rows="unreduced_loss", carry="train_state", intake="preprocessor")
@suggest_names
@dataclass(frozen=True, repr=False, eq=False)
class Trace(TraceData):
    """Every number of one forward and backward pass, and of the update that would follow.

    Printed, it fits on one screen: the forward pass reads downwards, the backward pass upwards.

    Attributes:
        links: one `LinkTrace` per link; the links inside a composite come before it.
        x: features, (n, ...).
        y: encoded targets, as the loss receives them.
        loss: mean loss with penalties; all derivatives are of it.
        unreduced_loss: loss of each row.
        output: output of the network.
        program: links, loss and optimizer.
        rate: learning rate of the update.
        training: whether noise and batch statistics of training were used.
        train_state: weights and optimizer state before the update.
        preprocessor: preprocessor of the model, if the rows came from a table.
        vocabulary: words by index, if the model takes texts.
    """

    @property
    def update(self) -> dict[str, dict[str, np.ndarray]]:
        """Change that the optimizer would add, by link and param: {"dense_1": {"kernel": ...}}."""
        return {link.name: link.update for link in self.links if link.update}

    def __getitem__(self, name: str) -> LinkTrace:
        return lookup("trace: link", name, {link.name: link for link in self.links})

    def neuron(self, layer: str, unit: int, row: int = 0) -> str:
        """Show the arithmetic of one neuron, and the chain rule for each of its weights.

        Args:
            layer: name of a Dense layer.
            unit: index of the neuron.
            row: index of the row.

        Raises:
            ConfigError: an unknown layer, unit or row; the layer's input is not (n, features).
        """
        dense, activation = self._get_dense(layer)
        units = dense.output.shape[1]
        require(is_int(unit, 0) and unit < units, layer, f"a unit from 0 to {units - 1}", unit=unit)
        self._check_row(row)
        return render_dense.render_neuron(dense, activation, int(unit), int(row), self)

    def layer(self, name: str, row: int = 0) -> str:
        """Show the matrices of one layer: x W + b, and the bias trick [x 1] [W; b].

        Args:
            name: name of a Dense layer.
            row: index of the row.

        Raises:
            ConfigError: an unknown layer or row; the layer's input is not (n, features).
        """
        self._check_row(row)
        return render_dense.render_layer(*self._get_dense(name), int(row))

    def nudge(self, path: str, index: int | Sequence[int], step: float = 1e-3) -> Nudge:
        """Move one weight, and compare the real change of the loss with the predicted one.

        Args:
            path: layer and param: "dense_1/kernel".
            index: index of the weight: (input, unit) in a kernel.
            step: how far to move it.

        Raises:
            ConfigError: an unknown or frozen param, or an index or step that is not valid.
        """
        entries = {
            f"{link.name}/{key}": (link_path, link, key)
            for link_path, link in self._iter_paths()
            for key in link.params
        }
        link_path, link, key = lookup("nudge: param", path, entries)
        position = tuple(index) if isinstance(index, Sequence) else (index,)
        shape = link.params[key].shape
        is_valid = len(position) == len(shape) and all(
            is_int(i, 0) and i < size for i, size in zip(position, shape, strict=True)
        )
        require(is_valid, path, f"an index into {shape}", index=index)
        require(is_number(step), "nudge", "step to be a number", step=step)
        fix = "Its layer has trainable=False, so it has no gradient."
        require(key in link.d_params, path, "a trainable param", trainable=False, fix=fix)
        params = network.tree_get(self.train_state.params, link_path)
        moved = params | {key: jnp.asarray(params[key]).at[position].add(step)}
        train_state = self.train_state._replace(
            params=network.tree_set(self.train_state.params, link_path, moved)
        )
        result, _ = _run_pass(self.program, train_state, Data(self.x, self.y), self.training)
        gradient = float(link.d_params[key][position])
        return Nudge(path, position, float(step), gradient, self.loss, float(result.loss))

    def steps(self, name: str) -> RecurrentTrace:
        """Return the states, gates and dL/dh of a recurrent layer at every step.

        Args:
            name: name of the recurrent layer.

        Raises:
            ConfigError: an unknown recurrent layer.
        """
        entries = {
            link.name: (path, link)
            for path, link in self._iter_paths()
            if isinstance(link.link, Recurrent)
        }
        path, link = lookup("trace: recurrent layer", name, entries)
        cell: Any = link.link.cell
        internals = _trace_recurrent(
            self.program, path, self.train_state, self.x, link.d_output, self.training
        )
        states, gates, d_output = jax.tree.map(np.asarray, tuple(internals))
        return RecurrentTrace(
            name,
            dict(zip(cell.state_names, states, strict=True)),
            dict(zip(cell.gate_names, gates, strict=True)),
            d_output,
        )

    def plot(self, row: int | Literal["mean"] = 0, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the pass: values in the units, w and dL/dw on the lines, the loss at the end.

        In a unit stand b, z and a, each next to its derivative; δ is dL/dz. Units that a Dropout
        layer dropped are crossed out. A larger network is drawn as blocks, with the smallest and
        the largest number of each array.

        Args:
            row: index of the row, or "mean" for the mean over all rows. dL/dw is of the mean loss
                of all rows in either case.
            ax: axes to draw on, or None for a new figure.

        Raises:
            ConfigError: `row` is neither a row of the trace nor "mean".
        """
        from glassnet.inspection.trace.figures import plot_trace

        return plot_trace(self, row, ax)

    def animate(self, path: str | os.PathLike[str], row: int = 0) -> None:
        """Write the training cycle as a web page: forward, loss, backward, average and update.

        The page has a slider and a play button, and each step a caption with its arithmetic. It
        is one file that needs no other and no network. Of a larger network, the captions have
        formulas and ranges.

        Args:
            path: path of the page, ending in .html.
            row: index of the row whose numbers are shown. In a small network, derivatives are of
                the row's own loss until the step that averages them over the rows.

        Raises:
            ConfigError: the page cannot be written there; there is no such row.
        """
        from glassnet.inspection.animation import require_page_path

        page = require_page_path("animate", path)
        self._check_row(row)
        from glassnet.inspection.trace.cycle import write_cycle

        write_cycle(self, page, int(row))

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers as nested lists, for JSON."""
        arrays = ("input", "output", "d_input")
        groups = ("params", "d_params", "update", "state")
        links = [
            {"name": link.name, "layer": type(link.link).__name__}
            | {name: getattr(link, name).tolist() for name in arrays}
            | {"d_output": None if link.d_output is None else link.d_output.tolist()}
            | {"delta": link.delta.tolist() if link.has_z else None}
            | {
                group: {key: value.tolist() for key, value in getattr(link, group).items()}
                for group in groups
            }
            for link in self.links
        ]
        return {
            "loss": self.loss,
            "x": self.x.tolist(),
            "y": self.y.tolist(),
            "output": self.output.tolist(),
            "links": links,
        }

    def _iter_paths(self) -> Iterator[tuple[network.LinkPath, LinkTrace]]:
        for (path, _), link in zip(network.iter_links(self.program.links), self.links, strict=True):
            yield path, link

    def _check_row(self, row: int) -> None:
        n = len(self.x)
        require(is_int(row, 0) and row < n, "trace", f"a row from 0 to {n - 1}", row=row)

    def _get_dense(self, name: str) -> tuple[LinkTrace, LinkTrace | None]:
        """Return a Dense layer and its activation, or None if it has none."""
        indices = {
            link.name: i for i, link in enumerate(self.links) if isinstance(link.link, Dense)
        }
        i = lookup("trace: Dense layer", name, indices)
        dense = self.links[i]
        shape = dense.input.shape
        require(len(shape) == 2, name, "a layer with an input of shape (n, features)", shape=shape)
        following = self.links[i + 1] if i + 1 < len(self.links) else None
        if (
            following is None
            or not isinstance(following.link, Activation)
            or following.name != f"{name}.{following.link.activation_name}"
        ):
            return dense, None
        return dense, following

    def __repr__(self) -> str:
        return render_text.render_screen(self)

    def _repr_html_(self) -> str:
        return render_html.render_page(self)


def record_trace(
    program: Program,
    train_state: TrainState,
    data: Data,
    training: bool,
    weight_paths: network.WeightPaths,
    preprocessor: Preprocessor | None = None,
    vocabulary: Sequence[str] = (),
) -> Trace:
    """Run one pass and compute the update that would follow, without changing anything.

    Args:
        program: links, loss and optimizer.
        train_state: weights, optimizer state and rate. Noise is that of its next step.
        data: encoded rows on the host.
        training: whether to draw noise and use batch statistics.
        weight_paths: the order in which params are listed.
        preprocessor: preprocessor of the model, if the rows came from a table.
        vocabulary: words by index, if the model takes texts.
    """
    result, updates = jax.tree.map(np.asarray, _run_pass(program, train_state, data, training))
    x = np.array(functional.as_float(data.x))
    return Trace(
        links=tuple(_iter_link_traces(program, train_state, x, result, updates, weight_paths)),
        x=x,
        y=np.array(data.y),
        loss=float(result.loss),
        unreduced_loss=result.unreduced_loss,
        output=result.output,
        program=program,
        rate=float(learning_rate_at(program.optimizer, train_state.rate, train_state.step)),
        training=training,
        train_state=train_state,
        preprocessor=preprocessor,
        vocabulary=tuple(vocabulary),
    )


def _iter_link_traces(
    program: Program,
    train_state: TrainState,
    x: np.ndarray,
    result: PassResult,
    updates: Any,
    weight_paths: network.WeightPaths,
) -> Iterator[LinkTrace]:
    links = list(network.iter_links(program.links))
    paths = [path for path, _ in links]
    # dL/d(output) exists for the links of the body, outputs for a head as well; () is the input.
    outputs: dict[network.LinkPath, Array] = {(): x} | dict(
        zip(paths, (*result.link_outputs, result.output), strict=False)
    )
    derivatives: dict[network.LinkPath, Array] = {(): result.d_input} | dict(
        zip(paths, result.deltas, strict=False)
    )
    names = {(): "x"} | {path: link.name or type(link).__name__ for path, link in links}
    is_mean_over_outputs = program.loss.output_activation == "sigmoid"
    count = result.unreduced_loss.size * (result.output.shape[-1] if is_mean_over_outputs else 1)
    for path, link in links:
        source, is_fused = network.find_producer(program.links, path), path not in derivatives
        params = _get_arrays("params", train_state.params, path, weight_paths)
        grads, update = (network.tree_get(tree, path) or {} for tree in (result.grads, updates))
        yield LinkTrace(
            name=names[path],
            link=link,
            source=names[source],
            input=outputs[source],
            params=params,
            output=outputs[path],
            d_output=None if is_fused else derivatives[path],
            d_input=derivatives[source],
            d_params={key: grads[key] for key in params if key in grads},
            update={key: update[key] for key in params if key in update},
            state=_get_arrays("state", train_state.state, path, weight_paths),
            fused_with_loss=is_fused,
            gradient_denominator=count if is_fused and program.loss.gradient_is_error else 0,
        )


def _get_arrays(
    kind: str, tree: Any, path: network.LinkPath, weight_paths: network.WeightPaths
) -> dict[str, np.ndarray]:
    """Return the params or the state of one link, in the order of `weight_paths`."""
    return {
        key: np.asarray(network.tree_get(tree, path)[key])
        for weight_kind, link_path, key in weight_paths
        if (weight_kind, link_path) == (kind, path)
    }


@compiled(0, 3)
def _run_pass(
    program: Program, train_state: TrainState, data: Data, training: bool
) -> tuple[PassResult, Any]:
    """Return the result of a pass, and the update of the trainable params."""
    key = step_key(program, train_state) if training else None
    result = forward_backward(
        program, train_state.params, train_state.state, data, None, key, training
    )
    trainable, _ = network.split(program.links, train_state.params)
    updated, _ = apply_gradients(program, train_state, result.grads, trainable)
    return result, jax.tree.map(jnp.subtract, updated, trainable)


@compiled(0, 1, 5)
def _trace_recurrent(
    program: Program,
    path: network.LinkPath,
    train_state: TrainState,
    x: Array,
    d_output: Array,
    training: bool,
) -> Any:
    """Return (states, gates, dL/dh) of the recurrent link at `path`."""
    key = step_key(program, train_state) if training else None
    link_input, link_key, mask = network.compute_link_input(
        program.links, train_state.params, train_state.state, x, path, key=key, train=training
    )
    link = dict(network.iter_links(program.links))[path]
    assert isinstance(link, Recurrent)
    params = network.tree_get(train_state.params, path)
    return link.compute_internals(
        params, link_input, d_output, key=link_key, train=training, mask=mask
    )
