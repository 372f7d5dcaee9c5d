"""Results stay as they are if the user's arrays change. Oracle: a copy from before (6)."""

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
