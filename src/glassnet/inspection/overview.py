"""Which views fit a model and its data, with the call of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from glassnet.engine import network
from glassnet.inspection.snapshot import Snapshot
from glassnet.layers import Conv1D, Conv2D, Embedding
from glassnet.layers.augmentation import RandomImageLayer
from glassnet.preprocessing.encoder import DroppedColumn, NumericColumn
from glassnet.preprocessing.tabular import TabularPreprocessor
from glassnet.preprocessing.time_series import TimeSeriesPreprocessor


class Suggestion(NamedTuple):
    """A view that fits: the question that it answers, and the call to write."""

    question: str
    call: str


def describe_views(snapshot: Snapshot) -> str:
    """Return one line for each view that fits the model and the rows of a snapshot."""
    suggestions = list(iter_suggestions(snapshot))
    width = max(len(suggestion.question) for suggestion in suggestions)
    lines = [f"{each.question:{width}}  {each.call}" for each in suggestions]
    heading = f"Views of this network{snapshot.note}:"
    return "\n".join([heading, *lines, "Each result has .plot() and .to_frame()."])


def iter_suggestions(snapshot: Snapshot) -> Iterator[Suggestion]:
    """Yield the views that fit, from the whole network to single rows."""
    yield _suggest("What are its layers?", "network_drawing")
    if any(kind == "params" for kind, _, _ in snapshot.network.weight_paths):
        yield _suggest("What are its weights?", "weights")
    if snapshot.history is not None and snapshot.history.observations:
        yield _suggest("Did every layer learn?", "observations")
    if snapshot.x is None:
        return
    rows = "table" if snapshot.table is not None else "x"
    data = [rows, "y"] if snapshot.y is not None and rows == "x" else [rows]
    if snapshot.y is not None:
        yield from _iter_losses(snapshot, data)
    yield from _iter_input_space(snapshot, data)
    yield from _iter_layers(snapshot, rows, data)


def _suggest(question: str, name: str, *arguments: str) -> Suggestion:
    return Suggestion(question, f"gn.inspection.{name}({', '.join(['model', *arguments])}).plot()")


def _iter_losses(snapshot: Snapshot, data: list[str]) -> Iterator[Suggestion]:
    """Yield the views that need targets."""
    yield _suggest("Where is it wrong?", "mistakes", *data)
    if snapshot.feature_names and not isinstance(snapshot.preprocessor, TimeSeriesPreprocessor):
        yield _suggest("Which columns matter?", "importance", *data)
    first = ", ".join(f"{name}[:1]" for name in data)
    yield Suggestion("How is one row computed?", f"model.trace({first}).plot()")
    if weight := _first_weight(snapshot):
        targets = data[1] if len(data) > 1 else "None"
        yield _suggest("What if one weight changes?", "loss_curve", data[0], targets, *weight)
        yield _suggest("What is the loss around it?", "loss_landscape", *data)
        optimizers = 'optimizers=["sgd", "adam"]'
        yield _suggest("Which way do optimizers go?", "descent", *data, optimizers)


def _first_weight(snapshot: Snapshot) -> list[str]:
    """Return the arguments that choose the first weight; none if there is no weight."""
    links = dict(network.iter_links(snapshot.links))
    for kind, path, key in snapshot.network.weight_paths:
        if kind == "params":
            shape = network.tree_get(snapshot.params, path)[key].shape
            return [f'"{links[path].name}/{key}"', str((0,) * len(shape))]
    return []


def _iter_input_space(snapshot: Snapshot, data: list[str]) -> Iterator[Suggestion]:
    """Yield the views of the outputs over one or two inputs."""
    shape = snapshot.network.shapes[0]
    columns = list(snapshot.feature_names)
    if isinstance(snapshot.preprocessor, TabularPreprocessor):
        used = snapshot.preprocessor.encoder.columns
        columns = [column.name for column in used if not isinstance(column, DroppedColumn)]
        numbers = {column.name for column in used if isinstance(column, NumericColumn)}
        columns.sort(key=lambda name: name not in numbers)
    if shape == (1,):
        yield _suggest("What is its curve?", "fitted", *data)
    elif len(columns) == 2:
        yield _suggest("What is its answer at a point?", "decision_boundary", *data)
    elif len(columns) > 2:
        features = f"features={tuple(columns[:2])}"
        yield _suggest("What is its answer at a point?", "decision_boundary", *data, features)


def _iter_layers(snapshot: Snapshot, rows: str, data: list[str]) -> Iterator[Suggestion]:
    """Yield the views of what the layers compute for rows."""
    layers = snapshot.network.layers
    if any(isinstance(layer, RandomImageLayer) for layer in layers):
        yield _suggest("What does training see?", "augmented", f"{rows}[0]")
    convolutions = [str(each.name) for each in layers if isinstance(each, Conv1D | Conv2D)]
    if convolutions:
        yield _suggest("What does each layer see?", "feature_maps", f"{rows}[0]")
        last = f'"{convolutions[-1]}"'
        yield _suggest("Which rows excite a unit?", "top_inputs", rows, last)
    elif len(snapshot.network.shapes[0]) == 1:
        yield _suggest("What does each neuron do?", "neurons", rows)
    if len(layers) > 1 or any(isinstance(layer, Embedding) for layer in layers):
        yield _suggest("Which rows are alike to it?", "embeddings", *data)
    yield _suggest("What does an answer rest on?", "attribute", f"{rows}[:4]")
