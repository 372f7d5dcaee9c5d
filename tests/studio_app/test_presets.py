"""Every preset shows what it says: it is trained, and the effect is measured with a margin."""

import functools

import msgspec
import numpy as np
import pytest

from glassnet.studio_app.experiment import Experiment
from glassnet.studio_app.lessons import parse_lesson
from glassnet.studio_app.presets import PRESETS, Preset
from glassnet.studio_app.settings import WeightChange

SETTINGS = {preset.name: preset.settings for preset in PRESETS}
WANTED = """xor_without_hidden_layer rate_too_large rate_too_small zero_weights dying_relu
vanishing_sigmoids overfitting overfitting_l2 overfitting_dropout overfitting_more_data raw_inputs
scaled_inputs shuffled_labels valley momentum lecture_line lecture_network imbalanced_classes"""


@functools.cache
def train(name, n_steps, **training):
    """Return an experiment after some steps of a preset."""
    settings = SETTINGS[name]
    changed = msgspec.structs.replace(settings.training, **training)
    experiment = Experiment(msgspec.structs.replace(settings, training=changed))
    if n_steps:
        experiment.run.advance(n_steps)
    return experiment


def evaluate(experiment):
    """Return loss and metrics of the training rows, and of the test rows if there are any."""
    return experiment.scene.evaluate(experiment.run.state.train_state)


def trace(experiment):
    """Return the trace of the training rows."""
    data = experiment.data
    return experiment.make_model().trace(data.x, data.y)


def test_all_that_lectures_need_are_there():
    assert WANTED.split() == list(SETTINGS)
    assert len(SETTINGS) == len(PRESETS) >= 12


@pytest.mark.parametrize("preset", PRESETS, ids=SETTINGS)
def test_texts_and_settings(preset):
    """Oracle: the text's sentences, and the codec of links."""
    assert 2 <= preset.why.count(". ") + 1 <= 3
    assert preset.title
    assert preset.try_this.endswith((".", "!"))
    assert msgspec.json.decode(msgspec.json.encode(preset), type=Preset) == preset


def test_xor_needs_a_hidden_layer():
    """Oracle: no line has more than 3 of 4 quadrants right; it stays near half of the points."""
    for part in evaluate(train("xor_without_hidden_layer", 500)):
        assert part["accuracy"] < 0.65
        assert part["loss"] > 0.6


def test_a_large_rate_diverges():
    """Oracle: a loss above the first that ends in infinity; 0.03, as proposed, converges."""
    first, _ = evaluate(train("rate_too_large", 0))
    later, _ = evaluate(train("rate_too_large", 4))
    assert later["loss"] > 1000 * first["loss"]
    assert "the loss is not finite" in train("rate_too_large", 100).run.problem
    cured, _ = evaluate(train("rate_too_large", 100, learning_rate=0.03))
    assert cured["loss"] < first["loss"] / 5


def test_a_small_rate_does_nothing():
    """Oracle: a thousand steps change the loss by less than 1 %; a thousandfold rate learns."""
    (before, _), (after, _) = (evaluate(train("rate_too_small", n)) for n in (0, 1000))
    assert after["loss"] == pytest.approx(before["loss"], rel=0.01)
    cured, _ = evaluate(train("rate_too_small", 1000, learning_rate=1.0))
    assert cured["loss"] < 0.3 * before["loss"]


def test_zero_weights_keep_neurons_equal():
    """Oracle: the weights of the neurons are compared with those of the first."""
    model = train("zero_weights", 300).make_model()
    kernel, bias, output, _ = model.get_weights()
    for weights in (kernel.T, bias, output):
        np.testing.assert_array_equal(weights, np.broadcast_to(weights[:1], weights.shape))
    assert evaluate(train("zero_weights", 300))[0]["accuracy"] < 0.6
    changed = Experiment(SETTINGS["zero_weights"])
    changed.set_weight(WeightChange("dense_1/kernel", (0, 0), 1.0))
    changed.run.advance(300)
    kernel = changed.make_model().get_weights()[0]
    assert np.all(kernel[:, 0])
    assert not np.any(kernel[:, 1:])


def test_relus_die():
    """Oracle: every activation and every gradient of the hidden layer is exactly 0."""
    hidden = trace(train("dying_relu", 40)).links[0]
    assert not np.any(hidden.d_params["kernel"])
    assert not np.any(hidden.d_params["bias"])
    alive = trace(train("dying_relu", 0)).links[0]
    assert np.all(np.any(alive.d_params["kernel"], axis=0))
    cured, _ = evaluate(train("dying_relu", 300, learning_rate=1.0))
    assert cured["accuracy"] > 0.9


def test_sigmoids_let_gradients_vanish():
    """Oracle: the gradient of the first layer is 1,000 times smaller than that of the last."""
    start = trace(train("vanishing_sigmoids", 0))
    sizes = [np.abs(link.d_params["kernel"]).max() for link in start.links if link.d_params]
    assert len(sizes) == 7
    assert sizes[0] < sizes[-1] / 1000
    assert evaluate(train("vanishing_sigmoids", 500))[0]["accuracy"] < 0.6


def test_overfitting_and_its_cures():
    """Oracle: the losses of training and test rows after 600 steps."""
    experiment, lowest = Experiment(SETTINGS["overfitting"]), np.inf
    for n_steps in (30, 30, 30, 510):
        experiment.run.advance(n_steps)
        bad = evaluate(experiment)
        lowest = min(lowest, bad[1]["loss"])
    names = ["overfitting_l2", "overfitting_dropout", "overfitting_more_data"]
    l2, dropout, more = (evaluate(train(name, 600)) for name in names)
    assert experiment.data.n_train == 30
    assert bad[0]["accuracy"] == 1
    assert bad[0]["loss"] < 0.01
    assert bad[1]["loss"] > 2 * lowest
    assert l2[1]["loss"] < bad[1]["loss"] / 2
    assert dropout[1]["loss"] < 0.75 * bad[1]["loss"]
    assert more[1]["loss"] < bad[1]["loss"] / 3
    assert more[1]["loss"] < 1.3 * more[0]["loss"]
    assert train("overfitting_more_data", 600).data.n_train == 1000


def test_raw_inputs_saturate_and_scaled_ones_learn():
    """Oracle: the outputs of tanh, and the accuracy of the same number of steps."""
    raw, scaled = (evaluate(train(name, 200)) for name in ("raw_inputs", "scaled_inputs"))
    assert raw[1]["accuracy"] < 0.6
    assert scaled[1]["accuracy"] > 0.95
    x = train("raw_inputs", 0).data.x
    kernel, bias = train("raw_inputs", 0).make_model().get_weights()[:2]
    assert np.mean(np.abs(np.tanh(x @ kernel + bias)) > 0.99) > 0.9


def test_shuffled_labels_are_learned_by_heart():
    """Oracle: the accuracy of training rows is near 1, that of test rows near that of a coin."""
    train_rows, test_rows = evaluate(train("shuffled_labels", 2000))
    assert train_rows["accuracy"] > 0.95
    assert 0.3 < test_rows["accuracy"] < 0.7
    assert test_rows["loss"] > 1


def test_momentum_is_faster_in_a_valley():
    """Oracle: the smallest loss is that of least squares; distances from it after 50 steps."""
    data = train("valley", 0).data
    columns = np.column_stack([data.x, np.ones(len(data.x))])
    residual = data.y - columns @ np.linalg.lstsq(columns, data.y)[0]
    least = np.mean(residual**2)
    without, with_momentum = (
        evaluate(train(name, 50))[0]["loss"] - least for name in ("valley", "momentum")
    )
    assert with_momentum < without / 5
    curvature = np.linalg.eigvalsh(2 * columns.T @ columns / len(columns))
    assert curvature[-1] > 50 * curvature[0]


def test_the_line_has_the_losses_of_the_lecture():
    """Oracle: lectures 000 and 004: 599.41 at (8, 3), 703.16 at (7, 3), 566.05 at (9, 3)."""
    start = SETTINGS["lecture_line"]
    for w, loss in ((8.0, 599.41), (7.0, 703.16), (9.0, 566.05)):
        weights = {"dense_1/kernel": [[w]], "dense_1/bias": [3.0]}
        network = msgspec.structs.replace(start.network, weights=weights)
        settings = msgspec.structs.replace(start, network=network)
        assert evaluate(Experiment(settings))[0]["loss"] == pytest.approx(loss, abs=5e-3)
    assert evaluate(train("lecture_line", 1))[0]["loss"] < 599.41


def test_the_network_of_the_lecture():
    """Oracle: lecture 003: J = 1/2 (y - f)^2, and the deltas of a 2-3-2-1 network in NumPy."""
    experiment = train("lecture_network", 0)
    weights = [each.astype(float) for each in experiment.make_model().get_weights()]
    outputs = [experiment.data.x.astype(float)]
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        outputs.append(1 / (1 + np.exp(-(outputs[-1] @ kernel + bias))))
    assert [output.shape[1] for output in outputs] == [2, 3, 2, 1]
    error = outputs[-1][:, 0] - experiment.data.y
    assert evaluate(experiment)[0]["loss"] == pytest.approx(np.mean(error**2) / 2, rel=1e-5)
    delta = error[:, None] * outputs[3] * (1 - outputs[3])
    links = [link for link in trace(experiment).links if link.d_params]
    for layer in (2, 1, 0):
        gradient = outputs[layer].T @ delta / len(delta)
        found = links[layer].d_params["kernel"]
        np.testing.assert_allclose(found, gradient, rtol=1e-4, atol=1e-7)
        delta = delta @ weights[2 * layer].T * outputs[layer] * (1 - outputs[layer])
    assert experiment.run.steps_per_epoch == 4


def test_accuracy_hides_the_small_class():
    """Oracle: the share of the large class, and the confusion matrix."""
    experiment = train("imbalanced_classes", 300)
    y = experiment.data.y
    majority = max(np.mean(y), 1 - np.mean(y))
    assert majority > 0.93
    assert abs(evaluate(experiment)[0]["accuracy"] - majority) < 0.02
    confusion = experiment.scene.draw_confusion(experiment.run.state.train_state)
    missed, found = confusion["confusion_train"][1]
    assert found < 0.4 * (missed + found)


@pytest.mark.parametrize("preset", PRESETS, ids=SETTINGS)
def test_presets_are_lessons(preset):
    """Oracle: the lesson reader, which refuses unknown fields."""
    text = msgspec.json.encode({"title": "Lesson", "presets": [preset]})
    assert parse_lesson(text).presets == (preset,)
