"""What is taken whole to a model; of a table: which column is learned, what the others become, and outputs in the target's own terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from glassnet.data import arrays
from glassnet.data.parsing import is_missing
from glassnet.data.table import Table, read
from glassnet.engine.network import Links
from glassnet.engine.objective import last_activation
from glassnet.errors import DataError, lookup, require
from glassnet.losses import Loss
from glassnet.pipeline.encoding import hold_out
from glassnet.preprocessing import encoder, targets
from glassnet.preprocessing.base import Given, Split, Taken, Taker, known_as
from glassnet.preprocessing.encoder import Dropped, Encoder
from glassnet.preprocessing.expressions import named
from glassnet.preprocessing.targets import SHOWN, Labels, Quantity


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
        ConfigError: a target that is no name, columns or derive that are no dict, another transform than "log"; a column said or made
            that is the target, or is made of it.
    """
    require(target is None or isinstance(target, str), "fit", "target to be the name of a column", target=target)
    for name, given in (("columns", columns), ("derive", derive)):
        require(given is None or isinstance(given, Mapping), "fit", f"{name} to be a dict by column", **{name: given})
    require(transform in (None, "log"), "fit", 'target_transform to be "log" or None', target_transform=transform)
    if target is not None:
        told = f"columns apart from the target, {target!r}"
        require(target not in (columns or {}), "columns", told, columns=columns, fix="What is learned follows from the network's end.")
        for name, expression in (derive or {}).items():
            leaks = name == target or target in named(expression)
            fix = "It would tell the network what it is to find out."
            require(not leaks, f"derive: {name}", told, expression=expression, fix=fix)
    return Wishes(target, tuple((columns or {}).items()), tuple((derive or {}).items()), transform)


@dataclass(frozen=True)
class Intake(Taker):
    """What a model has learned of the tables that it takes: frozen, plain data.

    Attributes:
        encoder: columns to numbers; `encoder.names` are those of the network's inputs.
        target: `Labels` or `Quantity`.
        wishes: what `fit` was asked for.
    """

    encoder: Encoder
    target: Labels | Quantity
    wishes: Wishes

    @property
    def names(self) -> tuple[str, ...]:
        return self.encoder.names

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
        return self.listed(SHOWN)

    def listed(self, most: int | None = None) -> str:
        """The columns that take part, each with how many numbers it becomes: the first `most` by name, or all."""
        sizes = {column.name: len(column.names) for column in self.encoder.columns if not isinstance(column, Dropped)}
        shown = [f"{name} ({size})" if size > 1 else name for name, size in list(sizes.items())[:most]]
        more = [f"and {len(sizes) - len(shown)} more"] if len(sizes) > len(shown) else []
        return f"{len(sizes)} columns as {len(self.encoder.names)} numbers: {', '.join(shown + more)}"


class Opened(NamedTuple):
    """A table's rows that have a target, apart from it; `there` says which of all rows they are, None for all."""

    table: Table
    column: np.ndarray
    there: np.ndarray | None
    said: tuple[str, ...]


def is_table(x: Any) -> bool:
    """Whether x is a path, a frame, or columns or rows by name."""
    if isinstance(x, str | Path | Table | Mapping):
        return True
    if isinstance(x, list | tuple):
        return bool(x) and all(isinstance(row, Mapping) for row in x)
    kind = type(x)
    return (hasattr(kind, "columns") and not hasattr(kind, "with_format")) or kind.__name__ == "Series"


def is_whole(x: Any) -> bool:
    """Whether x may hold its targets."""
    return isinstance(x, Given) or is_table(x)


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
    missing = is_missing(column)
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


def take(known: Taker | None, x: Any, asked: Wishes, links: Links, loss: Loss | None, split: Split) -> Taken:
    """What `fit` makes of what is taken whole; all that is learned of it is learned from the rows to train on.

    Args:
        known: what was learned at an earlier fit, which stays as it is.
        x: the table, or what knows how it is taken.
        asked: what the user wished.
        links: of the network, whose end says whether labels or numbers are learned.
        loss: where one was named.
        split: the fraction held out, "random" or "end", and the seed.

    Raises:
        ConfigError: data of another kind, or other wishes, than at an earlier fit; a logarithm that the network's end or the loss does
            not allow.
        DataError: a target that is constant, or text where numbers are learned; see `encoder.learn`.
    """
    if isinstance(x, Given):
        return x.take(known, asked, links, loss, split)
    known = known_as(Intake, known, x)
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
    if chooses:
        target: Labels | Quantity = targets.labels(name, column)
    else:
        target = targets.quantity(name, column[kept], asked.transform == "log", links, loss)
    known = Intake(encoded, target, asked)
    said = (*opened.said, str(target), *_left_out(encoded), *encoded.guesses(), str(known))
    return Taken(known, known.features(opened.table), target.encode(column), opened.there, kept, held, said)


def _left_out(encoded: Encoder) -> list[str]:
    out = [f"{column} ({reason})" for column, reason in encoded.left_out().items()]
    more = f", and {len(out) - SHOWN} more" if len(out) > SHOWN else ""
    return [f"left out: {', '.join(out[:SHOWN])}{more}"] if out else []


def _column(name: str, y: Any) -> np.ndarray:
    """Targets that were given beside a table, as a column of one would hold them."""
    values = np.asarray(y).reshape(len(y), -1)
    require(values.shape[1] == 1, "y", "one value a row", error=DataError, shape=values.shape)
    column = read({name: values[:, 0].tolist()})[name]
    gone = np.flatnonzero(is_missing(column))
    fix = "Leave those rows out of both; a table that holds its target leaves them out by itself."
    require(not len(gone), "y", "a target in every row", error=DataError, row=int(gone[:1].sum()), missing=len(gone), fix=fix)
    return column


def _chooses(column: np.ndarray, links: Links, loss: Loss | None) -> bool:
    """Whether a label is learned rather than a number."""
    ends = {last_activation(links), loss.link if loss else None}
    return "softmax" in ends or ("sigmoid" in ends and (column.dtype.kind == "O" or len(np.unique(column)) <= 2))
