"""Count the modules that x passes through in one `fit`: `python benchmarks/data_path.py`.

Every Python call inside glassnet is watched while a model is fitted. A call counts if one of its
arguments holds the rows of x: an array, frame or table with as many rows as x, alone, in a tuple or
in a field of an object. Consecutive calls in one file are one stay. A stay in a file that x has
left before is a return.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import glassnet as gn

N_ROWS = 997
"""A number of rows that nothing else in a fit has."""

SRC = Path(gn.__file__).parent


def holds_rows(value: Any, depth: int = 2) -> bool:
    """Return whether `value` is an array, frame or table of x's rows, or holds one."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return bool(shape) and shape[0] == N_ROWS
    if isinstance(value, list | dict | str | bytes | int | float | type) or value is None:
        return False
    if depth == 0:
        return False
    parts = value if isinstance(value, tuple) else getattr(value, "__dict__", {}).values()
    columns = getattr(value, "columns", None)
    if isinstance(columns, dict):
        parts = columns.values()
    return any(holds_rows(part, depth - 1) for part in parts)


def files_of(fit: Any) -> list[str]:
    """Return the files, in order of the stays, whose functions receive the rows during a call."""
    stays: list[str] = []

    def watch(frame: Any, event: str, _: Any) -> None:
        if event != "call" or not frame.f_code.co_filename.startswith(str(SRC)):
            return
        count = frame.f_code.co_argcount + frame.f_code.co_kwonlyargcount
        names = frame.f_code.co_varnames[:count]
        arguments = [
            frame.f_locals[name] for name in names if name != "self" and name in frame.f_locals
        ]
        if any(map(holds_rows, arguments)):
            file = str(Path(frame.f_code.co_filename).relative_to(SRC))
            if stays[-1:] != [file]:
                stays.append(file)

    sys.setprofile(watch)
    try:
        fit()
    finally:
        sys.setprofile(None)
    return stays


def network(outputs: int = 1) -> Any:
    """Return a small model."""
    return gn.Sequential([gn.layers.Dense(4, activation="relu"), gn.layers.Dense(outputs)], seed=0)


def main() -> None:
    """Print the files, stays and returns of a fit to arrays and of a fit to a table."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(N_ROWS, 3)).astype(np.float32), rng.normal(size=N_ROWS)
    frame = pd.DataFrame(x, columns=["a", "b", "c"]).assign(y=y)
    for name, fit in {
        "arrays": lambda: network().fit(x, y, verbose=0),
        "table": lambda: network().fit(frame, target="y", verbose=0),
    }.items():
        stays = files_of(fit)
        returns = sum(file in stays[:i] for i, file in enumerate(stays))
        print(f"{name}: {len(set(stays))} files, {len(stays)} stays, {returns} returns")
        print("  " + " > ".join(stays))


if __name__ == "__main__":
    main()
