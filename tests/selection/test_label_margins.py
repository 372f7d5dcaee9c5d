"""Suspicious labels. Oracle: labels that were changed on purpose, and margins from `predict`."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import ConfigError, DataError
from glassnet.layers import Dense
from glassnet.selection import suspicious_labels

RNG = np.random.default_rng(0)
CLASSES = RNG.integers(0, 3, 400)
X = (RNG.normal(size=(400, 4)) + 2.5 * np.eye(3, 4)[CLASSES]).astype(np.float32)
FLIPPED = RNG.permutation(400)[:40]
WRONG = CLASSES.copy()
WRONG[FLIPPED] = (CLASSES[FLIPPED] + RNG.integers(1, 3, 40)) % 3
OPTIONS = {"epochs": 8, "verbose": 0}


def classifier():
    model = gn.Sequential([Dense(16, activation="relu"), Dense(3, activation="softmax")], seed=0)
    model.compile(gn.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    return model


@pytest.fixture(scope="module")
def found():
    return suspicious_labels(classifier(), X, WRONG, **OPTIONS)


def test_the_rows_are_those_whose_labels_were_changed(found):
    assert len(found.rows) == 20
    assert np.isin(found.rows, FLIPPED).mean() >= 0.9
    assert (found.answers == CLASSES[found.rows]).mean() >= 0.9
    np.testing.assert_array_equal(found.labels, WRONG[found.rows])
    assert np.all(np.diff(found.margins) >= 0)
    assert found.n_contradicted >= 30


def test_right_labels_are_rarely_contradicted(found):
    clean = suspicious_labels(classifier(), X, CLASSES, **OPTIONS)
    assert clean.n_contradicted < found.n_contradicted / 2
    assert np.isin(clean.rows, FLIPPED).mean() < 0.4


def test_the_margin_is_the_mean_over_epochs_of_logits_after_each():
    """Oracle: fit one epoch at a time, and the logarithms of the probabilities."""
    model, total = classifier(), 0.0
    for _ in range(3):
        model.fit(X, WRONG, epochs=1, verbose=0)
        total = total + np.log(model.predict(X, verbose=0).astype(float))
    own = total[np.arange(400), WRONG].copy()
    total[np.arange(400), WRONG] = -np.inf
    found = suspicious_labels(classifier(), X, WRONG, epochs=3, verbose=0)
    np.testing.assert_allclose(found.all_margins, (own - total.max(1)) / 3, atol=2e-4)


def test_two_classes_with_names_and_rows_without_a_target():
    pd = pytest.importorskip("pandas")
    names = np.where(CLASSES == 1, "yes", "no").astype(object)
    wrong = int(np.argmax(np.where(CLASSES == 1, X[:, 1] - X[:, 0] - X[:, 2], -9)))
    names[wrong] = "no"
    table = pd.DataFrame(X, columns=list("abcd")).assign(bought=names)
    table.loc[wrong - 1, "bought"] = None
    model = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    model.compile(gn.optimizers.Adam(0.05), "binary_crossentropy")
    found = suspicious_labels(model, table, target="bought", n=30, **OPTIONS)
    assert wrong in found.rows
    place = list(found.rows).index(wrong)
    assert (found.labels[place], found.answers[place]) == ("no", "yes")
    assert f"row {wrong}: label no, rather yes" in str(found)
    assert len(found.all_margins) == 399


def test_the_model_stays_as_it_is_and_the_view_is_complete(found):
    model = classifier()
    suspicious_labels(model, X, WRONG, n=3, **OPTIONS)
    assert model.epoch == 0
    frame = found.to_frame()
    assert list(frame.columns) == ["row", "label", "answer", "margin"]
    assert len(frame) == 20
    assert "of 400 labels" in found.title
    assert "8 epochs" in found.title
    assert found.plot().axes[0].get_xlabel().startswith("mean margin")


def test_errors_say_what_is_expected():
    model = gn.Sequential([Dense(1)], seed=0)
    model.compile(gn.optimizers.Adam(0.01), "mse")
    with pytest.raises(DataError, match="one class for each row"):
        suspicious_labels(model, X, X[:, 0], **OPTIONS)
    with pytest.raises(ConfigError, match="n to be an int >= 1"):
        suspicious_labels(classifier(), X, WRONG, n=0)
