"""Count the modules that x passes through in one `fit`: `python benchmarks/data_path.py`.

Every Python call inside glassnet is watched while a model is fitted. A call counts if one of its
arguments is x or its rows as numbers: an array, frame or table with as many rows and columns as x,
alone or in a tuple. Targets and objects that hold x do not count. Consecutive calls in one file are
one stay. A stay in a file that x has left before is a return.
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


def is_x(value: Any) -> bool:
    """Return whether `value` is x or its rows as numbers, alone or in a tuple."""
    if isinstance(value, tuple):
        return any(map(is_x, value))
    columns = getattr(value, "columns", None)
    if isinstance(columns, dict):
        return len(columns) > 1 and all(len(column) == N_ROWS for column in columns.values())
    shape = getattr(value, "shape", None)
    return isinstance(shape, tuple) and len(shape) == 2 and shape[0] == N_ROWS and shape[1] > 1


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
        if any(map(is_x, arguments)):
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
