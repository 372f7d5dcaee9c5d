"""Columns of a table as a model reads them: numbers or categories."""

from __future__ import annotations

import numpy as np

from glassnet.data.table import Table
from glassnet.errors import lookup
from glassnet.evaluation.associations import Variable
from glassnet.preprocessing.columns import Column
from glassnet.preprocessing.encoder import (
    BooleanColumn,
    CategoricalColumn,
    DateColumn,
    Encoder,
    FittedColumn,
    NumericColumn,
    add_derived_columns,
    extract_date_part,
)


def read_variables(table: Table, encoder: Encoder) -> list[Variable]:
    """Return the columns that an encoder uses, those of derived columns last.

    Booleans are 0 and 1, and dates are days since 1970. Rare categories are one category, as in
    the encoding.
    """
    table = add_derived_columns(table, dict(encoder.derive))
    variables = (_read_variable(table, column) for column in encoder.columns)
    return [variable for variable in variables if variable is not None]


def _read_variable(table: Table, column: FittedColumn) -> Variable | None:
    """Return a column, or None if it is not used."""
    if not isinstance(column, NumericColumn | BooleanColumn | CategoricalColumn | DateColumn):
        return None
    name = column.name
    values = column.parse(Column(name, table.resolve(name, column.text_levels), table.formats))
    if isinstance(column, CategoricalColumn):
        known = ("missing" if text is None else text for text in column.categories)
        rare = ("other",) * (2 if column.has_other else 1)
        return Variable(name, values, True, (*known, *rare))
    if isinstance(column, DateColumn):
        values = extract_date_part("day", values)
    return Variable(name, values)


def read_target(table: Table, name: str, column_type: str | None) -> Variable:
    """Return the target of a table: categories if it is text or `column_type` says so.

    Args:
        table: the table.
        name: name of the column.
        column_type: "category" or "number"; None to infer it.

    Raises:
        ConfigError: an unknown column or type (the message suggests the nearest name).
        DataError: text instead of numbers.
    """
    lookup("target", name, table.columns)
    if column_type is not None:
        lookup(f"column_types: {name}", column_type, {"category": True, "number": True})
    is_identifier = name in table.identifiers and column_type != "number"
    values = table[name] if is_identifier else table.resolve(name)
    column = Column(name, values, table.formats)
    is_text = column.is_text and column_type != "number"
    if is_text or column_type == "category":
        texts, codes = column.distinct.texts, column.distinct.codes
        known = sorted(text for text in texts if text is not None)
        codes_of_texts = [np.nan if text is None else known.index(text) for text in texts]
        return Variable(name, np.take(codes_of_texts, codes), True, tuple(known))
    if column.values.dtype.kind == "M":
        return Variable(name, extract_date_part("day", column.values))
    return Variable(name, column.to_numbers(coerce=column_type == "number"))
