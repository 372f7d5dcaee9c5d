"""A copy of a model with a remedy: it must train as a model that is written by hand."""

import copy
from dataclasses import replace

import numpy as np
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.doctor.changes import (
    InsertLayer,
    ReplaceActivations,
    SetLearningRate,
    SetOutputActivation,
)
from glassnet.doctor.findings import Finding
from glassnet.errors import ConfigError
from glassnet.estimators import NeuralClassifier
from glassnet.layers import Dense, Dropout, Input, Normalization, TextVectorization

RNG = np.random.default_rng(0)
X = RNG.normal(2.0, 3.0, size=(48, 3)).astype(np.float32)
Y = (X.sum(1) > 6).astype(np.float32)
DROPOUT = InsertLayer(Dropout(0.3), after="dense_1")


def make_model(*layers, cls=gn.Sequential, optimizer="sgd", **options):
    model = cls(list(layers), seed=3, **options)
    model.compile(optimizer, "binary_crossentropy", ["accuracy"])
    return model


def train(model):
    return model.fit(X, Y, batch_size=16, epochs=2, verbose=0).history


HIDDEN, OUTPUT = Dense(4, activation="sigmoid"), Dense(1, activation="sigmoid")


@pytest.fixture(scope="module")
def trained():
    model = make_model(HIDDEN, OUTPUT)
    train(model)
    return model


def test_it_trains_to_the_bits_of_a_model_written_by_hand(trained):
    model, weights = trained, trained.get_weights()
    changed = model.make_changed_copy(DROPOUT)
    assert (changed.epoch, changed.history, changed.built) == (0, None, False)
    assert [layer.name for layer in changed.layers] == ["dense_1", "dropout_1", "dense_2"]
    by_hand = make_model(HIDDEN, Dropout(0.3), OUTPUT)
    assert train(changed) == train(by_hand)
    for a, b in zip(changed.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.epoch == 2
    assert len(model.layers) == 2
    for a, b in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_learning_rate_is_that_of_the_change(trained):
    changed = trained.make_changed_copy(SetLearningRate(0.5))
    assert changed.learning_rate == 0.5
    assert trained.learning_rate == pytest.approx(0.01)
    assert train(changed) == train(make_model(HIDDEN, OUTPUT, optimizer=gn.optimizers.SGD(0.5)))


def test_the_shape_of_the_input_and_the_class_stay():
    class Named(gn.Sequential):
        """A model of the user, with an attribute."""

    model = make_model(Input(3), HIDDEN, OUTPUT, cls=Named)
    model.purpose = "titanic"
    changed = model.make_changed_copy(DROPOUT)
    assert type(changed) is Named
    assert changed.purpose == "titanic"
    assert changed.input_shape == (3,)
    assert changed.count_params() == model.count_params()


def test_what_layers_have_adapted_to_stays_and_a_new_normalization_learns(trained):
    """Oracle: `reset`, and a model written by hand."""
    texts = np.array(["a b", "b c", "c", "a"], object)
    vectorizer = TextVectorization(output_mode="multi_hot").adapt(texts)
    model = make_model(vectorizer, HIDDEN, OUTPUT)
    changed = model.make_changed_copy(ReplaceActivations("sigmoid", "relu"))
    first = changed.layers[0].layer
    assert first.get_vocabulary() == vectorizer.get_vocabulary()
    normalized = trained.make_changed_copy(InsertLayer(Normalization()))
    assert train(normalized) == train(make_model(Normalization(), HIDDEN, OUTPUT))


def test_a_model_that_is_not_compiled_stays_so():
    model = gn.Sequential([HIDDEN, Dense(1)], seed=0)
    changed = model.make_changed_copy(ReplaceActivations("sigmoid", "relu"))
    assert changed.optimizer is None
    assert changed.layers[0].layer.activation == "relu"


def test_a_keras_model_stays_one():
    """Oracle: `glassnet.Sequential`."""
    model = make_model(HIDDEN, OUTPUT, cls=keras.Sequential, name="mine")
    train(model)
    changed = model.make_changed_copy(DROPOUT)
    assert type(changed) is keras.Sequential
    assert changed.name == "mine"
    assert train(changed) == train(make_model(HIDDEN, Dropout(0.3), OUTPUT))
    assert len(model.layers) == 2
    assert model.epoch == 2


def test_layers_of_another_model_are_not_moved():
    other = keras.Sequential([keras.Input([3]), HIDDEN], seed=0)
    model = keras.Sequential([other, OUTPUT], seed=3)
    model.compile("sgd", "binary_crossentropy")
    changed = model.make_changed_copy(SetLearningRate(0.5))
    changed.predict(X)
    np.testing.assert_array_equal(changed.get_weights()[0], other.get_weights()[0])
    expected = r"apply: expected a model whose starting weights do not.*Insert Dropout\(0.3\)"
    with pytest.raises(ConfigError, match=expected):
        model.make_changed_copy(DROPOUT)


def test_a_change_whose_loss_does_not_fit_is_refused(trained):
    before = copy.copy(vars(trained))
    with pytest.raises(ConfigError, match="BinaryCrossentropy: expected a network that ends in si"):
        trained.make_changed_copy(SetOutputActivation("tanh"))
    assert vars(trained) == before


def test_a_finding_applies_its_remedy_to_a_model_and_refuses_an_estimator(trained):
    finding = Finding("a_rule", "", "", {}, "", change=DROPOUT)
    assert [layer.name for layer in finding.apply(trained).layers] == [
        "dense_1",
        "dropout_1",
        "dense_2",
    ]
    assert replace(finding, change=None).apply(trained) is None
    expected = "apply: expected a gn.Sequential or a keras one. Received: model='NeuralClassifier'"
    with pytest.raises(ConfigError, match=expected):
        finding.apply(NeuralClassifier())
