"""Keras's metric objects, in loops of your own. The oracle is Keras."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.errors import ConfigError, DataError
from glassnet.keras.metrics import CLASSES
from glassnet.keras.tensors import Tensor
from oracles import LOOSE, close, import_keras

RNG = np.random.default_rng(5)
BATCHES = [
    (RNG.integers(0, 3, n), RNG.dirichlet(np.ones(3), n).astype(np.float32)) for n in (5, 4, 7)
]
ROW_WEIGHTS = [0.3 * np.arange(n, dtype=np.float32) for n in (5, 4, 7)]
SPARSE = ("SparseCategoricalAccuracy", "SparseCategoricalCrossentropy", "SparseTopKCategoricalAccuracy")  # fmt: skip
ARGUMENTS = {
    "TopKCategoricalAccuracy": {"k": 2},
    "SparseTopKCategoricalAccuracy": {"k": 2},
    "F1Score": {"average": "macro"},
    "FBetaScore": {"average": "weighted", "beta": 2.0},
}


@pytest.fixture(scope="module")
def real():
    return import_keras()


def batches(name):
    for ids, p in BATCHES:
        y = ids if name in SPARSE else np.eye(3, dtype=np.float32)[ids]
        yield 2 * y - 1 if name in ("Hinge", "SquaredHinge") else y, p


@pytest.mark.live_keras
@pytest.mark.parametrize("name", [name for name in CLASSES if name != "Accuracy"])
def test_metrics_are_kerass_over_several_batches(real, name):
    """After every batch, with and without weights, and again after a reset."""
    ours, theirs = (getattr(k.metrics, name)(**ARGUMENTS.get(name, {})) for k in (keras, real))
    for weights in (None, ROW_WEIGHTS):
        for i, (y, p) in enumerate(batches(name)):
            weight = weights and weights[i]
            ours.update_state(y, p, weight)
            theirs.update_state(y, p, weight)
            result = ours.result()
            assert isinstance(result, Tensor)
            close(result, theirs.result(), LOOSE)
        ours.reset_state()
        theirs.reset_state()
        assert ours.variables == []
    close(ours.result(), 0.0)


@pytest.mark.live_keras
@pytest.mark.parametrize("name", ["MeanSquaredError", "MeanAbsoluteError", "RootMeanSquaredError", "BinaryAccuracy", "AUC",
                                  "Precision", "TruePositives", "Hinge", "MeanAbsolutePercentageError"])  # fmt: skip
def test_metrics_of_predictions_without_an_output_axis_are_kerass(real, name):
    ours, theirs = (getattr(k.metrics, name)() for k in (keras, real))
    for n in (4, 6):
        y, p = RNG.integers(0, 2, n).astype("float32"), RNG.random(n).astype("float32")
        close(ours(y, p), theirs(y, p), LOOSE)
        close(ours(y[:, None], p[:, None]), theirs(y[:, None], p[:, None]), LOOSE)


SEGMENTATIONS = {
    "BinaryIoU": ({"target_class_ids": [1], "threshold": 0.4}, False, None),
    "IoU": ({"num_classes": 3, "target_class_ids": [0, 2]}, False, False),
    "MeanIoU": ({"num_classes": 3, "ignore_class": 1}, False, False),
    "OneHotIoU": ({"num_classes": 3, "target_class_ids": (1,)}, True, True),
    "OneHotMeanIoU": ({"num_classes": 3}, True, True),
}
"""Arguments, whether targets are one-hot, and whether predictions are (None: probabilities)."""


@pytest.mark.live_keras
@pytest.mark.filterwarnings("ignore:You are passing weight as:UserWarning")
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype:UserWarning")
@pytest.mark.parametrize("name", SEGMENTATIONS)
def test_intersections_over_unions_are_kerass(real, name):
    arguments, is_one_hot, has_outputs = SEGMENTATIONS[name]
    ours, theirs = (getattr(k.metrics, name)(**arguments) for k in (keras, real))
    assert ours.name == theirs.name.removesuffix("_1")
    assert isinstance(ours, getattr(keras.metrics, name))
    assert isinstance(ours, keras.metrics.IoU)
    assert isinstance(ours, keras.metrics.MeanIoU) == isinstance(theirs, real.metrics.MeanIoU)
    for weight in (None, RNG.integers(0, 3, (2, 5, 4)).astype(np.float32) + 0.5):
        ids = RNG.integers(0, 2 if has_outputs is None else 4, (2, 5, 4))
        y = np.eye(4, dtype=np.float32)[ids][..., :3] if is_one_hot else ids
        p = RNG.random((2, 5, 4)) if has_outputs is None else RNG.random((2, 5, 4, 3))
        p = p if has_outputs is not False else p.argmax(-1)
        ours.update_state(y, p, weight)
        theirs.update_state(y, p, weight)
        assert 0.01 < ours.result() < 0.99
        close(ours.result(), theirs.result(), LOOSE)
    ours.reset_state()
    assert ours.result() == 0
    with pytest.raises(DataError, match="expected as many targets as predictions, 40"):
        ours(y[:1], p)


@pytest.mark.live_keras
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype:UserWarning")
def test_fit_logs_segmentations_similarities_and_f_scores_as_keras(real):
    """On Keras's trained weights; MeanIoU cuts the numbers off, as Keras does."""
    x = RNG.normal(size=(40, 5)).astype(np.float32)
    y = np.eye(3, dtype=np.float32)[RNG.integers(0, 3, 40)]
    logs = []
    for k in (real, keras):
        model = k.Sequential([k.Input((5,)), k.layers.Dense(3, activation="softmax")])
        kinds = [k.metrics.OneHotMeanIoU(3), k.metrics.CosineSimilarity(axis=-1)]
        kinds += [k.metrics.FBetaScore("macro", 0.5), k.metrics.BinaryIoU([1], threshold=0.3)]
        kinds += [k.metrics.OneHotIoU(3, [0, 1])]
        model.compile("sgd", "categorical_crossentropy", metrics=kinds)
        logs.append(model)
    logs[1].set_weights(logs[0].get_weights())
    theirs, ours = (m.evaluate(x, y, batch_size=16, return_dict=True, verbose=0) for m in logs)
    theirs = {name.removesuffix("_1"): value for name, value in theirs.items()}
    assert ours.keys() == theirs.keys()
    close([ours[name] for name in theirs], list(theirs.values()), LOOSE)


@pytest.mark.live_keras
def test_accuracy_counts_equal_labels(real):
    ours, theirs = (k.metrics.Accuracy() for k in (keras, real))
    for y, p in (([1, 2, 3, 4], [0, 2, 3, 4]), ([[1], [0]], [[1], [1]])):
        close(ours(y, p), theirs(np.array(y), np.array(p)))
        close(ours(y, p, [1.0] + [0.0] * (len(y) - 1)),
              theirs(np.array(y), np.array(p), np.array([1.0] + [0.0] * (len(y) - 1))))  # fmt: skip
    with pytest.raises(ConfigError, match="accuracy: expected y_true of the shape of y_pred"):
        ours([1, 2], [1, 2, 3])


@pytest.mark.live_keras
@pytest.mark.parametrize("name", ["Mean", "Sum"])
def test_means_and_sums_are_kerass(real, name):
    ours, theirs = (getattr(k.metrics, name)() for k in (keras, real))
    assert ours.name == theirs.name
    for values, weight in [
        (3.0, None), ([1.0, 2.0, 5.0], None), ([[1.0, 2.0], [3.0, 5.0]], None), ([1.0, 2.0], [0.0, 2.0]),
        ([[1.0, 2.0], [3.0, 5.0]], [1.0, 3.0]), ([[1.0, 2.0], [3.0, 5.0]], [[1.0, 0.0], [3.0, 2.0]]), (4.0, 2.0),
    ]:  # fmt: skip
        close(ours(values, weight), theirs(values, weight))
    assert f"{ours.result():.1f}" == f"{float(theirs.result()):.1f}"
    ours.reset_states()
    assert ours.result() == 0
    with pytest.raises(ConfigError, match=r"sample_weight: expected shape \(3,\)"):
        ours([1.0, 2.0, 3.0], [1.0, 2.0])


@pytest.mark.live_keras
def test_functions_can_be_averaged(real):
    def gap(y_true, y_pred, power=1):
        return abs(y_true - y_pred) ** power

    ours, theirs = (k.metrics.MeanMetricWrapper(gap, name="gap", power=2) for k in (keras, real))
    for y, p in ((np.ones((3, 1)), np.zeros((3, 1))), (np.ones((2, 1)), np.full((2, 1), 3.0))):
        close(ours(y, p), theirs(y, p))
    model = keras.Sequential([keras.layers.Dense(1, input_shape=(2,), use_bias=False)])
    model.compile("sgd", "mse", metrics=[ours])
    x, y = RNG.normal(size=(6, 2)), RNG.normal(size=(6, 1))
    logs = model.evaluate(x, y, return_dict=True, verbose=0)
    close(logs["gap"], logs["loss"])


def test_compile_takes_metrics_here_and_in_glassnet():
    metric = keras.metrics.MeanAbsoluteError(name="distance")
    model = gn.Sequential([gn.layers.Dense(1)])
    model.compile("sgd", "mse", [metric])
    model.fit(np.zeros((4, 2)), np.zeros(4), verbose=0)
    outer = keras.Sequential([keras.layers.Dense(1, input_shape=(2,))])
    outer.compile("sgd", "mse", [metric, keras.metrics.RootMeanSquaredError, "MeanSquaredError"])
    assert model.metrics_names == ["loss", "distance"]
    assert outer.metrics_names == ["loss", "distance", "root_mean_squared_error", "MeanSquaredError"]  # fmt: skip
    with pytest.raises(ConfigError, match="a metric that compares targets with predictions"):
        outer.compile("sgd", "mse", [keras.metrics.Mean()])


def test_metrics_can_be_pickled_and_tell_their_kind():
    metric = keras.metrics.Precision(thresholds=0.25, name="p")
    metric.update_state([1, 0], [0.9, 0.8])
    twin = pickle.loads(pickle.dumps(metric))
    close(twin.result(), 0.5)
    assert twin.threshold == 0.25
    assert repr(twin) == "<Precision name=p>"
    assert isinstance(metric, keras.metrics.Precision)
    assert isinstance(metric, keras.metrics.Metric)
    assert not isinstance(metric, keras.metrics.Recall)
    assert not isinstance(keras.metrics.Mean(), keras.metrics.Recall)
