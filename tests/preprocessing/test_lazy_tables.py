"""Preprocessors of tables that are read in parts. Oracle: the same rows in memory."""

import warnings
from dataclasses import fields, is_dataclass

import numpy as np
import polars as pl
import pytest
from lazy_sweep import make_table

from glassnet import datasets
from glassnet.data.split import RowSplit
from glassnet.errors import ConfigError, DataError
from glassnet.preprocessing import lazy_tables
from glassnet.preprocessing.base import HeadSpec, TableRequest
from glassnet.preprocessing.lazy_tables import fit_preprocessor
from glassnet.preprocessing.tabular import prepare_table

HEADS = [HeadSpec(end, rescaled=False) for end in ("linear", "softmax", "sigmoid")]


def outcome(function):
    """Return the result of a function or its error, and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function()
        except (ConfigError, DataError) as error:
            result = f"{type(error).__name__}: {error}"
    return result, [str(each.message) for each in caught]


def differences(found, expected, path=""):
    """Return where plain data differs; floats may differ by a part in 10^9."""
    if isinstance(expected, float) and isinstance(found, float):
        is_close = abs(found - expected) <= 1e-9 * abs(expected) or found == expected
        return [] if is_close else [f"{path}: {found!r} is not {expected!r}"]
    if (
        type(found) is type(expected)
        and isinstance(expected, tuple)
        and len(found) == len(expected)
    ):
        pairs = enumerate(zip(found, expected, strict=True))
        return [text for i, pair in pairs for text in differences(*pair, f"{path}[{i}]")]
    if type(found) is type(expected) and is_dataclass(expected):
        names = [field.name for field in fields(expected)]
        pairs = [
            (getattr(found, name), getattr(expected, name), f"{path}.{name}") for name in names
        ]
        return [text for pair in pairs for text in differences(*pair)]
    return [] if found == expected else [f"{path}: {found!r} is not {expected!r}"]


def compare(frame, request, head, part_rows, monkeypatch):
    """Compare a frame read in parts with the frame in memory; return its error, or ""."""
    monkeypatch.setattr(lazy_tables, "PART_ROWS", part_rows)
    expected, expected_warnings = outcome(
        lambda: prepare_table(frame, None, request, head, None, RowSplit())
    )
    found, found_warnings = outcome(lambda: fit_preprocessor(frame.lazy(), request, head, None))
    if isinstance(expected, str) or isinstance(found, str):
        is_early = isinstance(expected, str) and "target 'y': expected numbers" in found
        assert found == expected or is_early  # a target of dates is refused before all columns
        return expected
    preprocessor, messages = found
    assert differences(preprocessor, expected.preprocessor) == []
    assert messages == expected.messages
    assert found_warnings == expected_warnings
    rows = frame if expected.has_target is None else frame.filter(pl.Series(expected.has_target))
    np.testing.assert_allclose(preprocessor.transform(rows), expected.x, rtol=1e-6, atol=1e-6)
    return ""


def compare_seed(seed, monkeypatch):
    rng = np.random.default_rng([seed, 1])
    frame, types, derive = make_table(seed)
    request = TableRequest("y", types, derive, "log" if rng.random() < 0.2 else None)
    part_rows = int(rng.choice([7, 50, 400, 100_000]))
    return compare(frame, request, HEADS[rng.integers(3)], part_rows, monkeypatch)


@pytest.mark.parametrize("seed", range(12))
def test_equals_the_table_in_memory(seed, monkeypatch):
    """Encodings, messages, warnings and errors of tables with every kind of column."""
    compare_seed(seed, monkeypatch)


@pytest.mark.slow
def test_equals_many_tables_in_memory(monkeypatch):
    """Both ways fit or refuse: among the tables are many of each."""
    errors = [compare_seed(seed, monkeypatch) for seed in range(100, 400)]
    assert 50 < sum(not error for error in errors) < 250


@pytest.mark.parametrize("name", ["titanic", "house_prices"])
def test_equals_real_tables_in_memory(name, monkeypatch):
    frame = pl.from_pandas(datasets.load(name).train)
    target, end = {"titanic": ("survived", 2), "house_prices": ("SalePrice", 0)}[name]
    log = None if end else "log"
    request = TableRequest(target, target_transform=log)
    assert compare(frame, request, HEADS[end], 100, monkeypatch) == ""
