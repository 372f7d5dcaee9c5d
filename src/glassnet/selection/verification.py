"""Verification: does a remedy help here?"""

from __future__ import annotations

from typing import Any


class Verification:
    """Scores without and with a remedy."""


def verify(finding: Any, model: Any, x: Any, y: Any = None, **options: Any) -> Verification:
    """Train without and with the remedy of a finding."""
    raise NotImplementedError
