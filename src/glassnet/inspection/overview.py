"""Which views fit a model and its data, with the call of each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from glassnet.data.images import Images, is_image_folder
from glassnet.data.table import Table, is_table
from glassnet.data.time_series import TimeSeries
from glassnet.engine import network
from glassnet.inspection.embedding_planes import find_hidden_layers
from glassnet.inspection.features import has_features
from glassnet.inspection.snapshot import Snapshot
from glassnet.layers.augmentation import RandomImageLayer
from glassnet.layers.convolution import Convolution, TransposedConvolution
from glassnet.pipeline.batches import is_stream
from glassnet.preprocessing.encoder import DroppedColumn, NumericColumn
from glassnet.preprocessing.tabular import TabularPreprocessor


class Suggestion(NamedTuple):
    """A view that fits: the question that it answers, and the call to write."""

    question: str
    call: str


@dataclass(frozen=True)
class DataNames:
    """How the data of a user are written in a call.

    Attributes:
        rows: all rows, such as "x".
        first_rows: the first n of them, such as "x[:{n}]".
        one_row: the first of them, such as "x[0]".
        targets: of all rows, "y"; "" if the rows hold them or there are none.
        first_targets: of the first n rows, such as "y[:{n}]", or "".
        source: line of code that reads the rows from a file or folder, or "".
    """

    rows: str
    first_rows: str
    one_row: str
    targets: str = ""
    first_targets: str = ""
    source: str = ""

    @property
    def all(self) -> list[str]:
        """The arguments for all rows with their targets."""
        return [self.rows, self.targets] if self.targets else [self.rows]

    def take(self, n: int) -> str:
        """Return the argument for the first n rows."""
        return self.first_rows.format(n=n)

    def take_with_targets(self, n: int) -> str:
        """Return the arguments for the first n rows with their targets."""
        targets = self.first_targets.format(n=n)
        return f"{self.take(n)}, {targets}" if targets else self.take(n)


def name_data(x: Any, y: Any) -> DataNames:
    """Return how rows of any kind that `fit` takes are written in a call."""
    if isinstance(x, str | os.PathLike):
        path = os.fspath(x)
        if is_image_folder(path):
            return _name_images(f"images = gn.data.images_from_folder({path!r})")
        return _name_table("table.take(range({n}))", y, f"table = gn.data.read_table({path!r})")
    if isinstance(x, Images):
        return _name_images()
    if isinstance(x, TimeSeries):
        return DataNames("series", "series", "series")
    if is_stream(x, y):
        return DataNames("batches", "batches", "batches")
    if isinstance(x, Table):
        return _name_table("table.take(range({n}))", y)
    if isinstance(x, dict):
        return _name_table("gn.data.read_table(table).take(range({n}))", y)
    if is_table(x):
        return _name_table("table[:{n}]", y)
    targets = ("", "") if y is None else ("y", "y[:{n}]")
    return DataNames("x", "x[:{n}]", "x[0]", *targets)


def _name_images(source: str = "") -> DataNames:
    names = DataNames("images", "images.x[:{n}]", "images.x[0]", source=source)
    return DataNames(**(vars(names) | {"first_targets": "images.y[:{n}]"}))


def _name_table(first_rows: str, y: Any, source: str = "") -> DataNames:
    targets = ("", "") if y is None else ("y", "y[:{n}]")
    return DataNames("table", first_rows, first_rows.format(n=1), *targets, source)


def describe_views(snapshot: Snapshot, x: Any = None, y: Any = None) -> str:
    """Return one line for each view that fits the model and its data.

    Args:
        snapshot: the model, with the rows of x.
        x: the rows, of any kind that `fit` takes, or None.
        y: the targets, or None.
    """
    data = name_data(x, y)
    suggestions = list(iter_suggestions(snapshot, data))
    width = max(len(suggestion.question) for suggestion in suggestions)
    lines = [f"{each.question:{width}}  {each.call}" for each in suggestions]
    heading = f"Views of this network{snapshot.note}:"
    source = [f"{'Read the data first:':{width}}  {data.source}"] if data.source else []
    return "\n".join([heading, *source, *lines, "Without .plot(), a call returns the numbers."])


def iter_suggestions(snapshot: Snapshot, data: DataNames) -> Iterator[Suggestion]:
    """Yield the views that fit, from the whole network to single rows."""
    yield _suggest("What are its layers?", "network_drawing")
    if any(kind == "params" for kind, _, _ in snapshot.network.weight_paths):
        yield _suggest("What are its weights?", "weights")
    if snapshot.history is not None and snapshot.history.observations:
        yield _suggest("Did every layer learn?", "observations")
    if snapshot.x is None:
        return
    if snapshot.y is not None:
        yield from _iter_losses(snapshot, data)
    if has_features(snapshot):
        yield from _iter_input_space(snapshot, data)
    yield from _iter_layers(snapshot, data)


def _suggest(question: str, name: str, *arguments: str) -> Suggestion:
    return Suggestion(question, f"gn.inspection.{name}({', '.join(['model', *arguments])}).plot()")


def _iter_losses(snapshot: Snapshot, data: DataNames) -> Iterator[Suggestion]:
    """Yield the views that need targets."""
    yield _suggest("Where is it wrong?", "mistakes", *data.all)
    if has_features(snapshot):
        yield _suggest("Which columns matter?", "importance", *data.all)
    first = data.take_with_targets(1)
    yield Suggestion("How is one row computed?", f"model.trace({first}).plot()")
    if weight := _first_weight(snapshot):
        targets = data.targets or "None"
        yield _suggest("What if one weight changes?", "loss_curve", data.rows, targets, *weight)
        yield _suggest("What is the loss around it?", "loss_landscape", *data.all)
        optimizers = 'optimizers=["sgd", "adam"]'
        yield _suggest("Which way do optimizers go?", "descent", *data.all, optimizers)


def _first_weight(snapshot: Snapshot) -> list[str]:
    """Return the arguments that choose the first weight; none if there is no weight."""
    links = dict(network.iter_links(snapshot.links))
    for kind, path, key in snapshot.network.weight_paths:
        if kind == "params":
            shape = network.tree_get(snapshot.params, path)[key].shape
            return [f'"{links[path].name}/{key}"', str((0,) * len(shape))]
    return []


def _iter_input_space(snapshot: Snapshot, data: DataNames) -> Iterator[Suggestion]:
    """Yield the views of the outputs over one or two inputs."""
    columns = list(snapshot.feature_names)
    if isinstance(snapshot.preprocessor, TabularPreprocessor) and snapshot.table is not None:
        used = snapshot.preprocessor.encoder.columns
        columns = [column.name for column in used if not isinstance(column, DroppedColumn)]
        numbers = {column.name for column in used if isinstance(column, NumericColumn)}
        columns.sort(key=lambda name: name not in numbers)
    shape = snapshot.network.shapes[-1]
    if len(shape) > 1:
        return
    has_one_answer = bool(snapshot.class_names) or shape == (1,)
    output = [] if has_one_answer else ["output=0"]
    if len(columns) == 1:
        yield _suggest("What is its curve?", "fitted", *data.all, *output)
        return
    features = [] if len(columns) == 2 else [f"features={tuple(columns[:2])}"]
    question = "What is its answer at a point?"
    yield _suggest(question, "decision_boundary", *data.all, *features, *output)


def _iter_layers(snapshot: Snapshot, data: DataNames) -> Iterator[Suggestion]:
    """Yield the views of what the layers compute for rows."""
    built = snapshot.network
    if any(isinstance(layer, RandomImageLayer) for layer in built.layers):
        yield _suggest("What does training see?", "augmented", data.one_row)
    convolutions = [
        str(each.name)
        for each in built.layers
        if isinstance(each, Convolution) and not isinstance(each, TransposedConvolution)
    ]
    if convolutions:
        yield _suggest("What does each layer see?", "feature_maps", data.one_row)
        last = f'"{convolutions[-1]}"'
        yield _suggest("Which rows excite a unit?", "top_inputs", data.rows, last)
    elif len(built.shapes[0]) == 1:
        yield _suggest("What does each neuron do?", "neurons", data.rows)
    hidden = find_hidden_layers(snapshot)
    if hidden and len(snapshot.x) > 2 and built.shapes[list(hidden.values())[-1]] != (1,):
        yield _suggest("Which rows are similar to it?", "embeddings", *data.all)
    yield _suggest("What does an answer rest on?", "attribute", data.take(4))
