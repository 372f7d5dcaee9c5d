"""A table to a model and back: which column is learned, what the others become, and outputs in the target's own terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from glassnet.data import arrays, encoder
from glassnet.data.encoder import Dropped, Encoder
from glassnet.data.rows import hold_out
from glassnet.data.table import Table, read
from glassnet.errors import ConfigError, DataError, lookup, message, require
from glassnet.layers import Rescaling
from glassnet.losses import Loss
from glassnet.losses.standardised import standardised
from glassnet.metrics import Metric
from glassnet.metrics.own_units import OwnUnits
from glassnet.network import Links
from glassnet.pairing import last_activation
from glassnet.types import Shape

SHOWN = 12
"""Columns that are listed by name."""


def readable(number: float) -> str:
    """A number of any size in few characters: `0.3952`, `180,921`."""
    return f"{number:,.0f}" if 1e4 <= abs(number) < 1e15 else f"{number:.4g}"


@dataclass(frozen=True)
class Labels:
    """A target that is one of several labels, as the table spells them: class k is labels[k]."""

    name: str
    labels: tuple[Any, ...]

    def encode(self, column: np.ndarray) -> np.ndarray:
        """The class of every row, (n,) int64.

        Raises:
            DataError: a label that training did not know.
        """
        codes = {label: code for code, label in enumerate(self.labels)}
        strange = list(dict.fromkeys(label for label in column.tolist() if label not in codes))
        require(not strange, f"target {self.name!r}", f"labels of training, {self.labels}", error=DataError, others=strange[:3])
        return np.array([codes[label] for label in column.tolist()])

    def restore(self, output: np.ndarray) -> np.ndarray:
        """Outputs as they are: probabilities, scores."""
        return output

    def spelt(self, classes: np.ndarray) -> np.ndarray:
        """The labels of classes."""
        return np.array(self.labels)[classes]

    def weights(self, by_label: Any) -> Any:
        """Class weights by class rather than by label."""
        if not isinstance(by_label, Mapping):
            return by_label
        codes = {label: code for code, label in enumerate(self.labels)}
        for label in by_label:
            require(label in codes, "class_weight", f"labels of {self.name}, {self.labels}", error=DataError, label=label)
        return {codes[label]: weight for label, weight in by_label.items()}

    def check(self, links: Links, outputs: Shape, loss: Loss | None) -> None:
        """Refuse a network that does not end in one class out of these.

        Raises:
            ConfigError: with the last layer to write.
        """
        n, ends = len(self.labels), (last_activation(links), loss.link if loss else None)
        fix = 'Dense(1, activation="sigmoid")' if n == 2 else f'Dense({n}, activation="softmax")'
        fits = outputs == (n,) if "softmax" in ends else "sigmoid" in ends and outputs == (1,) and n == 2
        expected = f"a network that ends in a choice of {n} labels"
        require(fits, f"target {self.name!r}", expected, labels=self.labels[:5], ends_in=ends[0], outputs=outputs, fix=f"End in {fix}.")

    def fitted(self, loss: Loss, metrics: tuple[Metric, ...]) -> tuple[Loss, tuple[Metric, ...]]:
        """The loss and the metrics as they are."""
        return loss, metrics

    def told(self, output: np.ndarray) -> str:
        """What outputs are of, in words."""
        return str(self)

    def __str__(self) -> str:
        shown = ", ".join(map(str, self.labels[:5])) + (", ..." if len(self.labels) > 5 else "")
        means = f"; the output is the probability of {self.labels[1]}" if len(self.labels) == 2 else ""
        return f"{self.name}: {len(self.labels)} labels, {shown}{means}"


@dataclass(frozen=True)
class Quantity:
    """A target that is a number y, learned as t = (y - mean) / scale, or as t = (log y - mean) / scale."""

    name: str
    mean: float = 0.0
    scale: float = 1.0
    log: bool = False

    @property
    def standardised(self) -> bool:
        """Whether t is another number than y."""
        return (self.mean, self.scale, self.log) != (0.0, 1.0, False)

    def encode(self, column: np.ndarray) -> np.ndarray:
        """What is learned of every row, (n,) float32.

        Raises:
            DataError: text; an infinite number; where a logarithm is taken, one that is not above 0.
        """
        y = _positive(self.name, numbers(self.name, column)) if self.log else numbers(self.name, column)
        return (((np.log(y) if self.log else y) - self.mean) / self.scale).astype(np.float32)

    def restore(self, output: np.ndarray) -> np.ndarray:
        """Outputs in the target's own units, float32."""
        y = self.mean + self.scale * output.astype(float)
        return (np.exp(y) if self.log else y).astype(np.float32)

    def spelt(self, classes: np.ndarray) -> np.ndarray:
        """Classes as they are."""
        return classes

    def weights(self, by_label: Any) -> Any:
        """Class weights as they are."""
        return by_label

    def check(self, links: Links, outputs: Shape, loss: Loss | None) -> None:
        """Any network will do."""

    def fitted(self, loss: Loss, metrics: tuple[Metric, ...]) -> tuple[Loss, tuple[Metric, ...]]:
        """The loss and the metrics in the target's own units.

        Raises:
            ConfigError: the target is standardised, and the loss is not one of differences.
        """
        if not self.standardised:
            return loss, metrics
        return standardised(loss, self.scale), tuple(OwnUnits(m, self.mean, self.scale, self.log, name=m.name) for m in metrics)

    def told(self, output: np.ndarray) -> str:
        """What outputs say, in words and the target's own units."""
        values = [readable(y) for y in self.restore(output).flat]
        return f"{self}; here y is {', '.join(values[:SHOWN])}" + (", ..." if len(values) > SHOWN else "")

    def __str__(self) -> str:
        if not self.standardised:
            return f"{self.name}: numbers, learned as they are"
        y = "log y" if self.log else "y"
        return f"{self.name}: numbers, learned as ({y} - {readable(self.mean)}) / {readable(self.scale)}"


@dataclass(frozen=True)
class Wishes:
    """What `fit` was asked to make of a table."""

    target: str | None = None
    columns: tuple[tuple[str, str], ...] = ()
    derive: tuple[tuple[str, str], ...] = ()
    transform: str | None = None


def wishes(target: Any, columns: Any, derive: Any, transform: Any) -> Wishes:
    """The arguments, checked.

    Raises:
        ConfigError: a target that is no name, columns or derive that are no dict, another transform than "log".
    """
    require(target is None or isinstance(target, str), "fit", "target to be the name of a column", target=target)
    for name, given in (("columns", columns), ("derive", derive)):
        require(given is None or isinstance(given, Mapping), "fit", f"{name} to be a dict by column", **{name: given})
    require(transform in (None, "log"), "fit", 'target_transform to be "log" or None', target_transform=transform)
    return Wishes(target, tuple((columns or {}).items()), tuple((derive or {}).items()), transform)


@dataclass(frozen=True)
class Intake:
    """What a model has learned of the tables that it takes: frozen, plain data.

    Attributes:
        encoder: columns to numbers; `encoder.names` are those of the network's inputs.
        target: `Labels` or `Quantity`.
        wishes: what `fit` was asked for.
    """

    encoder: Encoder
    target: Labels | Quantity
    wishes: Wishes

    def features(self, x: Any) -> Any:
        """A table's rows as the network takes them; what is no table is taken to be that already."""
        return self.encoder.encode(read(x)) if is_table(x) else x

    def pair(self, x: Any, y: Any = None) -> tuple[Any, np.ndarray, np.ndarray | None]:
        """(rows, targets, which of the table's rows have a target, None for all): of a table, whose own column is taken where y is None.

        Raises:
            DataError: see `Encoder.encode` and `encode` of the target; no row has a target.
        """
        if y is not None:
            return self.features(x), self.target.encode(_column(self.target.name, y)), None
        opened = open_table(x, self.target.name)
        return self.features(opened.table), self.target.encode(opened.column), opened.there

    def __str__(self) -> str:
        sizes = {column.name: len(column.names) for column in self.encoder.columns if not isinstance(column, Dropped)}
        shown = [f"{name} ({size})" if size > 1 else name for name, size in list(sizes.items())[:SHOWN]]
        more = [f"and {len(sizes) - SHOWN} more"] if len(sizes) > SHOWN else []
        return f"{len(sizes)} columns as {len(self.encoder.names)} numbers: {', '.join(shown + more)}"


class Opened(NamedTuple):
    """A table's rows that have a target, apart from it; `there` says which of all rows they are, None for all."""

    table: Table
    column: np.ndarray
    there: np.ndarray | None
    said: tuple[str, ...]


class Taken(NamedTuple):
    """A table as `fit` uses it: what was learned of it, rows and targets, which rows have one, who trains and who is held out, the news."""

    intake: Intake
    x: np.ndarray
    y: np.ndarray
    there: np.ndarray | None
    kept: np.ndarray
    held: np.ndarray | None
    said: tuple[str, ...]


def is_table(x: Any) -> bool:
    """Whether x is a path, a frame, or columns or rows by name."""
    if isinstance(x, str | Path | Table | Mapping):
        return True
    if isinstance(x, list | tuple):
        return bool(x) and all(isinstance(row, Mapping) for row in x)
    return hasattr(x, "columns") and not hasattr(x, "with_format")


def open_table(source: Any, target: str | None) -> Opened:
    """Read a table and part it from its target, rows that lack one being left out.

    Raises:
        ConfigError: no target, or one that is not there (the nearest is named).
        DataError: see `read`; no row has a target.
    """
    table = read(source)
    fix = f'Write target="{list(table.columns)[-1]}", say.'
    require(target is not None, "fit", "target to name the column that is learned", columns=list(table.columns), fix=fix)
    column = table.columns[lookup("target", str(target), {name: name for name in table.columns})]
    missing = encoder.is_missing(column)
    require(not missing.all(), f"target {target!r}", "a value in some row", error=DataError, rows=len(column), missing=len(column))
    rest = table.without(str(target))
    if not missing.any():
        return Opened(rest, column, None, table.said)
    lost = f"{missing.sum():,} of {len(column):,} rows lack {target}: left out"
    return Opened(rest.rows(~missing), column[~missing], ~missing, (*table.said, lost))


def weights(sample_weight: Any, there: np.ndarray | None) -> Any:
    """The weights of the rows that have a target.

    Raises:
        DataError: they are not one for each of the table's rows.
    """
    if sample_weight is None or there is None:
        return sample_weight
    return np.asarray(arrays.sample_weights(sample_weight, len(there)))[there]


def take(known: Intake | None, x: Any, asked: Wishes, links: Links, loss: Loss | None, split: tuple[float, str, int]) -> Taken:
    """What `fit` makes of a table; all that is learned of it is learned from the rows to train on.

    Args:
        known: what was learned at an earlier fit, which stays as it is.
        x: the table.
        asked: what the user wished.
        links: of the network, whose end says whether labels or numbers are learned.
        loss: where one was named.
        split: the fraction held out, "random" or "end", and the seed.

    Raises:
        ConfigError: other wishes than at an earlier fit; a logarithm that the network's end or the loss does not allow.
        DataError: a target that is constant, or text where numbers are learned; see `encoder.learn`.
    """
    if known is not None:
        fix = "What was learned of the table stays: leave them out, or reset() first."
        require(asked in (known.wishes, Wishes(), Wishes(known.target.name)), "fit", f"{known.wishes}", received=asked, fix=fix)
        asked = known.wishes
    opened = open_table(x, asked.target)
    name, column = str(asked.target), opened.column
    chooses = isinstance(known.target, Labels) if known else _chooses(column, links, loss)
    kept, held = hold_out(len(column), column.astype(str) if chooses else None, *split)
    if known is not None:
        return Taken(known, known.features(opened.table), known.target.encode(column), opened.there, kept, held, opened.said)
    encoded = encoder.learn(opened.table.rows(kept), dict(asked.columns), dict(asked.derive))
    target = _labels(name, column) if chooses else _quantity(name, column[kept], asked.transform == "log", _free(links, loss))
    known = Intake(encoded, target, asked)
    out = [f"{column} ({reason})" for column, reason in encoded.left_out().items()]
    said = (*opened.said, str(target), *([f"left out: {', '.join(out)}"] if out else []), str(known))
    return Taken(known, known.features(opened.table), target.encode(column), opened.there, kept, held, said)


def numbers(name: str, column: np.ndarray) -> np.ndarray:
    """A target's column as finite numbers that float32 can tell apart.

    Raises:
        DataError: text, dates; infinite numbers; numbers too close together for their size.
    """
    who = f"target {name!r}"
    if column.dtype.kind == "O":
        text = [value for value in dict.fromkeys(column.tolist()) if np.isnan(encoder.parsed(value))]
        fix = "Mend them; or, if these are labels, end the network in a softmax or sigmoid."
        require(not text, who, "numbers, as the network ends in one", error=DataError, text=text[:3], fix=fix)
    require(column.dtype.kind in "Obf", who, "numbers", error=DataError, holds="dates", fix="Learn a number of days.")
    y = column.astype(float)
    infinite = np.flatnonzero(np.isinf(y))
    if len(infinite):
        raise DataError(message(who, "finite numbers", row=int(infinite[0]), infinite=len(infinite)))
    return y


def _positive(name: str, y: np.ndarray) -> np.ndarray:
    low = np.flatnonzero(y <= 0)
    if len(low):
        received = {"row": int(low[0]), "value": float(y[low[0]]), "rows_like_it": len(low)}
        raise DataError(
            message(f"target {name!r}", "numbers above 0, to take the logarithm of", **received, fix="Leave target_transform out.")
        )
    return y


def _column(name: str, y: Any) -> np.ndarray:
    """Targets that were given beside a table, as a column of one would hold them."""
    values = np.asarray(y).reshape(len(y), -1)
    require(values.shape[1] == 1, "y", "one value a row", error=DataError, shape=values.shape)
    given = values[:, 0]
    return given if given.dtype.kind in "bOM" else given.astype(object if given.dtype.kind in "US" else float)


def _chooses(column: np.ndarray, links: Links, loss: Loss | None) -> bool:
    """Whether a label is learned rather than a number."""
    ends = {last_activation(links), loss.link if loss else None}
    return "softmax" in ends or ("sigmoid" in ends and (column.dtype.kind == "O" or len(np.unique(column)) <= 2))


def _labels(name: str, column: np.ndarray) -> Labels:
    whole = column.dtype.kind == "f" and np.all(column == np.round(column))
    found = sorted(set((column.astype(int) if whole else column).tolist()))
    require(len(found) > 1, f"target {name!r}", "labels that differ", error=DataError, always=found[0])
    return Labels(name, tuple(found))


def _free(links: Links, loss: Loss | None) -> bool:
    """Whether any scale of outputs is as good as another: the network ends without activation, and the loss is one of differences."""
    return last_activation(links) == "linear" and not isinstance(links[-1], Rescaling) and (loss is None or loss.of_differences)


def _quantity(name: str, column: np.ndarray, log: bool, free: bool) -> Quantity:
    y = numbers(name, column)
    require(np.ptp(y) > 0, f"target {name!r}", "numbers that differ", error=DataError, always=float(y[0]))
    arrays.require_precise(**{f"target {name!r}": y})
    if not free:
        fix = "End in Dense(1) without activation, with mean_squared_error, mean_absolute_error, huber or log_cosh."
        if log:
            raise ConfigError(message('target_transform="log"', "a network free to give any number", fix=fix))
        return Quantity(name)
    t = np.log(_positive(name, y)) if log else y
    return Quantity(name, float(t.mean()), float(t.std()), log)
