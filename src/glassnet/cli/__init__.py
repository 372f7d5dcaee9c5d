"""The command line: every command calls public functions and prints."""

from __future__ import annotations

from glassnet.cli.app import main

__all__ = ["main"]
