"""Fixtures of tests of files."""

import pytest

from glassnet.data import csv_reader


@pytest.fixture(params=["csv module", "pandas"])
def csv_library(request, monkeypatch):
    """Read CSV files of any size with one library, then with the other."""
    size = 0 if request.param == "pandas" else 2**60
    monkeypatch.setattr(csv_reader, "MIN_PANDAS_BYTES", size)
    return request.param
