"""Pure: one pass recorded. The numbers come from `train_step.forward_backward`, which a training
step runs too: there is no second implementation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.engine import network
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
from glassnet.errors import is_int, is_number, lookup, require
from glassnet.inspection.trace import render_html, render_text
from glassnet.inspection.trace.recurrent import RecurrentTrace
from glassnet.layers import Activation, Dense, Layer, functional
from glassnet.layers.recurrent import Recurrent
from glassnet.preprocessing.base import Preprocessor


@dataclass(frozen=True, eq=False)
class LinkTrace:
    """One link's numbers in one pass, for n rows.

    Attributes:
        name: of the link: `dense_1`, then `dense_1.relu` for its activation.
        link: the layer that ran.
        source: the name of the link whose output came in; "x" for the rows themselves.
        input: what came in, (n, ...).
        params: its params by name.
        output: what went out, (n, ...).
        delta: dL/d(output), (n, ...). Where the link is one with the loss (`fused_with_loss`),
            dL/d(input) instead.
        d_input: dL/d(input), (n, ...); where several branches take one input, through all of them.
        d_params: dL/d(params) by name.
        update: what the optimizer would add to the params, by name.
        state: its statistics by name, as they were before the pass.
        fused_with_loss: whether this activation belongs to the loss, which is taken on z.
        gradient_denominator: where dL/dz = (p - y) / over is the slope of that loss: how many
            numbers it is a mean of, the rows, times K for K sigmoids. 0 where the slope is another,
            as of a focal loss or smoothed labels.
    """

    name: str
    link: Layer
    source: str
    input: np.ndarray
    params: dict[str, np.ndarray]
    output: np.ndarray
    delta: np.ndarray
    d_input: np.ndarray
    d_params: dict[str, np.ndarray]
    update: dict[str, np.ndarray]
    state: dict[str, np.ndarray]
    fused_with_loss: bool = False
    gradient_denominator: int = 0


@dataclass(frozen=True)
class Nudge:
    """One weight moved by hand: the change of loss that the gradient predicts beside the real
    one.
    """

    path: str
    index: tuple[int, ...]
    step: float
    gradient: float
    before: float
    after: float

    @property
    def predicted(self) -> float:
        """gradient * step."""
        return self.gradient * self.step

    @property
    def real(self) -> float:
        """L(w + step) - L(w)."""
        return self.after - self.before

    def __str__(self) -> str:
        place = f"{self.path}[{', '.join(map(str, self.index))}]"
        return (
            f"{place} moved by {self.step:g}: the loss goes from {self.before:.6f} to {self.after:.6f}\n"
            f"  predicted  dL/dw * step = {self.gradient:.4g} * {self.step:g} = {self.predicted:+.4e}\n"
            f"  real       L(w + step) - L(w)  = {self.real:+.4e}"
        )


@dataclass(frozen=True, repr=False, eq=False)
class Trace:
    """Every number of one forward and backward pass, and the update that would follow.

    Printed, it fits one screen: the forward pass read downwards, the backward pass upwards.

    Attributes:
        links: one `LinkTrace` per link, in the order in which they ended: what is inside a
            composite, then the composite.
        x: the rows.
        y: the targets as the loss takes them.
        loss: the mean loss, with penalties; deltas are of this.
        unreduced_loss: the loss of every row.
        output: what the last layer puts out.
        program: what was run: links, loss, optimizer.
        rate: the learning rate of the update.
        training: whether noise and batch statistics were those of training.
        preprocessor: what the rows' table is to the model, where they came from one.
    """

    links: tuple[LinkTrace, ...]
    x: np.ndarray
    y: np.ndarray
    loss: float
    unreduced_loss: np.ndarray
    output: np.ndarray
    program: Program
    rate: float
    training: bool
    train_state: TrainState = field(repr=False)
    preprocessor: Preprocessor | None = None

    @property
    def update(self) -> dict[str, dict[str, np.ndarray]]:
        """What the optimizer would add to every param, by link: {"dense_1": {"kernel": ..., "bias":
        ...}}.
        """
        return {link.name: link.update for link in self.links if link.update}

    def __getitem__(self, name: str) -> LinkTrace:
        return lookup("trace: link", name, {link.name: link for link in self.links})

    def neuron(self, layer: str, unit: int, row: int = 0) -> str:
        """The arithmetic of one neuron, and each of its weights' chain-rule product, with the
        numbers in.

        Raises:
            ConfigError: no such layer, unit or row; or the layer is not Dense on plain rows.
        """
        dense, activation = self._get_dense(layer)
        require(
            is_int(unit, 0) and unit < dense.output.shape[1],
            layer,
            f"a unit from 0 to {dense.output.shape[1] - 1}",
            unit=unit,
        )
        require(
            is_int(row, 0) and row < len(self.x),
            "trace",
            f"a row from 0 to {len(self.x) - 1}",
            row=row,
        )
        return render_text.render_neuron(dense, activation, int(unit), int(row), self)

    def layer(self, name: str, row: int = 0) -> str:
        """The matrix form of one layer, x W + b, and the bias trick, [x 1] [W; b], with the numbers
        in where they fit.

        Raises:
            ConfigError: no such layer or row; or the layer is not Dense on plain rows.
        """
        require(
            is_int(row, 0) and row < len(self.x),
            "trace",
            f"a row from 0 to {len(self.x) - 1}",
            row=row,
        )
        return render_text.render_layer(*self._get_dense(name), int(row))

    def nudge(self, path: str, index: int | Sequence[int], step: float = 1e-3) -> Nudge:
        """Move one weight and look: the change of loss that the gradient predicts beside the real
        one.

        Args:
            path: layer and param: "dense_1/kernel".
            index: which of its numbers: (input, unit) in a kernel.
            step: how far, in units of the weight.

        Raises:
            ConfigError: no such param or index; a step that is no number.
        """
        inside = network.iter_links(self.program.links)
        known = {
            f"{link.name}/{key}": (at, link, key)
            for (at, _), link in zip(inside, self.links, strict=True)
            for key in link.params
        }
        at, link, key = lookup("nudge: param", path, known)
        place = tuple(index) if isinstance(index, Sequence) else (index,)
        shape = link.params[key].shape
        fits = len(place) == len(shape) and all(
            is_int(n, 0) and n < size for n, size in zip(place, shape, strict=True)
        )
        require(fits, path, f"an index into {shape}", index=index)
        require(is_number(step), "nudge", "step to be a number", step=step)
        fix = "Its layer has trainable=False: no gradient was taken."
        require(key in link.d_params, path, "a param that learns", trainable=False, fix=fix)
        own = network.tree_get(self.train_state.params, at)
        params = network.tree_set(
            self.train_state.params, at, own | {key: jnp.asarray(own[key]).at[place].add(step)}
        )
        done, _ = _run_pass(
            self.program,
            self.train_state._replace(params=params),
            Data(self.x, self.y),
            self.training,
        )
        return Nudge(
            path, place, float(step), float(link.d_params[key][place]), self.loss, float(done.loss)
        )

    def steps(self, name: str) -> RecurrentTrace:
        """What went on inside a recurrent layer, step by step: states, gates, and the deltas
        through time.

        Raises:
            ConfigError: no recurrent layer of that name.
        """
        inside = zip(network.iter_links(self.program.links), self.links, strict=True)
        known = {
            link.name: (path, link)
            for (path, _), link in inside
            if isinstance(link.link, Recurrent)
        }
        path, link = lookup("trace: recurrent layer", name, known)
        cell: Any = link.link.cell
        found = _trace_recurrent(
            self.program, path, self.train_state, self.x, link.delta, self.training
        )
        states, gates, delta = jax.tree.map(np.asarray, tuple(found))
        return RecurrentTrace(
            name,
            dict(zip(cell.state_names, states, strict=True)),
            dict(zip(cell.gate_names, gates, strict=True)),
            delta,
        )

    def to_dict(self) -> dict[str, Any]:
        """All numbers as nested lists, for JSON."""
        parts = ("input", "output", "delta", "d_input")
        groups = ("params", "d_params", "update", "state")
        links = [
            {"name": link.name, "layer": type(link.link).__name__}
            | {part: getattr(link, part).tolist() for part in parts}
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

    def _get_dense(self, name: str) -> tuple[LinkTrace, LinkTrace | None]:
        known = {link.name: i for i, link in enumerate(self.links) if isinstance(link.link, Dense)}
        i = lookup("trace: Dense layer", name, known)
        dense = self.links[i]
        require(
            dense.input.ndim == 2,
            name,
            "a layer whose input is a plain row of numbers",
            shape=dense.input.shape,
        )
        after = self.links[i + 1] if i + 1 < len(self.links) else None
        follows = (
            after is not None
            and isinstance(after.link, Activation)
            and after.name == f"{name}.{after.link.activation_name}"
        )
        return dense, after if follows else None

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
) -> Trace:
    """Record one pass over the rows of `data`, with the weights of `train_state`, and the update
    that would follow.

    Args:
        program: links, loss, optimizer.
        train_state: the weights, the optimizer's memory and its rate; noise is that of the step
            that it stands at.
        data: host rows as `encoding.encode_examples` makes them.
        training: whether to draw noise and use batch statistics.
        weight_paths: the order in which params are listed.
        preprocessor: what the rows' table is to the model, if they came from one.
    """
    done, updates = _run_pass(program, train_state, data, training)
    done, updates = jax.tree.map(np.asarray, (done, updates))
    x, inside = np.array(functional.as_float(data.x)), list(network.iter_links(program.links))
    paths = [path for path, _ in inside]
    outputs = {(): x} | dict(zip(paths, (*done.link_outputs, done.output), strict=False))
    deltas = {(): done.d_input} | dict(zip(paths, done.deltas, strict=False))
    size = done.unreduced_loss.size * (
        done.output.shape[-1] if program.loss.output_activation == "sigmoid" else 1
    )
    names = {(): "x"} | {path: link.name or type(link).__name__ for path, link in inside}
    trees, links = {"params": train_state.params, "state": train_state.state}, []
    for path, link in inside:
        own = {
            tree: {
                key: np.asarray(network.tree_get(trees[tree], at)[key])
                for kind, at, key in weight_paths
                if (kind, at) == (tree, path)
            }
            for tree in trees
        }
        params, source = own["params"], network.find_producer(program.links, path)
        grads, update = (
            network.tree_get(done.grads, path) or {},
            network.tree_get(updates, path) or {},
        )
        links.append(
            LinkTrace(
                name=names[path],
                link=link,
                source=names[source],
                input=outputs[source],
                params=params,
                output=outputs[path],
                delta=deltas.get(path, deltas[source]),
                d_input=deltas[source],
                d_params={key: grads[key] for key in params if key in grads},
                update={key: update[key] for key in params if key in update},
                state=own["state"],
                fused_with_loss=path not in deltas,
                gradient_denominator=size
                if path not in deltas and program.loss.gradient_is_error
                else 0,
            )
        )
    y, rate = (
        np.array(data.y),
        float(learning_rate_at(program.optimizer, train_state.rate, train_state.step)),
    )
    return Trace(
        tuple(links),
        x,
        y,
        float(done.loss),
        done.unreduced_loss,
        done.output,
        program,
        rate,
        training,
        train_state,
        preprocessor,
    )


@partial(jax.jit, static_argnums=(0, 3))
def _run_pass(
    program: Program, train_state: TrainState, data: Data, training: bool
) -> tuple[PassResult, Any]:
    key = step_key(program, train_state) if training else None
    done = forward_backward(
        program, train_state.params, train_state.state, data, None, key, training
    )
    learning, _ = network.split(program.links, train_state.params)
    after, _ = apply_gradients(program, train_state, done.grads, learning)
    return done, jax.tree.map(jnp.subtract, after, learning)


@partial(jax.jit, static_argnums=(0, 1, 5))
def _trace_recurrent(
    program: Program,
    path: network.LinkPath,
    train_state: TrainState,
    x: Any,
    delta: Any,
    training: bool,
) -> Any:
    key = step_key(program, train_state) if training else None
    came, own, mask = network.compute_link_input(
        program.links, train_state.params, train_state.state, x, path, key=key, train=training
    )
    link = dict(network.iter_links(program.links))[path]
    assert isinstance(link, Recurrent)
    return link.compute_internals(
        network.tree_get(train_state.params, path), came, delta, key=own, train=training, mask=mask
    )
