"""No test of this folder sees the seed that another one has set."""

from importlib import import_module

import pytest


@pytest.fixture(autouse=True)
def _unseeded(monkeypatch):
    monkeypatch.setattr(import_module("glassnet.keras.random_seed"), "_generators", [])
