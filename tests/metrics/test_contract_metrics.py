"""Tests of every public metric with `check_metric`, which finds one fault per broken metric."""

from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np
import pytest

from glassnet import metrics
from glassnet.metrics import (
    AUC,
    METRICS,
    Accuracy,
    ConfusionMatrix,
    F1Score,
    FalseNegatives,
    FalsePositives,
    FBetaScore,
    FunctionMetric,
    MeanIoU,
    Metric,
    Precision,
    R2Score,
    Recall,
    TopKCategoricalAccuracy,
    TrueNegatives,
    TruePositives,
)
from glassnet.testing import check_metric
from oracles import named

pytestmark = pytest.mark.slow


def worst(y, out):
    return jnp.abs(y - out).max(-1)


WRITTEN = {F1Score: F1Score(average="macro"), TopKCategoricalAccuracy: TopKCategoricalAccuracy(2)}
"""Metrics that need an argument for several outputs."""
VARIANTS = [
    Accuracy(0.5),
    AUC(num_thresholds=50, curve="PR"),
    AUC(multi_label=True),
    AUC(from_logits=True, output_activation="softmax"),
    F1Score(0.5, average="weighted"),
    F1Score(class_id=1),
    F1Score(0.5, average="micro"),
    FBetaScore(0.5, average="macro", beta=2.0),
    MeanIoU(3, class_ids=[0, 2], ignore_class=1),
    FalseNegatives(0.5),
    FalsePositives(),
    FunctionMetric(worst, name="worst"),
    Precision(0.5, class_id=2),
    R2Score("variance_weighted_average", shift=0.5),
    Recall(0.5),
    TrueNegatives(0.5, class_id=1),
    TruePositives(0.5),
]
PUBLIC = [WRITTEN.get(kind) or kind() for kind in dict.fromkeys(METRICS.values())] + VARIANTS


def test_every_public_metric_is_checked():
    named = {
        getattr(metrics, name)
        for name in metrics.__all__
        if isinstance(getattr(metrics, name), type)
    }
    assert named - {Metric, ConfusionMatrix} == {type(metric) for metric in PUBLIC}


@pytest.mark.parametrize("shape", [(24, 3), (6, 4, 3)], ids=["rows", "sequences"])
@pytest.mark.parametrize("metric", PUBLIC, ids=named)
def test_metric(metric, shape):
    rng = np.random.default_rng(0)
    out = rng.uniform(size=shape)
    check_metric(metric, rng.integers(0, 3, shape[:-1]).astype(np.int32), out)
    check_metric(metric, rng.integers(0, 2, shape).astype(np.float32), out)


class Sound(Metric):
    """Mean squared error. Its only fault is that it is not a dataclass."""

    name: str = "sound"

    def init(self):
        return {"total": np.float32(0), "count": np.int32(0)}

    def update(self, acc, y, out, w):
        rows = jnp.square(y - out).mean(-1)
        real = jnp.broadcast_to(w.reshape(w.shape + (1,) * (rows.ndim - w.ndim)), rows.shape)
        return {
            "total": acc["total"] + (rows * real).sum(),
            "count": acc["count"] + real.sum().astype(jnp.int32),
        }


@dataclass(frozen=True)
class Fine(Sound):
    name: str = field(default="fine", kw_only=True)


@dataclass(frozen=True)
class StartsOnTheDevice(Fine):
    def init(self):
        return {"total": jnp.float32(0), "count": np.int32(0)}


@dataclass(frozen=True)
class StartsAtOne(Fine):
    def init(self):
        return {"total": np.float32(0), "count": np.int32(1)}


@dataclass(frozen=True)
class GivesNone(Fine):
    def result(self, acc):
        return float(acc["total"]) / int(acc["count"]) if acc["count"] else None


@dataclass(frozen=True)
class GivesAnArray(Fine):
    def result(self, acc):
        return np.float32(acc["total"]) / acc["count"] if acc["count"] else 0.0


@dataclass(frozen=True)
class CountsInFloats(Fine):
    def update(self, acc, y, out, w):
        return {key: value * 1.0 for key, value in Fine.update(self, acc, y, out, w).items()}


@dataclass(frozen=True)
class WritesItsSums(Fine):
    def init(self):
        return {"total": np.zeros(1, np.float32), "count": np.int32(0)}

    def update(self, acc, y, out, w):
        if isinstance(acc["total"], np.ndarray):
            acc["total"] += 1
        return Fine.update(self, acc, y, out, w)

    def result(self, acc):
        return 0.0


@dataclass(frozen=True)
class AnotherWhenCompiled(Fine):
    def update(self, acc, y, out, w):
        eager = isinstance(out, np.ndarray)
        return Fine.update(self, acc, y, out if eager else 2 * out, w)


@dataclass(frozen=True)
class MeansOfMeans(Fine):
    def update(self, acc, y, out, w):
        new = Fine.update(self, Fine.init(self), y, out, w)
        return {
            "total": acc["total"] + new["total"] / jnp.maximum(new["count"], 1),
            "count": acc["count"] + 1,
        }


@dataclass(frozen=True)
class Forgets(Fine):
    def update(self, acc, y, out, w):
        return Fine.update(self, Fine.init(self), y, out, w)


@dataclass(frozen=True)
class CountsThePadding(Fine):
    def update(self, acc, y, out, w):
        return Fine.update(self, acc, y, out, np.ones(w.shape, np.float32))


@dataclass(frozen=True)
class ExactIsAnArray(Fine):
    def exact(self, y, out):
        return np.square(y - out).mean()


@dataclass(frozen=True)
class ExactOfTheFirstRow(Fine):
    def exact(self, y, out):
        return float(np.square(y[0] - out[0]).mean())


@dataclass(frozen=True)
class ExactOfAnother(Fine):
    def exact(self, y, out):
        return float(np.abs(y - out).mean())


FAULTS = {
    Sound: "Sound: expected a frozen dataclass",
    StartsOnTheDevice: "init to return NumPy numbers",
    StartsAtOne: "init to return zeros",
    GivesNone: "a float, or NaN, for a count of 0",
    GivesAnArray: "the result to be a float. Received: type='float",
    CountsInFloats: "sums to keep their shapes and types",
    WritesItsSums: "targets and outputs unchanged",
    AnotherWhenCompiled: "equal sums when compiled",
    MeansOfMeans: "the sums of two halves to add up",
    Forgets: "update to continue from the sums",
    CountsThePadding: "sums without masked rows",
    ExactIsAnArray: "the exact result to be a float",
    ExactOfTheFirstRow: "not to depend on the order of rows",
    ExactOfAnother: "sums close to the exact result",
}


@pytest.mark.parametrize(
    ("kind", "message"), FAULTS.items(), ids=lambda value: getattr(value, "__name__", "")
)
def test_check_metric_catches(kind, message):
    rng = np.random.default_rng(0)
    y, out = rng.normal(size=(8, 3)).astype(np.float32), rng.normal(size=(8, 3))
    metric = kind() if kind is not Sound else kind(name="sound")
    with pytest.raises(AssertionError, match=message):
        check_metric(metric, y, out)


def test_check_metric_passes_a_sound_one():
    rng = np.random.default_rng(0)
    check_metric(Fine(), rng.normal(size=(8, 3)), rng.normal(size=(8, 3)))
