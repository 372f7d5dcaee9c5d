"""Evidence made by hand, for rules at their limits."""

from dataclasses import replace

import numpy as np

from glassnet.doctor.evidence import (
    Evidence,
    InputEvidence,
    LayerEvidence,
    NetworkEvidence,
    RunEvidence,
    TargetEvidence,
)
from glassnet.evaluation.quick_rivals import Rivals


def make_layer(name, *, ratio=0.005, gradient=0.1, weight=1.0, **changes):
    """Return a Dense layer of which a step changes the weights by `ratio`."""
    step = {"update": ratio * weight, "weight": weight, "gradient": gradient * weight}
    layer = LayerEvidence(
        name, "Dense", "relu", 100, True, weight, weight, 0.0, 0.5, n_units=10, start=step, end=step
    )
    return replace(layer, **changes)


def make_evidence(
    loss,
    val_loss=(),
    *,
    layers=None,
    rivals=None,
    target=None,
    inputs=None,
    network=None,
    run=None,
    **changes,
):
    """Return the evidence of a classifier of two classes that logged these losses.

    Args:
        loss, val_loss: one number per epoch.
        layers: evidence of layers; None for two with steps of a good size.
        rivals, target, network, run: fields that differ.
        inputs: mean and standard deviation of each column; None for standardized ones.
        changes: fields of the evidence that differ.
    """
    layers = (make_layer("dense_1"), make_layer("dense_2")) if layers is None else tuple(layers)
    mean, std = inputs or ([0.0, 0.0], [1.0, 1.0])
    mean, std = np.array(mean, float), np.array(std, float)
    n = len(loss)
    fields = {
        "target": replace(
            TargetEvidence("classes", 1000, np.array([500, 500]), 0, 1, 0.5, 0.5), **(target or {})
        ),
        "network": replace(
            NetworkEvidence("BinaryCrossentropy", "sigmoid", (0.0, 1.0), "SGD", 0.1, 200, layers),
            **(network or {}),
        ),
        "run": replace(
            RunEvidence(
                n,
                n,
                0,
                50 * n,
                50,
                1000,
                400,
                20,
                np.array(loss, float),
                np.array(val_loss, float),
                {},
                0.8,
            ),
            **(run or {}),
        ),
        "rivals": replace(
            Rivals(0.7, 0.7, 0.3, 0.35, n_fitted=400, n_scored=400), **(rivals or {})
        ),
        "inputs": InputEvidence("dense_1", (), mean, std, mean - 3 * std, mean + 3 * std, 1000),
        "looked_inside": True,
    }
    return Evidence(**fields | changes)
