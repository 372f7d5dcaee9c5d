"""Settings of the studio: everything that a link, a preset or a lesson stores."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

MAX_LAYERS, MAX_UNITS = 6, 64
"""Limits of the network that the page can build: hidden layers, and units in each."""

MAX_POINTS = 2000
"""Limit of the points of a generated dataset, and of points drawn by hand."""

Name = Annotated[str, Meta(max_length=200)]
Seed = Annotated[int, Meta(ge=0, le=2**53)]  # JavaScript has no larger exact integers
Share = Annotated[float, Meta(ge=0, le=0.9)]
ColumnType = Literal["number", "category", "boolean", "date", "drop"]
TargetType = Literal["number", "category"]


class Point(Struct, frozen=True, array_like=True):
    """A point that the user drew: two inputs, and the index of its class."""

    x1: float
    x2: float
    label: Annotated[int, Meta(ge=0, le=9)]


class DataSettings(Struct, frozen=True, omit_defaults=True):
    """Which data, and which part of them.

    Attributes:
        name: a generated or downloadable dataset; "points" for drawn points; "own" for a table or
            arrays of the user, which no link stores.
        n: number of points of a generated dataset.
        noise: standard deviation of its noise; None for the dataset's own.
        test_share: fraction of the rows that are held out.
        seed: draws the points and the test rows.
        minority: the fraction of its points that class 1 keeps.
        shuffle_labels: whether the targets of the training rows are shuffled.
        columns: names of the features that take part; empty for all.
        column_types: types of columns of a table that are not inferred, as `fit` takes them.
        target: name of the target column of an own table.
        target_type: whether the target of a table, or of own arrays, is a number or a class; None
            for what its values suggest.
        points: drawn points.
    """

    name: Name = "xor_points"
    n: Annotated[int, Meta(ge=10, le=MAX_POINTS)] = 300
    noise: Annotated[float, Meta(ge=0, le=5)] | None = None
    test_share: Share = 0.3
    seed: Seed = 0
    minority: Annotated[float, Meta(gt=0, le=1)] = 1.0
    shuffle_labels: bool = False
    columns: Annotated[tuple[Name, ...], Meta(max_length=2000)] = ()
    column_types: Annotated[dict[Name, ColumnType], Meta(max_length=2000)] = {}
    target: Name | None = None
    target_type: TargetType | None = None
    points: Annotated[tuple[Point, ...], Meta(max_length=MAX_POINTS)] = ()


class LayerSettings(Struct, frozen=True, omit_defaults=True):
    """A hidden layer: its units, activation, and the rate of the dropout after it."""

    units: Annotated[int, Meta(ge=1, le=MAX_UNITS)] = 4
    activation: Name = "tanh"
    dropout: Annotated[float, Meta(ge=0, le=0.9)] = 0.0


class NetworkSettings(Struct, frozen=True, omit_defaults=True):
    """The network: hidden layers, and how the weights start.

    Attributes:
        layers: the hidden layers; the output layer follows from the target.
        output_activation: None for the one that fits the target: sigmoid, softmax or linear.
        initializer: name of the initializer of the kernels.
        scale: whether inputs are scaled before the first layer.
        weights: starting values by name, {"dense_1/kernel": [[...]]}, instead of drawn ones.
    """

    layers: Annotated[tuple[LayerSettings, ...], Meta(max_length=MAX_LAYERS)] = (LayerSettings(),)
    output_activation: Name | None = None
    initializer: Name = "glorot_uniform"
    scale: bool = True
    weights: dict[Name, Any] = {}


class TrainingSettings(Struct, frozen=True, omit_defaults=True):
    """How the network is trained.

    Attributes:
        optimizer: name of an optimizer.
        learning_rate: in its unit, per step.
        momentum: of sgd and rmsprop.
        batch_size: rows per step; None for all.
        loss: name of a loss; None for the one that fits the target.
        l1, l2: penalties on the kernels.
        schedule: name of a schedule of the learning rate.
    """

    optimizer: Name = "adam"
    learning_rate: Annotated[float, Meta(gt=0, le=1e6)] = 0.03
    momentum: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    batch_size: Annotated[int, Meta(ge=1, le=100_000)] | None = 10
    loss: Name | None = None
    l1: Annotated[float, Meta(ge=0, le=100)] = 0.0
    l2: Annotated[float, Meta(ge=0, le=100)] = 0.0
    schedule: Literal["constant", "cosine", "exponential", "step"] = "constant"

    @property
    def fit_batch_size(self) -> int | str:
        """The batch size as `fit` takes it."""
        return "full" if self.batch_size is None else self.batch_size

    def count_steps(self, n_rows: int) -> int:
        """Return the number of steps of an epoch with so many training rows."""
        return 1 if self.batch_size is None else math.ceil(n_rows / self.batch_size)


class Event(Struct, frozen=True, omit_defaults=True):
    """A change in the middle of a run: after how many steps, and what.

    Exactly one of the other fields is set.
    """

    step: Annotated[int, Meta(ge=0)]
    learning_rate: Annotated[float, Meta(gt=0, le=1e6)] | None = None
    weight: WeightChange | None = None
    training: TrainingSettings | None = None
    data: DataSettings | None = None


class WeightChange(Struct, frozen=True):
    """One number of the weights, such as dense_1/kernel[0, 1], and its new value."""

    name: Name
    index: Annotated[tuple[Annotated[int, Meta(ge=0)], ...], Meta(max_length=8)]
    value: float


class Settings(Struct, frozen=True, omit_defaults=True):
    """The whole state of the studio, in the order in which it is decided.

    Attributes:
        data, network, training: see there.
        seed: of the starting weights, the order of the rows and the dropout.
        steps: number of steps that are trained when the state is opened.
        events: changes in the middle of the run, in the order of their steps.
    """

    data: DataSettings = DataSettings()
    network: NetworkSettings = NetworkSettings()
    training: TrainingSettings = TrainingSettings()
    seed: Seed = 0
    steps: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    events: Annotated[tuple[Event, ...], Meta(max_length=500)] = ()


def find_unknown_fields(
    value: Any, decoded: Any, place: str
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield place, name and the possible names of fields that decoding has ignored.

    Args:
        value: what the JSON says, as plain dicts and lists.
        decoded: what it was decoded to.
        place: name of the value.

    Example:
        >>> list(find_unknown_fields({"step": 1}, Settings(), "settings"))[0][:2]
        ('settings', 'step')
    """
    if isinstance(decoded, Struct) and isinstance(value, Mapping):
        names = decoded.__struct_fields__
        for name, each in value.items():
            if name in names:
                yield from find_unknown_fields(each, getattr(decoded, name), f"{place}: {name}")
            else:
                yield place, name, names
    elif isinstance(decoded, tuple) and isinstance(value, list):
        for i, (each, item) in enumerate(zip(value, decoded, strict=True)):
            yield from find_unknown_fields(each, item, f"{place}[{i}]")


IMAGE_NETWORK = NetworkSettings((LayerSettings(32, "relu"),))
IMAGE_TRAINING = TrainingSettings(learning_rate=0.001, batch_size=32)
"""What the page begins with for images, which have many inputs and many rows."""


def follow_data(settings: Settings, before: str, kind: str) -> Settings:
    """Return settings for data of another kind: what the user has not chosen follows the data.

    Args:
        settings: network and training; those that the page began with are replaced.
        before, kind: the kinds of the data before and now, such as "plane" and "images".

    Example:
        >>> follow_data(Settings(), "plane", "images").network.layers[0].units
        32
    """
    (network, training), (new_network, new_training) = map(_choose_start, (before, kind))
    return replace(
        settings,
        network=new_network if settings.network == network else settings.network,
        training=new_training if settings.training == training else settings.training,
    )


def _choose_start(kind: str) -> tuple[NetworkSettings, TrainingSettings]:
    if kind == "images":
        return IMAGE_NETWORK, IMAGE_TRAINING
    return NetworkSettings(), TrainingSettings()
