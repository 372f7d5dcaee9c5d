"""The command line `glassnet`.

Importing this package loads click and nothing else, so that `--help` answers at once. Each command
imports JAX and the rest of Glassnet when it runs.
"""

from __future__ import annotations

from glassnet.cli.app import main

__all__ = ["main"]
