"""Rules that choose the encoding of each column from facts about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from glassnet.data.identifiers import is_identifier
from glassnet.data.number_format import describe_numbers_in_text
from glassnet.data.parsing import (
    DATE_FORMATS,
    OPT_IN_DATE_FORMATS,
    matching_date_formats,
    parse_float,
)
from glassnet.data.table import Table
from glassnet.errors import DataError, lookup, require
from glassnet.preprocessing.column_facts import ArrayFacts, ColumnFacts, NumberFacts, TextFacts
from glassnet.preprocessing.columns import Column
from glassnet.preprocessing.encoder import (
    BooleanColumn,
    CategoricalColumn,
    DateColumn,
    DroppedColumn,
    Encoder,
    FittedColumn,
    NumericColumn,
    add_derived_columns,
)

MAX_CATEGORIES = 40
"""Maximum number of common categories; a text column with more is dropped."""

MIN_COMMON_SHARE = 0.05
"""Minimum share of rows with a common category; a text column with less is dropped."""

MIN_ROWS_TO_DROP = 20
"""Minimum number of rows before a column is dropped as an identifier or as free text."""

NUMERIC_SHARE = 0.9
"""Share of numbers above which text in a column counts as an error in a numeric column."""

MAX_WORDS, MIN_NUMBERS = 3, 13
"""As many different words among as many different numbers count as errors too: see `:` or `..`."""

REQUESTED = "as requested"
"""Reason of a column that the user dropped."""

ID_NAME = re.compile(r"(?i:(^|[\W_])id)$|[a-z]I[dD]$")
"""Names of identifier columns: id, user_id, PassengerId; not paid."""

COLUMN_TYPES = ("number", "category", "boolean", "date", "drop")


def fit_encoder(
    table: Table,
    column_types: Mapping[str, str] | None = None,
    derive: Mapping[str, str] | None = None,
) -> Encoder:
    """Return the encoder fitted to the rows of a table.

    Args:
        table: the training rows, without the target.
        column_types: the type of a column if it is not to be inferred: "number", "category",
            "boolean", "date" or "drop".
        derive: new columns by name, each an expression of others
            (`expressions.evaluate_expression`).

    Raises:
        ConfigError: an unknown column or type; an invalid expression; a new column with the name of
            an existing one.
        DataError: a column with both numbers and text; an infinite number; no usable column.
    """
    check_column_options(table.columns, column_types or {}, derive or {})
    table = add_derived_columns(table, derive or {})
    facts = (
        ArrayFacts(Column(name, values, table.formats)) for name, values in table.columns.items()
    )
    return choose_encodings(facts, column_types or {}, derive or {})


def check_column_options(
    names: Iterable[str], column_types: Mapping[str, str], derive: Mapping[str, str]
) -> None:
    """Refuse types of columns that a table does not have, and new columns of names that it has.

    Args:
        names: names of the table's columns.
        column_types: see `fit_encoder`.
        derive: see `fit_encoder`.

    Raises:
        ConfigError: with the name.
    """
    columns = dict.fromkeys(names, True)
    for name in derive:
        who, first = f"derive: {name}", list(columns)[:12]
        fix = "Give it a name that no column has."
        require(name not in columns, who, "a new name", columns=first, fix=fix)
    columns |= dict.fromkeys(derive, True)
    for name, column_type in column_types.items():
        lookup("column_types", name, columns)
        lookup(f"column_types: {name}", column_type, dict.fromkeys(COLUMN_TYPES, True))


def choose_encodings(
    facts: Iterable[ColumnFacts], column_types: Mapping[str, str], derive: Mapping[str, str]
) -> Encoder:
    """Return the encoder of columns, from facts about each.

    Raises:
        DataError: see `fit_encoder`.
    """
    fitted = tuple(choose_encoding(each, column_types.get(each.name)) for each in facts)
    encoder = Encoder(fitted, tuple(derive.items()))
    require(
        encoder.feature_names,
        "table",
        "a column to learn from",
        error=DataError,
        left_out=encoder.dropped_columns(),
        fix='To keep a column anyway, pass column_types={"name": "number"} or "category".',
    )
    return encoder


def infer_column_type(facts: ColumnFacts) -> tuple[str, str]:
    """Return the type of a column and, if it is "drop", the reason."""
    if facts.kind == "O":
        return _infer_text_type(facts)
    if facts.n_missing == facts.n_rows:
        return "drop", "it is empty"
    low, high = facts.limits
    if not facts.n_missing and low == high:
        return "drop", f"it is always {low}"
    if facts.kind == "f" and _numbers_the_rows(facts):
        return "drop", "it numbers the rows"
    return {"b": "boolean", "f": "number", "M": "date"}[facts.kind], ""


def _numbers_the_rows(facts: ColumnFacts) -> bool:
    if facts.n_rows < MIN_ROWS_TO_DROP or facts.n_missing:
        return False
    low, high = facts.limits
    is_index = facts.n_rows > (high - low + 1) / 2 or ID_NAME.search(facts.name)
    return bool(is_index and facts.are_different_integers())


def _infer_text_type(facts: ColumnFacts) -> tuple[str, str]:
    n_rows, texts = facts.n_rows, facts.to_texts()
    if not texts.counts:
        return "drop", "it is empty"
    if texts.n_distinct == 1 and texts.n_values == n_rows:
        return "drop", f"it is always {next(iter(texts.counts))}"
    _require_one_type(facts.name, texts)
    formats = matching_date_formats(list(texts.counts))
    if len(formats) == 1:
        return "date", ""
    if formats:
        return "drop", f"its dates may be {' or '.join(formats)}: write them as 2024-02-29"
    mostly_distinct = texts.n_distinct > 0.9 * texts.n_values and texts.n_values > n_rows / 2
    if n_rows >= MIN_ROWS_TO_DROP and mostly_distinct:
        is_prose = _count_words(texts.counts) >= 3
        reason = "it is free text" if is_prose else "nearly every row has a different value"
        return "drop", reason + _advise_numbers(facts.name, texts)
    return _infer_category(facts, texts)


def _advise_numbers(name: str, texts: TextFacts) -> str:
    """Return how to use digits such as 007 as numbers, or "" if the texts are others."""
    if not any(map(is_identifier, texts.counts)):
        return ""
    if np.isnan([parse_float(text) for text in texts.counts]).any():
        return ""
    return f'; column_types={{"{name}": "number"}} uses it as a number'


def _count_words(counts: Mapping[str, int]) -> float:
    """Return the mean number of words of a row."""
    n_words = sum(len(text.split()) * count for text, count in counts.items())
    return n_words / sum(counts.values())


def _infer_category(facts: ColumnFacts, texts: TextFacts) -> tuple[str, str]:
    n_rows, least = facts.n_rows, min_frequency(facts.n_rows)
    n_different = f"about {texts.n_distinct}" if texts.is_sample else str(texts.n_distinct)
    common = [count for count in texts.counts.values() if count >= least]
    if texts.is_sample and len(common) <= MAX_CATEGORIES:
        categories, _ = facts.to_categories(least)
        common = [count for text, count in categories.items() if text is not None]
    if len(common) > MAX_CATEGORIES:
        return "drop", f"it has {n_different} categories" + _advise_numbers(facts.name, texts)
    if texts.n_values == n_rows and sum(common) < MIN_COMMON_SHARE * n_rows:
        reason = f"few rows share one of its {n_different} values"
        return "drop", reason + _advise_numbers(facts.name, texts)
    return "category", ""


def min_frequency(n_rows: int) -> int:
    """Return the count from which a category has its own feature: 1 %, at least 2, at most 10."""
    return min(max(n_rows // 100, 2), 10)


def _require_one_type(name: str, facts: TextFacts) -> None:
    """Refuse a column of formatted numbers, or of numbers and a few words.

    Args:
        name: name of the column.
        facts: the texts.

    Raises:
        DataError: with the fix.
    """
    who, counts = f"column {name!r}", facts.counts
    text = [value for value in counts if np.isnan(parse_float(value))]
    n_numbers = len(counts) - len(text)
    n_words = sum(counts[value] for value in text) * facts.word_weight
    number_share = 1 - n_words / facts.n_values
    fix = describe_numbers_in_text(text, n_numbers)
    require(
        not fix,
        who,
        "numbers written plainly: 1200, 0.125",
        error=DataError,
        text=text[:3],
        fix=f'{fix}; or pass column_types={{"{name}": "category"}} or "drop".',
    )
    has_few_words = len(text) <= MAX_WORDS and n_numbers >= MIN_NUMBERS
    require(
        not text or not (number_share >= NUMERIC_SHARE or has_few_words),
        who,
        "numbers or text, not both",
        error=DataError,
        text=text[:3],
        fix=f'Correct them, or pass column_types={{"{name}": "number"}} to count them as missing, '
        'or "category".',
    )


def choose_encoding(facts: ColumnFacts, column_type: str | None) -> FittedColumn:
    """Return the encoding of a column, of the type that the user states or of the inferred one.

    Raises:
        DataError: see `fit_encoder`.
    """
    requested = column_type is not None
    kind, reason = (column_type, REQUESTED) if requested else infer_column_type(facts)
    if kind == "drop":
        return DroppedColumn(facts.name, reason)
    if facts.n_missing == facts.n_rows:
        return DroppedColumn(facts.name, "it is empty")
    if kind == "category":
        return _encode_categories(facts)
    if kind == "date":
        return _encode_dates(facts)
    if kind == "boolean":
        booleans = facts.to_booleans()
        return BooleanColumn(facts.name, float(booleans.median > 0.5), booleans.has_missing)
    numbers = facts.to_numbers(coerce=requested)
    if numbers is None:
        return DroppedColumn(facts.name, "it holds no number")
    return _encode_numbers(facts.name, numbers, requested)


def _encode_numbers(name: str, facts: NumberFacts, coerce: bool = False) -> NumericColumn:
    scale = facts.scale or 1.0
    return NumericColumn(name, facts.mean, scale, facts.median, facts.has_missing, coerce)


def _encode_categories(facts: ColumnFacts) -> CategoricalColumn | DroppedColumn:
    least = min_frequency(facts.n_rows)
    counts, has_other = facts.to_categories(least)
    if not counts:
        return DroppedColumn(facts.name, f"each of its values is in fewer than {least} rows")
    common = sorted(counts, key=lambda category: (category is None, category))
    frequencies = tuple(counts[category] / facts.n_rows for category in common)
    return CategoricalColumn(facts.name, tuple(common), frequencies, has_other)


def _encode_dates(facts: ColumnFacts) -> DateColumn | DroppedColumn:
    name, formats = facts.name, ["ISO"]
    if facts.kind != "M":
        texts = list(facts.to_texts().counts)
        formats = matching_date_formats(texts, (*DATE_FORMATS, *OPT_IN_DATE_FORMATS))
        require(
            len(formats) == 1,
            f"column {name!r}",
            "dates in one format",
            error=DataError,
            text=texts[:3],
            formats=formats,
            fix="Write them as 2024-02-29.",
        )
    varying = tuple(
        _encode_numbers(f"{name} {part}", numbers)
        for part, numbers in facts.to_date_parts(formats[0]).items()
        if not numbers.is_constant
    )
    return (
        DateColumn(name, varying, formats[0]) if varying else DroppedColumn(name, "it has one date")
    )
