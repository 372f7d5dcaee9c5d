"""The features of a model's rows, as axes of a plot: their kinds, typical values and ranges.

A feature is a column of an array or, if the model was fitted to a table, a column of the table
before it is encoded.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.data.column_values import factorize, find_distinct
from glassnet.data.table import Table, read_table
from glassnet.errors import ConfigError, DataError, is_int, is_number, lookup, message, require
from glassnet.inspection.snapshot import Snapshot
from glassnet.layers import Embedding
from glassnet.preprocessing.columns import Column
from glassnet.preprocessing.encoder import (
    BooleanColumn,
    CategoricalColumn,
    DateColumn,
    DroppedColumn,
    FittedColumn,
    NumericColumn,
)
from glassnet.preprocessing.tabular import TabularPreprocessor

MAX_LISTED = 40
"""Maximum number of columns of an array that an error lists."""

OTHER = "other"
"""Name of the level of categories that were rare in training."""

MARGIN = 0.05
"""Space around the rows, as a fraction of their range."""

TAIL = 0.25
"""Numbers beyond the 1 % and 99 % quantiles by more than this fraction of their distance are left
out of the range, so that one outlier does not take the whole plot."""


@dataclass(frozen=True, eq=False)
class Feature:
    """A feature of some rows.

    Attributes:
        name: name of the column.
        kind: "number", "date", "boolean" or "category".
        values: of each row, (n,): float64, datetime64[s], or float64 of 0 and 1, NaN or NaT if
            missing; or objects for categories, None if missing.
        levels: the categories of training, or False and True; empty for numbers and dates.
        default: what the model takes for a missing number or boolean.
    """

    name: str
    kind: str
    values: np.ndarray
    levels: tuple[Any, ...] = ()
    default: float = np.nan

    def typical_value(self) -> np.ndarray:
        """Return the median of numbers and dates, else the most frequent value: (1,).

        Missing numbers and dates are left out; a missing category counts as a category. Of equally
        frequent categories, the first in alphabetical order is returned.
        """
        if self.kind == "category":
            texts, codes = factorize(self.values)
            pairs = zip(texts, np.bincount(codes), strict=True)
            best = min(pairs, key=lambda pair: (-pair[1], pair[0] is None, str(pair[0])))
            return np.array([best[0]], object)
        if self.kind == "date":
            known = self.values[~np.isnat(self.values)].astype(np.int64)
            seconds = [int(np.median(known))] if len(known) else ["NaT"]
            return np.array(seconds, "datetime64[s]")
        known = self.values[~np.isnan(self.values)]
        median = float(np.median(known)) if len(known) else self.default
        return np.array([median > 0.5]) if self.kind == "boolean" else np.array([median])

    def make_axis(self, resolution: int, *others: Feature) -> np.ndarray:
        """Return the values of the feature at which the network is evaluated.

        They are all levels of a category or boolean, else `resolution` equally spaced values that
        span the rows. Far outliers are left out: see `TAIL`.

        Args:
            resolution: number of values of a number or date.
            others: the same feature of more rows to span.

        Raises:
            DataError: every value is missing.
        """
        if self.kind == "boolean":
            return np.array([False, True])
        if self.kind == "category":
            return np.array(self.levels, object)
        values = np.concatenate([each.positions() for each in (self, *others)])
        n, values = len(values), values[~np.isnan(values)]
        who, fix = f"column {self.name!r}", "Pass rows that have one, or choose another feature."
        has_value = len(values) > 0
        require(has_value, who, "a value in some row", error=DataError, rows=n, missing=n, fix=fix)
        low, high = values.min(), values.max()
        first, last = np.quantile(values, [0.01, 0.99])
        if first < last:
            tail = TAIL * (last - first)
            low, high = max(low, first - tail), min(high, last + tail)
        margin = MARGIN * (high - low) or 0.5 * (abs(low) or 1.0)
        axis = np.linspace(low - margin, high + margin, resolution)
        return axis.astype("datetime64[s]") if self.kind == "date" else axis

    def positions(self) -> np.ndarray:
        """Return where each row is on the axis, (n,) float64; NaN if it is not on it.

        Dates are in seconds since 1970. A category is the position of its level.
        """
        return to_positions(self.values, self.levels if self.kind == "category" else ())


def to_positions(values: np.ndarray, levels: Sequence[Any] = ()) -> np.ndarray:
    """Return the positions of values on an axis: see `Feature.positions`.

    Args:
        values: numbers, booleans, dates or categories.
        levels: the categories of the axis.
    """
    if values.dtype.kind == "O":
        codes = {level: float(code) for code, level in enumerate(levels)}
        rest = codes.get(OTHER, np.nan)
        return np.array([codes.get(value, rest) for value in values.tolist()], float)
    if values.dtype.kind == "M":
        seconds = values.astype("datetime64[s]").astype(np.int64).astype(float)
        return np.where(np.isnat(values), np.nan, seconds)
    return values.astype(float)


class FeatureTable(ABC):
    """The features of a model's rows, by name.

    Attributes:
        snapshot: the model, with the rows.
        names: features that can be chosen.
    """

    snapshot: Snapshot
    names: tuple[str, ...]

    @abstractmethod
    def find(self, feature: Any, who: str) -> str:
        """Return the name of a feature.

        Args:
            feature: a name or, for arrays, an index.
            who: the argument, for error messages.

        Raises:
            ConfigError: there is no such feature (the message suggests the nearest), or the model
                does not use it.
        """

    @abstractmethod
    def read(self, name: str, snapshot: Snapshot | None = None) -> Feature:
        """Return a feature of the rows, or of the rows of another snapshot of the model."""

    @abstractmethod
    def parse(self, name: str, value: Any) -> np.ndarray:
        """Return a value that the user chose for a feature, (1,).

        Raises:
            ConfigError, DataError: the feature cannot have this value.
        """

    @abstractmethod
    def encode(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return rows with these values, encoded for the network."""


@dataclass(frozen=True, eq=False)
class ArrayFeatures(FeatureTable):
    """The columns of an array (n, k), all of them numbers."""

    snapshot: Snapshot

    @property
    def names(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.snapshot.feature_names

    def find(self, feature: Any, who: str) -> str:
        n, encoder = len(self.names), self.snapshot.encoder
        if encoder and feature not in self.names and feature in encoder.input_columns:
            expected, fix = "an encoded input", "Pass one table to choose one of its columns."
            names = list(self.names[:12])
            raise ConfigError(message(who, expected, feature=feature, inputs=names, fix=fix))
        if is_int(feature, 0) and int(feature) < n:
            return self.names[int(feature)]
        if isinstance(feature, str) and (feature in self.names or n <= MAX_LISTED):
            lookup(who, feature, dict.fromkeys(self.names))
            return feature
        expected = f"a name from {self.names[0]!r} to {self.names[-1]!r}, or an index below {n}"
        raise ConfigError(message(who, expected, feature=feature))

    def read(self, name: str, snapshot: Snapshot | None = None) -> Feature:
        x = (snapshot or self.snapshot).x
        return Feature(name, "number", x[:, self.names.index(name)].astype(np.float64))

    def parse(self, name: str, value: Any) -> np.ndarray:
        require(is_number(value), f"at: {name}", "a number", value=value)
        return np.array([float(value)])

    def encode(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.stack([columns[name] for name in self.names], axis=1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class TableFeatures(FeatureTable):
    """The columns of a table that the model reads, before they are encoded."""

    snapshot: Snapshot

    @property
    def preprocessor(self) -> TabularPreprocessor:
        """The preprocessor of the model."""
        assert isinstance(self.snapshot.preprocessor, TabularPreprocessor)
        return self.snapshot.preprocessor

    @property
    def names(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.preprocessor.encoder.input_columns

    @property
    def encodings(self) -> dict[str, FittedColumn]:
        """The encoding of each column by name."""
        return {column.name: column for column in self.preprocessor.encoder.columns}

    def find(self, feature: Any, who: str) -> str:
        name = str(feature) if is_int(feature, 0) else feature
        require(isinstance(name, str), who, "the name of a column", column=feature)
        if name in self.names:
            return str(name)
        encoder = self.preprocessor.encoder
        expected, fix = "a column that the model uses", f"It uses {', '.join(self.names)}."
        reason = encoder.dropped_columns().get(name)
        require(reason is None, who, expected, column=name, left_out=reason, fix=fix)
        derived = dict(encoder.derive).get(name)
        fix = f"Choose the columns that it is made of. {fix}"
        require(
            derived is None, who, "a column of the table", column=name, derived=derived, fix=fix
        )
        is_target = name == self.preprocessor.target.name
        fix = f"{name} is the target. Choose two of the others."
        require(not is_target, who, "columns that the model reads", column=name, fix=fix)
        lookup(who, name, dict.fromkeys(self.names))
        raise AssertionError(name)

    def read(self, name: str, snapshot: Snapshot | None = None) -> Feature:
        table = (snapshot or self.snapshot).table
        assert table is not None
        encoding = self.encodings[name]
        levels = () if isinstance(encoding, DroppedColumn) else encoding.text_levels
        return _read_feature(Column(name, table.resolve(name, levels), table.formats), encoding)

    def parse(self, name: str, value: Any) -> np.ndarray:
        source = read_table({name: [value]})[name]
        feature = _read_feature(Column(name, source), self.encodings[name])
        if feature.kind == "category":
            levels = {str(each): each for each in (*feature.levels, *self.read(name).values)}
            if value is not None or None not in levels.values():
                lookup(f"at: {name}", feature.values.tolist()[0], levels)
        return feature.values > 0.5 if feature.kind == "boolean" else feature.values

    def encode(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        return self.snapshot.encode(Table(dict(columns)))


def _read_feature(column: Column, encoding: FittedColumn) -> Feature:
    """Return a column of a table as a feature, of the kind that the model uses it as."""
    name = column.name
    if isinstance(encoding, NumericColumn):
        return Feature(name, "number", encoding.parse(column), default=encoding.median)
    if isinstance(encoding, BooleanColumn):
        values = encoding.parse(column)
        return Feature(name, "boolean", values, (False, True), encoding.median)
    if isinstance(encoding, DateColumn):
        return Feature(name, "date", encoding.parse(column).astype("datetime64[s]"))
    if isinstance(encoding, CategoricalColumn):
        levels = encoding.categories
        if encoding.has_other and OTHER not in levels:
            levels = (*levels, OTHER)
        positions, distinct = encoding.parse(column), column.distinct
        texts = np.array([*distinct.texts, None], object)[distinct.codes]
        categories = np.array([*encoding.categories, None], object)
        is_common = positions < len(encoding.categories)
        codes = np.where(is_common, positions, -1)
        return Feature(name, "category", np.where(is_common, categories[codes], texts), levels)
    kind = {"f": "number", "b": "boolean", "M": "date"}.get(column.values.dtype.kind, "category")
    if kind != "category":
        values = column.values.astype(float) if kind == "boolean" else column.values
        return Feature(name, kind, values, (False, True) if kind == "boolean" else ())
    texts = np.array([*column.distinct.texts, None], object)[column.distinct.codes]
    return Feature(name, kind, texts, tuple(find_distinct(column.values).count()))


def has_features(snapshot: Snapshot) -> bool:
    """Return whether examples are rows of a table, or rows of numbers with names."""
    if snapshot.table is not None and snapshot.encoder is not None:
        return True
    links = snapshot.links
    has_tokens = snapshot.original is not None or (links and isinstance(links[0], Embedding))
    return bool(snapshot.feature_names) and not has_tokens


def read_features(snapshot: Snapshot, view: str) -> FeatureTable:
    """Return the features of a model whose examples are rows of numbers or of a table.

    Args:
        snapshot: the model, with rows.
        view: name of the view, for error messages.

    Raises:
        ConfigError: the examples are images, series or texts; the message names other views.
    """
    others = "attribute, embeddings or mistakes"
    others = f"feature_maps, {others}" if snapshot.shows_images else others
    require(
        has_features(snapshot),
        view,
        "rows of numbers with named features, or a table",
        input_shape=snapshot.network.shapes[0],
        fix=f"For images, series and texts use gn.inspection.{others}.",
    )
    return ArrayFeatures(snapshot) if snapshot.table is None else TableFeatures(snapshot)
