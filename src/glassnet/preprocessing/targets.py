"""What a table's target is to a network, and back: one of several labels, or a quantity."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.data.target_columns import check_varying_target, target_to_numeric, to_log
from glassnet.errors import ConfigError, DataError, message, require
from glassnet.losses import Loss
from glassnet.losses.scaled import scale_loss
from glassnet.metrics import Metric
from glassnet.metrics.unscaled import UnscaledMetric
from glassnet.preprocessing.base import HeadSpec
from glassnet.preprocessing.encoder import MAX_CATEGORIES

MAX_SHOWN = 12
"""Columns that are listed by name."""


def format_number(value: float) -> str:
    """A number of any size in few characters: `0.3952`, `180,921`."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


class Target(ABC):
    """A target and its encoding: a frozen dataclass. The defaults leave everything as it is."""

    name: str

    @abstractmethod
    def transform(self, values: np.ndarray) -> np.ndarray:
        """Encode values as the network learns them."""

    def decode_output(self, output: np.ndarray) -> np.ndarray:
        """Return outputs in the target's own units."""
        return output

    def decode_labels(self, classes: np.ndarray) -> np.ndarray:
        """Return the labels of classes."""
        return classes

    def class_weight_by_index(self, class_weight: Any) -> Any:
        """Return class weights by class instead of by label."""
        return class_weight

    def check_network(self, head: HeadSpec, loss: Loss | None) -> None:
        """Refuse a network whose output does not fit the target.

        Raises:
            ConfigError: with the last layer to write.
        """
        del head, loss

    def wrap_objective(
        self, loss: Loss, metrics: tuple[Metric, ...]
    ) -> tuple[Loss, tuple[Metric, ...]]:
        """Return the loss and the metrics in the target's own units."""
        return loss, metrics

    def describe_output(self, output: np.ndarray) -> str:
        """Describe outputs in words."""
        del output
        return str(self)


@dataclass(frozen=True)
class ClassTarget(Target):
    """A target that is one of several labels, as the table spells them: class k is labels[k]."""

    name: str
    labels: tuple[str | int | float | bool, ...]

    def transform(self, column: np.ndarray) -> np.ndarray:
        """The class of every row, (n,) int64.

        Raises:
            DataError: a label that training did not know.
        """
        codes = {label: code for code, label in enumerate(self.labels)}
        strange = list(dict.fromkeys(label for label in column.tolist() if label not in codes))
        require(
            not strange,
            f"target {self.name!r}",
            f"labels of training, {self.labels}",
            error=DataError,
            others=strange[:3],
        )
        return np.array([codes[label] for label in column.tolist()])

    def decode_labels(self, classes: np.ndarray) -> np.ndarray:
        """The labels of classes."""
        return np.array(self.labels)[classes]

    def class_weight_by_index(self, class_weight: Any) -> Any:
        """Class weights by class rather than by label; by class already, if all are numbers and the
        labels are words.
        """
        words = all(isinstance(label, str) for label in self.labels)
        if not isinstance(class_weight, Mapping) or (
            words and not any(isinstance(label, str) for label in class_weight)
        ):
            return class_weight
        codes = {label: code for code, label in enumerate(self.labels)}
        for label in class_weight:
            require(
                label in codes,
                "class_weight",
                f"labels of {self.name}, {self.labels}",
                error=DataError,
                label=label,
            )
        return {codes[label]: weight for label, weight in class_weight.items()}

    def check_network(self, head: HeadSpec, loss: Loss | None) -> None:
        """Refuse a network that does not end in one class out of these.

        Raises:
            ConfigError: with the last layer to write.
        """
        n, ends = (
            len(self.labels),
            (head.last_activation, loss.output_activation if loss else None),
        )
        fix = 'Dense(1, activation="sigmoid")' if n == 2 else f'Dense({n}, activation="softmax")'
        fits = (
            head.output_shape == (n,)
            if "softmax" in ends
            else "sigmoid" in ends and head.output_shape == (1,) and n == 2
        )
        quantity = n > MAX_CATEGORIES and not isinstance(self.labels[0], str)
        fix = f"End in {'Dense(1), to learn them as numbers; or in ' if quantity else ''}{fix}."
        expected = f"a network that ends in a choice of {n} labels"
        require(
            fits,
            f"target {self.name!r}",
            expected,
            labels=self.labels[:5],
            ends_in=ends[0],
            outputs=head.output_shape,
            fix=fix,
        )

    def __str__(self) -> str:
        shown = ", ".join(map(str, self.labels[:5])) + (", ..." if len(self.labels) > 5 else "")
        means = (
            f"; the output is the probability of {self.labels[1]}" if len(self.labels) == 2 else ""
        )
        return f"{self.name}: {len(self.labels)} labels, {shown}{means}"


@dataclass(frozen=True)
class NumericTarget(Target):
    """A target that is a number y, learned as t = (y - mean) / scale, or as t = (log y - mean) /
    scale.
    """

    name: str
    mean: float = 0.0
    scale: float = 1.0
    log: bool = False

    @property
    def is_standardized(self) -> bool:
        """Whether t is another number than y."""
        return (self.mean, self.scale, self.log) != (0.0, 1.0, False)

    def transform(self, column: np.ndarray) -> np.ndarray:
        """What is learned of every row, (n,) float32.

        Raises:
            DataError: text; an infinite number; where a logarithm is taken, one that is not above
                0.
        """
        y = target_to_numeric(self.name, column)
        level = to_log(self.name, y, "target_transform") if self.log else y
        return ((level - self.mean) / self.scale).astype(np.float32)

    def decode_output(self, output: np.ndarray) -> np.ndarray:
        """Outputs in the target's own units, float32."""
        y = self.mean + self.scale * output.astype(float)
        return (np.exp(y) if self.log else y).astype(np.float32)

    def wrap_objective(
        self, loss: Loss, metrics: tuple[Metric, ...]
    ) -> tuple[Loss, tuple[Metric, ...]]:
        """The loss and the metrics in the target's own units.

        Raises:
            ConfigError: the target is standardised, and the loss is not one of differences.
        """
        if not self.is_standardized:
            return loss, metrics
        return scale_loss(loss, self.scale), tuple(
            UnscaledMetric(m, self.mean, self.scale, self.log, name=m.name) for m in metrics
        )

    def describe_output(self, output: np.ndarray) -> str:
        """What outputs say, in words and the target's own units."""
        values = [format_number(y) for y in self.decode_output(output).flat]
        return f"{self}; here y is {', '.join(values[:MAX_SHOWN])}" + (
            ", ..." if len(values) > MAX_SHOWN else ""
        )

    def __str__(self) -> str:
        if not self.is_standardized:
            return f"{self.name}: numbers, learned as they are"
        y = "log y" if self.log else "y"
        return f"{self.name}: numbers, learned as ({y} - {format_number(self.mean)}) / {format_number(self.scale)}"


def fit_class_target(name: str, column: np.ndarray) -> ClassTarget:
    """The labels that a column holds, in their order.

    Raises:
        DataError: they are all one.
    """
    whole = column.dtype.kind == "f" and np.all(column == np.round(column))
    found = sorted(set((column.astype(int) if whole else column).tolist()))
    require(
        len(found) > 1, f"target {name!r}", "labels that differ", error=DataError, always=found[0]
    )
    return ClassTarget(name, tuple(found))


def fit_numeric_target(
    name: str, column: np.ndarray, log: bool, head: HeadSpec, loss: Loss | None
) -> NumericTarget:
    """How the numbers that a column holds are learned.

    Raises:
        ConfigError: a logarithm that the network's end or the loss does not allow.
        DataError: they are all one, or no finite numbers that float32 can tell apart; see
            `NumericTarget.transform`.
    """
    y = check_varying_target(name, column)
    if not _is_scale_free(head, loss):
        fix = "End in Dense(1) without activation, with mean_squared_error, mean_absolute_error, huber or log_cosh."
        if log:
            raise ConfigError(
                message('target_transform="log"', "a network free to give any number", fix=fix)
            )
        return NumericTarget(name)
    t = to_log(name, y, "target_transform") if log else y
    return NumericTarget(name, float(t.mean()), float(t.std()), log)


def _is_scale_free(head: HeadSpec, loss: Loss | None) -> bool:
    """Whether any scale of outputs is as good as another: the network ends without activation, and
    the loss is one of differences.
    """
    return (
        head.last_activation == "linear"
        and not head.rescaled
        and (loss is None or loss.depends_on_error_only)
    )
