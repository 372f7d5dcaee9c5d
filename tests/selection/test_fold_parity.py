"""Folds that are trained together equal the same folds trained one by one by `fit`."""

from dataclasses import dataclass

import jax
import numpy as np
import pytest

import glassnet as gn
from glassnet import optimizers, regularizers, schedules
from glassnet.callbacks import EarlyStopping, ReduceLROnPlateau, WeightHistory
from glassnet.layers import (
    GRU,
    BatchNormalization,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    Normalization,
    RandomFlip,
    Rescaling,
    Residual,
    TextVectorization,
)
from single_fits import (
    BINARY,
    SPARSE,
    dense_net,
    evaluate,
    image_net,
    make_images,
    make_numbers,
    make_series,
    make_table,
    make_texts,
    series_net,
    table_net,
    text_net,
    train_alone,
    train_together,
)

ONE_EPOCH = 1e-5
"""Tolerance of weights after one epoch, relative and absolute."""
WHOLE_RUN = 1e-3
"""Tolerance of losses and scores after several epochs."""

NUMBERS = make_numbers()


def assert_equal_fits(model, rows, epochs=1, prepare=lambda model, run: model, **options):
    """Assert that three folds equal three single fits; return both.

    Oracle: `Sequential.fit` on the training rows, with the run's seed.
    """
    options = {"batch_size": 8, "epochs": epochs} | options
    together = train_together(model, rows, **options)
    sizes = {len(result.run.train_rows) for result in together}
    assert len(sizes) > 1 or len(together[0].run.train_rows) % 8
    alone = []
    for result in together:
        single = train_alone(prepare(model, result.run), rows, result.run, **options)
        alone.append(single)
        if epochs == 1:
            for one, other in zip(result.model.get_weights(), single.get_weights(), strict=True):
                np.testing.assert_allclose(one, other, rtol=ONE_EPOCH, atol=ONE_EPOCH)
        assert_equal_results(result, single, rows)
    return together, alone


def assert_equal_results(result, single, rows):
    """Assert that histories, scores and outputs are equal."""
    history = result.history.history
    assert history.keys() == single.history.history.keys()
    for name, values in single.history.history.items():
        np.testing.assert_allclose(history[name], values, WHOLE_RUN, WHOLE_RUN, err_msg=name)
    test = rows.take(result.run.test_rows)
    expected = evaluate(single, test)
    assert result.scores.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(result.scores[name], value, WHOLE_RUN, WHOLE_RUN, err_msg=name)
    outputs = single.predict(test.x, verbose=0)[: len(result.run.test_rows)]
    assert result.outputs.shape == outputs.shape
    scale = np.abs(outputs).max()
    np.testing.assert_allclose(result.outputs, outputs, rtol=WHOLE_RUN, atol=WHOLE_RUN * scale)


def learn_vocabulary(model, run):
    return text_net(make_texts().x[run.train_rows])


KINDS = {
    "numbers": (dense_net, make_numbers),
    "table of numbers": (table_net, make_table),
    "images": (image_net, make_images),
    "series": (series_net, make_series),
}


@pytest.mark.parametrize("epochs", [1, 6])
@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_data(kind, epochs):
    make_model, make_rows = KINDS[kind]
    assert_equal_fits(make_model(), make_rows(), epochs)


@pytest.mark.parametrize("epochs", [1, 6])
def test_texts(epochs):
    """The vocabulary of each fold is that of its own training texts."""
    assert_equal_fits(text_net(), make_texts(), epochs, learn_vocabulary)


def test_texts_as_counts():
    """The vocabularies of the folds have different sizes, and so have the kernels."""
    rows = make_texts()
    longer = [f"{text} extra{i}" if i % 3 else text for i, text in enumerate(rows.x)]
    rows = rows._replace(x=np.array(longer))

    def make_model(rows_to_learn):
        text = TextVectorization(output_mode="count").adapt(rows.x[rows_to_learn])
        model = gn.Sequential([text, Dense(3, "tanh"), Dense(1, "sigmoid")], seed=0)
        model.compile(optimizers.Adam(0.02), **BINARY)
        return model

    model = make_model(np.arange(len(rows.y)))
    together, _ = assert_equal_fits(model, rows, 1, lambda model, run: make_model(run.train_rows))
    widths = {result.model.params["dense_1"]["kernel"].shape for result in together}
    assert len(widths) > 1


def test_a_table_of_classes():
    """The folds learn encodings of different widths."""
    model = gn.Sequential([Dense(8, "relu"), Dense(1, "sigmoid")], seed=0)
    model.compile(optimizers.Adam(0.02), **BINARY)
    together, _ = assert_equal_fits(model, make_table(target="sold"), epochs=3)
    assert len({result.model.params["dense_1"]["kernel"].shape for result in together}) > 1


MODELS = {
    "dropout": dense_net(Dropout(0.4)),
    "batch statistics": dense_net(BatchNormalization(), Dropout(0.3)),
    "input statistics": gn.Sequential([Normalization(), Dense(6, "relu"), Dense(3, "softmax")], 0),
    "regularizers": dense_net(regularizer=regularizers.L1L2(0.01, 0.02)),
    "schedule": dense_net(optimizer=optimizers.SGD(schedules.CosineDecay(0.2, 12), momentum=0.9)),
    "clipping": dense_net(optimizer=optimizers.Adam(0.02, global_clipnorm=0.1)),
}


@pytest.mark.parametrize("epochs", [1, 4])
@pytest.mark.parametrize("name", MODELS)
def test_parts_of_a_model(name, epochs):
    assert_equal_fits(MODELS[name], NUMBERS, epochs)


@dataclass(frozen=True)
class Centered(optimizers.SGD):
    """Gradient descent without the mean of each gradient over the inputs."""

    def update(self, grads, state, params, lr):
        centered = jax.tree.map(lambda g: g - g.mean(0) if g.ndim == 2 else g, grads)
        return super().update(centered, state, params, lr)


@dataclass(frozen=True)
class MeanDense(Dense):
    """A Dense layer whose output is divided by the number of inputs."""

    def __call__(self, params, x):
        return super().__call__(params, x) / x.shape[-1]


@pytest.mark.parametrize(
    ("layer", "optimizer"),
    [(Dense, Centered(0.1)), (MeanDense, optimizers.SGD(0.1)), (Dense, optimizers.SGD(0.1))],
)
def test_widths_with_own_parts(layer, optimizer):
    """Folds with different columns; parts that combine all inputs see no further ones."""
    model = gn.Sequential([layer(4, "tanh"), Dense(1)], seed=0)
    model.compile(optimizer, "mse")
    together, alone = assert_equal_fits(model, make_table(), 2, callbacks=[WeightHistory()])
    assert len({result.model.get_weights()[0].shape for result in together}) > 1
    for result, single in zip(together, alone, strict=True):
        for name, weights in single.history.weights.items():
            np.testing.assert_allclose(result.history.weights[name], weights, 1e-4, 1e-4)


WORDS = NUMBERS._replace(x=np.random.default_rng(5).integers(0, 8, (len(NUMBERS.y), 5)))
STRUCTURES = {
    "residual": (NUMBERS, [Dense(6), Residual([Dense(6, "tanh"), Dropout(0.2)])], 3),
    "masked steps": (WORDS, [Embedding(8, 4, mask_zero=True), GRU(5, dropout=0.2)], 3),
    "augmentation": (
        make_images(),
        [Input((6, 6, 1)), RandomFlip(), Rescaling(1 / 255), Flatten()],
        2,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", STRUCTURES)
def test_structures(name):
    rows, layers, n_classes = STRUCTURES[name]
    model = gn.Sequential([*layers, Dense(n_classes, "softmax")], seed=0)
    model.compile(optimizers.Adam(0.02), SPARSE)
    assert_equal_fits(model, rows)


OPTIMIZERS = [
    optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    optimizers.Adam(0.02, amsgrad=True),
    optimizers.AdamW(0.02, weight_decay=0.05),
    optimizers.Nadam(0.02),
    optimizers.Adagrad(0.1),
    optimizers.Adadelta(1.0),
    optimizers.Lion(0.005),
]


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda each: type(each).__name__)
def test_optimizers(optimizer):
    assert_equal_fits(dense_net(optimizer=optimizer), NUMBERS)


OPTIONS = {
    "class weight": {"class_weight": {0: 1.0, 1: 3.0, 2: 0.5}},
    "balanced": {"class_weight": "balanced"},
    "validation split": {"validation_split": 0.2},
    "validation from the end": {"validation_split": 0.2, "validation_from": "end"},
    "full batch": {"batch_size": "full"},
    "large batch": {"batch_size": 25},
    "no shuffling": {"shuffle": False},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_arguments_of_fit(name):
    assert_equal_fits(dense_net(), NUMBERS, epochs=3, **OPTIONS[name])


def test_sample_weights():
    weights = np.linspace(0, 2, len(NUMBERS.y)).astype(np.float32)
    assert_equal_fits(dense_net(), NUMBERS._replace(weight=weights))


def test_callbacks():
    """Each fold stops in its own epoch, with its own rates and its best weights."""
    model = dense_net(Dropout(0.2), optimizer=optimizers.Adam(0.1))
    callbacks = [
        ReduceLROnPlateau(patience=2, factor=0.5),
        EarlyStopping(patience=5),
    ]
    options = {"epochs": 40, "validation_split": 0.25, "callbacks": callbacks}
    together, alone = assert_equal_fits(model, NUMBERS, **options)
    lengths = [len(result.history.epoch) for result in together]
    assert lengths == [len(single.history.epoch) for single in alone]
    assert len(set(lengths)) > 1
    for result, single in zip(together, alone, strict=True):
        assert result.history.stopped == single.history.stopped
        for one, other in zip(result.model.get_weights(), single.get_weights(), strict=True):
            np.testing.assert_allclose(one, other, WHOLE_RUN, WHOLE_RUN)


def test_metrics():
    rows = NUMBERS._replace(y=(NUMBERS.y > 0).astype(int))
    model = gn.Sequential([Input(4), Dense(6, "tanh"), Dense(1, "sigmoid")], seed=0)
    metrics = ["accuracy", "auc", "precision", "recall", "f1_score"]
    model.compile(optimizers.Adam(0.02), "binary_crossentropy", metrics)
    assert_equal_fits(model, rows, epochs=3)
    rows = NUMBERS._replace(y=NUMBERS.x @ np.array([1, -1, 0.5, 0], np.float32))
    model = gn.Sequential([Input(4), Dense(6, "tanh"), Dense(1)], seed=0)
    metrics = ["mae", "mse", "r2_score", "root_mean_squared_error"]
    model.compile(optimizers.Adam(0.02), "huber", metrics)
    assert_equal_fits(model, rows, epochs=3)
