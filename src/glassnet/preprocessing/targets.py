"""Target encodings: class labels and numbers, as the network learns them and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.data.column_values import factorize
from glassnet.data.parsing import format_exact, parse_float
from glassnet.data.target_columns import check_varying_target, target_to_numeric, to_log
from glassnet.errors import ConfigError, DataError, is_number, message, require
from glassnet.formatting import format_number
from glassnet.losses import Loss
from glassnet.losses.scaled import scale_loss
from glassnet.metrics import Metric
from glassnet.metrics.unscaled import UnscaledMetric
from glassnet.preprocessing.base import HeadSpec
from glassnet.preprocessing.encoding_rules import MAX_CATEGORIES
from glassnet.types import PartialShape

MAX_EXACT_FLOAT = 2.0**53
"""Largest number up to which float64 holds every integer."""

MAX_SHOWN = 12
"""Maximum number of names or values in a message."""


class Target(ABC):
    """A target and its encoding, as a frozen dataclass; the defaults change nothing."""

    name: str

    @abstractmethod
    def transform(self, values: np.ndarray) -> np.ndarray:
        """Encode values as the network learns them.

        Raises:
            DataError: a value that cannot be encoded.
        """

    def decode_output(self, output: np.ndarray) -> np.ndarray:
        """Return outputs in the target's own units."""
        return output

    def decode_labels(self, classes: np.ndarray) -> np.ndarray:
        """Return the labels of class indices."""
        return classes

    def class_weight_by_index(self, class_weight: Any) -> Any:
        """Return class weights by class index."""
        return class_weight

    def check_output_shape(self, output_shape: PartialShape) -> None:
        """Refuse a network with another number of outputs than the target has.

        Raises:
            ConfigError: with the field and both numbers.
        """
        del output_shape

    def check_network(self, head: HeadSpec, loss: Loss | None) -> None:
        """Refuse a network whose output does not fit the target.

        Raises:
            ConfigError: with the last layer to write.
        """
        del head, loss

    def wrap_objective(
        self, loss: Loss, metrics: tuple[Metric, ...]
    ) -> tuple[Loss, tuple[Metric, ...]]:
        """Return the loss and the metrics in the target's own units.

        Raises:
            ConfigError: the target is scaled, but the loss does not depend on the error only.
        """
        return loss, metrics

    def describe_output(self, output: np.ndarray) -> str:
        """Describe outputs in words."""
        del output
        return str(self)


@dataclass(frozen=True)
class ClassTarget(Target):
    """A target that is one of several labels: class k is labels[k]."""

    name: str
    labels: tuple[str | int | float | bool, ...]

    def __post_init__(self) -> None:
        n_distinct = len(set(self.labels))
        require(
            len(self.labels) == n_distinct > 0,
            f"target {self.name!r}",
            "labels that differ",
            labels=len(self.labels),
            different=n_distinct,
        )

    def check_output_shape(self, output_shape: PartialShape) -> None:
        """Refuse a network that does not have an output for each label, or one for two labels.

        Raises:
            ConfigError: with the field and both numbers.
        """
        n = len(self.labels)
        require(
            output_shape == (n,) or (output_shape == (1,) and n == 2),
            f"target {self.name!r}",
            "as many labels as the network has outputs, or two for one output",
            labels=n,
            outputs=output_shape,
        )

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Return the class index of every label, (n,) int64.

        If all labels of training are text, a number counts as its text: a file with the labels 1
        and 2 alone is read as numbers, and one with 1, 2 and x as text. A number without such a
        text counts as the only label of its value: 7 as 007.

        Raises:
            DataError: a label that training did not have.
        """
        codes = self._codes()
        labels, positions = factorize(values)
        if values.dtype.kind == "f" and all(isinstance(label, str) for label in self.labels):
            labels = [self._find_label(number) for number in labels]
        unknown = [label for label in labels if label not in codes]
        require(
            not unknown,
            f"target {self.name!r}",
            f"training labels, {self.labels}",
            error=DataError,
            others=unknown[:3],
        )
        return np.take([codes[label] for label in labels], positions)

    def _find_label(self, number: float) -> str:
        """Return the text of a number, or the only label of its value if there is one."""
        text = format_exact(number)
        equal = [label for label in map(str, self.labels) if parse_float(label) == number]
        return equal[0] if len(equal) == 1 and text not in self.labels else text

    def decode_labels(self, classes: np.ndarray) -> np.ndarray:
        """Return the labels of class indices."""
        labels: np.ndarray = np.array(self.labels)[classes]
        return labels

    def class_weight_by_index(self, class_weight: Any) -> Any:
        """Return class weights by class index.

        If all labels are text and all keys are numbers, the keys are class indices already.
        """
        labels_are_text = all(isinstance(label, str) for label in self.labels)
        if not isinstance(class_weight, Mapping) or (
            labels_are_text and not any(isinstance(label, str) for label in class_weight)
        ):
            return class_weight
        codes = self._codes()
        expected = f"labels of {self.name}, {self.labels}"
        for label in class_weight:
            require(label in codes, "class_weight", expected, error=DataError, label=label)
        return {codes[label]: weight for label, weight in class_weight.items()}

    def check_network(self, head: HeadSpec, loss: Loss | None) -> None:
        """Refuse a network that does not output one of these labels.

        Raises:
            ConfigError: with the last layer to write.
        """
        n, ends = len(self.labels), (head.last_activation, loss.output_activation if loss else None)
        if "softmax" in ends:
            fits = head.output_shape == (n,)
        else:
            fits = "sigmoid" in ends and head.output_shape == (1,) and n == 2
        layer = 'Dense(1, activation="sigmoid")' if n == 2 else f'Dense({n}, activation="softmax")'
        many_numbers = n > MAX_CATEGORIES and not isinstance(self.labels[0], str)
        regression = "Dense(1), to learn them as numbers; or in " if many_numbers else ""
        require(
            fits,
            f"target {self.name!r}",
            f"a network that outputs one of {n} labels",
            labels=self.labels[:5],
            ends_in=ends[0],
            outputs=head.output_shape,
            fix=f"End in {regression}{layer}.",
        )

    def _codes(self) -> dict[str | int | float | bool, int]:
        return {label: code for code, label in enumerate(self.labels)}

    def __str__(self) -> str:
        shown = ", ".join(map(str, self.labels[:5])) + (", ..." if len(self.labels) > 5 else "")
        binary = len(self.labels) == 2
        output = f"; the output is the probability of {self.labels[1]}" if binary else ""
        return f"{self.name}: {len(self.labels)} labels ({shown}){output}"


@dataclass(frozen=True)
class NumericTarget(Target):
    """A number y, learned as t = (y - mean) / scale, or as t = (log y - mean) / scale."""

    name: str
    mean: float = 0.0
    scale: float = 1.0
    log: bool = False

    def __post_init__(self) -> None:
        require(
            is_number(self.mean) and is_number(self.scale) and self.scale > 0,
            f"target {self.name!r}",
            "a finite mean and a scale > 0",
            mean=self.mean,
            scale=self.scale,
        )

    @property
    def is_standardized(self) -> bool:
        """Whether t differs from y."""
        return (self.mean, self.scale, self.log) != (0.0, 1.0, False)

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Return t for every row, (n,) float32.

        Raises:
            DataError: text, an infinite number, or a number <= 0 if the logarithm is learned.
        """
        y = target_to_numeric(self.name, values)
        level = to_log(self.name, y, "target_transform") if self.log else y
        return ((level - self.mean) / self.scale).astype(np.float32)

    def decode_output(self, output: np.ndarray) -> np.ndarray:
        """Return outputs in the target's own units, float32."""
        y = self.mean + self.scale * output.astype(float)
        return (np.exp(y) if self.log else y).astype(np.float32)

    def wrap_objective(
        self, loss: Loss, metrics: tuple[Metric, ...]
    ) -> tuple[Loss, tuple[Metric, ...]]:
        """Return the loss and the metrics in the target's own units.

        Raises:
            ConfigError: the target is standardized, but the loss does not depend on the error only.
        """
        if not self.is_standardized:
            return loss, metrics
        return scale_loss(loss, self.scale), tuple(
            UnscaledMetric(metric, self.mean, self.scale, self.log, name=metric.name)
            for metric in metrics
        )

    def describe_output(self, output: np.ndarray) -> str:
        """Describe the target, with the outputs in its own units."""
        values = [format_number(y) for y in self.decode_output(output).flat]
        more = ", ..." if len(values) > MAX_SHOWN else ""
        return f"{self}; here y is {', '.join(values[:MAX_SHOWN])}{more}"

    def __str__(self) -> str:
        if not self.is_standardized:
            return f"{self.name}: numbers, learned as they are"
        y = "log y" if self.log else "y"
        mean, scale = format_number(self.mean), format_number(self.scale)
        return f"{self.name}: numbers, learned as ({y} - {mean}) / {scale}"


def learns_labels(
    head: HeadSpec, loss: Loss | None, is_text: bool, count_distinct: Callable[[], int]
) -> bool:
    """Return whether labels are learned rather than numbers.

    Args:
        head: the network's end.
        loss: the loss, if one was named.
        is_text: whether the target is text.
        count_distinct: returns the number of different targets.
    """
    ends = {head.last_activation, loss.output_activation if loss else None}
    if "softmax" in ends:
        return True
    return "sigmoid" in ends and (is_text or count_distinct() <= 2)


def fit_class_target(name: str, column: np.ndarray) -> ClassTarget:
    """Return the target with the sorted labels of a column.

    Raises:
        DataError: the column has only one label.
    """
    is_exact = column.dtype.kind == "f" and np.all(np.abs(column) <= MAX_EXACT_FLOAT)
    integral = is_exact and np.all(column == np.round(column))
    labels = sorted(set((column.astype(int) if integral else column).tolist()))
    who = f"target {name!r}"
    require(len(labels) > 1, who, "labels that differ", error=DataError, always=labels[0])
    return ClassTarget(name, tuple(labels))


def fit_numeric_target(
    name: str, column: np.ndarray, log: bool, head: HeadSpec, loss: Loss | None
) -> NumericTarget:
    """Return the target with the mean and scale of a column, if the network allows any scale.

    Raises:
        ConfigError: a logarithm that the network's end or the loss does not allow.
        DataError: the values are constant, too close together for float32, or not finite numbers.
    """
    y = check_varying_target(name, column)
    if not allows_any_scale(log, head, loss):
        return NumericTarget(name)
    t = to_log(name, y, "target_transform") if log else y
    return NumericTarget(name, float(t.mean()), float(t.std()), log)


def allows_any_scale(log: bool, head: HeadSpec, loss: Loss | None) -> bool:
    """Return whether the network and the loss work with any scale of outputs.

    Raises:
        ConfigError: they do not, but the logarithm of the target is to be learned.
    """
    is_scale_free = (
        head.last_activation == "linear"
        and not head.rescaled
        and (loss is None or loss.depends_on_error_only)
    )
    if log and not is_scale_free:
        expected = "a network whose output can be any number"
        fix = (
            "End in Dense(1) without activation, with mean_squared_error, mean_absolute_error, "
            "huber or log_cosh."
        )
        raise ConfigError(message('target_transform="log"', expected, fix=fix))
    return is_scale_free
