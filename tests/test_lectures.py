"""Tests of the lectures' numbers. Oracle: a number worked by hand, on a slide, or set as a goal."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.engine.train_step import make_plan
from glassnet.layers import Activation, Dense, Flatten, Input, Rescaling
from glassnet.losses import BinaryCrossentropy
from glassnet.optimizers import Adam
from oracles import FLOAT32, LOOSE, close

pytestmark = pytest.mark.slow

CELSIUS = [-40, -10, 0, 8, 15, 22, 38]
FAHRENHEIT = [-40, 14, 32, 46, 59, 72, 100]

ADAM = Adam(0.1)


def neuron(weights, bias):
    """Return one sigmoid neuron over two inputs."""
    model = gn.Sequential([Input(2), Dense(1, activation="sigmoid")])
    model.set_weights([np.reshape(weights, (2, 1)), [bias]])
    return model


def gate(layers, rows, seed, epochs=400):
    """Train a network on a truth table and return the number of right answers of four."""
    model = gn.Sequential(layers, seed=seed)
    model.compile(ADAM, "binary_crossentropy", ["accuracy"])
    model.fit(rows.x, rows.y, batch_size="full", epochs=epochs, verbose=0)
    right = round(4 * model.evaluate(rows.x, rows.y)[1])
    assert right == np.sum(model.predict_labels(rows.x) == rows.y)
    return right


def test_one_neuron():
    """Lecture 001: w = (0, 1), b = 4, x = (2, 3).

    z = 0*2 + 1*3 + 4 = 7 and 1 / (1 + exp(-7)) = 0.9990889488055994.
    """
    assert 1 / (1 + np.exp(-7)) == 0.9990889488055994
    close(neuron([0, 1], 4).predict([[2, 3]]), [[0.9990889488055994]], FLOAT32)


def test_perceptron_of_two_features():
    """Lecture 002: g(1 + 3 x1 - 2 x2) at (-1, 2).

    z = 1 - 3 - 4 = -6 and 1 / (1 + exp(6)) = 0.0024726231566347743.
    """
    close(neuron([3, -2], 1).predict([[-1, 2]]), [[0.0024726231566347743]], FLOAT32)


def test_mlp_has_13002_parameters():
    """Lecture 001: (784*16 + 16) + (16*16 + 16) + (16*10 + 10) = 12560 + 272 + 170 = 13002."""
    model = gn.Sequential(
        [Input(784), Dense(16, activation="relu"), Dense(16, activation="relu"), Dense(10)]
    )
    assert model.count_params() == 13002
    assert [layer.count_params() for layer in model.layers] == [12560, 272, 170]


def test_softmax_of_ten_scores():
    """Lecture 001: exp(s_j) / sum exp(s), to the digits on the slide.

    The third is exp(5.9) / 1228.79 = 365.04 / 1228.79 = 0.297071.
    """
    scores = np.array([-6.8, 2.6, 5.9, 6.7, 1.9, -1.3, -5.7, 3.2, 1.3, 1.0])
    printed = [
        9.0640e-07,
        0.010957,
        0.297071,
        0.661143,
        5.4410e-3,
        2.2179e-4,
        2.7230e-06,
        0.019965,
        2.9861e-3,
        2.2122e-3,
    ]
    got = gn.Sequential([Activation("softmax")]).predict([scores])[0]
    np.testing.assert_allclose(got, printed, rtol=LOOSE)
    np.testing.assert_allclose(got, np.exp(scores) / np.exp(scores).sum(), rtol=1e-5)


def test_cross_entropy_is_the_log_of_the_right_probability():
    """Lecture 001: L = -log(exp(f_y) / sum exp(f_j)); the fourth is -log(0.661143) = 0.413785."""
    model = gn.Sequential([Input(10)])
    model.add(Activation("softmax"))
    model.compile(loss="sparse_categorical_crossentropy")
    scores = [[-6.8, 2.6, 5.9, 6.7, 1.9, -1.3, -5.7, 3.2, 1.3, 1.0]]
    assert model.evaluate(scores, [3]) == pytest.approx(0.413785, abs=2e-6)


def test_iterations_of_an_epoch():
    """Lecture 000: 100 samples in batches of 5 are 100 / 5 = 20 iterations; every sample once."""
    plan = make_plan(100, 5, seed=0, epoch=0)
    assert plan.indices.shape == (20, 5)
    assert sorted(plan.indices.ravel()) == list(range(100))
    history = gn.Sequential([Dense(1)], seed=0).fit(
        np.zeros((100, 1)), np.zeros(100), batch_size=5, verbose=0
    )
    assert history.params["steps"] == 20


@pytest.mark.parametrize("name", ["and", "or"])
def test_one_layer_learns_and_and_or(name):
    """Lecture 003: one line separates each gate's classes, so one neuron gets 4 of 4."""
    assert [
        gate([Dense(1, activation="sigmoid")], gn.datasets.load(name), seed) for seed in range(5)
    ] == [4] * 5


def test_one_layer_cannot_learn_xor():
    """Lecture 003: at most 3 of 4 for any weights, here 20 trained and 20,000 random neurons.

    If all 4 were right, then b < 0, w1 + b > 0 and w2 + b > 0. So w1 + w2 + b > -b > 0, and (1, 1)
    would be wrong.
    """
    rows = gn.datasets.load("xor")
    assert (
        max(gate([Dense(1, activation="sigmoid")], rows, seed, epochs=100) for seed in range(20))
        <= 3
    )
    rng = np.random.default_rng(0)
    predicted = rows.x @ rng.normal(size=(2, 20_000)) + rng.normal(size=20_000) > 0
    assert (predicted == rows.y[:, None]).sum(0).max() == 3


@pytest.mark.slow
def test_two_layers_learn_xor_from_every_seed():
    """Goal: 4 of 4 from 20 of 20 seeds with 2-8-1, tanh then sigmoid, Adam(0.1), 400 epochs."""
    rows = gn.datasets.load("xor")
    layers = [Dense(8, activation="tanh"), Dense(1, activation="sigmoid")]
    assert [gate(layers, rows, seed) for seed in range(20)] == [4] * 20


def test_celsius_to_fahrenheit():
    """Lab of lecture 000: F = 1.8 C + 32, so 100 C is 212 F.

    Least squares on the seven rounded pairs gives 211.75.
    """
    slope, start = np.polyfit(CELSIUS, FAHRENHEIT, 1)
    assert slope * 100 + start == pytest.approx(211.75, abs=0.01)
    for seed in range(3):
        model = gn.Sequential([Dense(1)], seed=seed)
        model.compile(ADAM, "mean_squared_error")
        model.fit(CELSIUS, FAHRENHEIT, epochs=500, verbose=0)
        assert model.predict([100.0]).item() == pytest.approx(212, abs=1.5)


@pytest.mark.parametrize(("w", "b", "loss"), [(8, 3, 599.41), (7, 3, 703.16), (9, 3, 566.05)])
def test_loss_of_a_line(w, b, loss):
    """Lecture 000: the mean of (y - (w x + b))^2 over the noisy line, to the two printed digits."""
    line = gn.datasets.load("line")
    model = gn.Sequential([Input(1), Dense(1)])
    model.compile(loss="mean_squared_error")
    model.set_weights([[[w]], [b]])
    assert model.evaluate(line.x, line.y) == pytest.approx(loss, abs=0.005)


def test_gradient_at_a_line_points_where_the_losses_say():
    """Lecture 000: L is a parabola in w, so dL/dw at 8 is (L(9) - L(7)) / 2.

    (566.05 - 703.16) / 2 = -68.555, and a step of rate 0.001 moves w to 8 + 0.068555.
    """
    line = gn.datasets.load("line")
    model = gn.Sequential([Input(1), Dense(1)], seed=0)
    model.compile(gn.optimizers.SGD(0.001), "mean_squared_error")
    model.set_weights([[[8]], [3]])
    model.fit(line.x, line.y, batch_size="full", verbose=0)
    assert model.params["dense_1"]["kernel"].item() == pytest.approx(8.068555, abs=5e-6)


def test_confident_wrong_answer():
    """Cross-entropy of a confident mistake: z = 57.7 and y = 0.

    The loss is log(1 + exp(57.7)) = 57.7, and delta is p - y = 1.
    """
    assert float(BinaryCrossentropy(from_logits=True)([0], np.array([57.7]))) == pytest.approx(57.7)
    model = neuron([57.7, 0], 0)
    model.compile(gn.optimizers.SGD(1.0), "binary_crossentropy")
    assert model.evaluate([[1, 0]], [0]) == pytest.approx(57.7)
    model.fit([[1, 0]], [0], verbose=0)
    close(model.get_weights()[0], [[56.7], [0]], FLOAT32)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "scale", "hidden", "goal"),
    [
        ("digits", 1 / 16, 64, 0.95),
        ("mnist", 1 / 255, 128, 0.943),
        ("fashion_mnist", 1 / 255, 128, 0.80),
    ],
)
def test_real_pictures(name, scale, hidden, goal, shared_data, record_property):
    """Goal: mean test accuracy of three seeds. Rescaling, hidden-10, Adam, batch 32, 10 epochs."""
    data = gn.datasets.load(name)
    scores = []
    for seed in range(3):
        layers = [
            Rescaling(scale),
            Flatten(),
            Dense(hidden, activation="relu"),
            Dense(10, activation="softmax"),
        ]
        model = gn.Sequential(layers, seed=seed)
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        model.fit(data.x, data.y, epochs=10, verbose=0)
        scores.append(model.evaluate(data.x_test, data.y_test)[1])
    record_property("mean_accuracy", float(np.mean(scores)))
    print(f"{name}: {np.round(scores, 4)}, mean {np.mean(scores):.4f}")
    assert np.mean(scores) >= goal
