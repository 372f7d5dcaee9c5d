"""Results stay as they are if the user's arrays change, and views leave all else as it is.

Oracle: a copy from before (6).
"""

import random
import warnings

import matplotlib
import numpy as np
import pytest

import glassnet as gn
from glassnet.layers import Conv2D, Dense, Flatten

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(12, 6, 6, 1)).astype(np.float32)
ROWS = RNG.normal(size=(12, 2)).astype(np.float32)
CODES = np.arange(12) % 2
inspection = gn.inspection


@pytest.fixture(scope="module")
def models():
    reader = gn.Sequential([Conv2D(2, 3), Flatten(), Dense(2, activation="softmax")], seed=0)
    model = gn.Sequential([Dense(3, activation="tanh"), Dense(2, activation="softmax")], seed=0)
    for each, x in ((reader, IMAGES), (model, ROWS)):
        each.compile("sgd", "sparse_categorical_crossentropy")
        each.fit(x, CODES, verbose=0)
    return {IMAGES.shape: reader, ROWS.shape: model}


VIEWS = {
    "attribute": (IMAGES, lambda model, x: inspection.attribute(model, x, method="gradient").x),
    "feature_maps": (IMAGES, lambda model, x: inspection.feature_maps(model, x[0]).image),
    "top_inputs": (IMAGES, lambda model, x: inspection.top_inputs(model, x, "dense_1").examples),
    "mistakes": (IMAGES, lambda model, x: inspection.mistakes(model, x, CODES).examples),
    "neurons": (IMAGES, lambda model, x: inspection.neurons(model, x).examples),
    "columns": (ROWS, lambda model, x: inspection.mistakes(model, x, CODES).examples),
    "boundary": (
        ROWS,
        lambda model, x: inspection.decision_boundary(model, x, CODES, resolution=3).points,
    ),
    "embeddings": (ROWS, lambda model, x: inspection.embeddings(model, x, CODES).points),
}


def iter_arrays(value):
    """Yield the arrays inside a result."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict | tuple):
        for each in value.values() if isinstance(value, dict) else value:
            yield from iter_arrays(each)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from iter_arrays(getattr(value, name))


@pytest.mark.parametrize("name", VIEWS)
def test_a_result_does_not_change_with_the_rows(models, name):
    rows, view = VIEWS[name]
    x = rows.copy()
    arrays = list(iter_arrays(view(models[rows.shape], x)))
    assert arrays
    before = [array.copy() for array in arrays]
    x += 1
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_a_result_does_not_change_with_the_path(models):
    path = np.array([[0.0, 0.0], [0.5, 0.5]])
    view = inspection.loss_landscape(models[ROWS.shape], ROWS, CODES, 3, path=path)
    path += 1
    np.testing.assert_array_equal(view.path, [[0, 0], [0.5, 0.5]])


CALLS = {name: call for name, (rows, call) in VIEWS.items() if rows is ROWS} | {
    "attribute": lambda model, x: inspection.attribute(model, x, sanity=True),
    "descent": lambda model, x: inspection.descent(model, x, CODES, optimizers=["sgd"], epochs=1),
    "importance": lambda model, x: inspection.importance(model, x, CODES),
    "loss_curve": lambda model, x: inspection.loss_curve(model, x, CODES, "dense_1/kernel", (0, 0)),
    "loss_landscape": lambda model, x: inspection.loss_landscape(model, x, CODES, 3),
    "network_drawing": lambda model, x: inspection.network_drawing(model),
    "weights": lambda model, x: inspection.weights(model),
}


def read_everything(model, folder):
    """Return what a view could change: the saved model, its history and global settings."""
    model.save(folder / "model.glassnet")
    return {
        "file": (folder / "model.glassnet").read_bytes(),
        "history": repr(model.history.history),
        "facts": (model.epoch, model.seed, model.learning_rate),
        "random": (repr(np.random.get_state()), random.getstate()),  # noqa: NPY002
        "rcParams": dict(matplotlib.rcParams),
        "warnings": list(warnings.filters),
    }


@pytest.mark.parametrize("name", CALLS)
def test_views_leave_the_model_and_global_settings_as_they_are(models, name, tmp_path):
    """The first call may import a library, which may add its filters of warnings."""
    model, x = models[ROWS.shape], ROWS.copy()
    view = CALLS[name]
    view(model, x)
    before = read_everything(model, tmp_path)
    result = view(model, x)
    if hasattr(result, "plot"):
        result.plot()
    after = read_everything(model, tmp_path)
    assert [key for key in before if before[key] != after[key]] == []
    np.testing.assert_array_equal(x, ROWS)
