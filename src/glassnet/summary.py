"""A network in a table: what each layer puts out and how many numbers it holds, all derived."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.network import Built


def text(built: Built, params: Any, state: Any) -> str:
    """One row per layer, then the totals.

    Args:
        built: the network.
        params: of its links.
        state: of its links.
    """
    trees = {"params": params, "state": state}
    rows = [("layer", "what it is", "output", "numbers")]
    learned = kept = 0
    for layer, (start, stop) in zip(built.layers, built.spans, strict=True):
        sizes = {
            kind: sum(np.size(trees[kind][i][key]) for k, i, key in built.weights if k == kind and start <= i < stop) for kind in trees
        }
        learned += sizes["params"] * layer.trainable
        kept += sizes["state"] + sizes["params"] * (not layer.trainable)
        frozen = "" if layer.trainable else " (frozen)"
        rows.append((str(layer.name), type(layer).__name__ + frozen, str(built.shapes[stop]), f"{sum(sizes.values()):,}"))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = [
        "  ".join((row[0].ljust(widths[0]), row[1].ljust(widths[1]), row[2].ljust(widths[2]), row[3].rjust(widths[3]))) for row in rows
    ]
    rule = "─" * len(lines[0])
    total = f"input {built.shapes[0]}; {learned + kept:,} numbers: {learned:,} learned by gradient, {kept:,} not"
    return "\n".join([lines[0], rule, *lines[1:], rule, total])
