"""Descents. Oracles: the weights of the same `fit`, a NumPy loop of gradient descent, NumPy's SVD,
`evaluate`, and Chromium as the reader of the animation.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import glassnet as gn
from browser import run_script, take_screenshot
from glassnet.errors import ConfigError, DataError
from glassnet.inspection.descents import descent
from glassnet.inspection.path_planes import choose_axes, find_near_points, find_principal_directions
from glassnet.inspection.run_choices import choose_runs, describe_optimizer
from glassnet.layers import Dense, Dropout, Flatten
from glassnet.optimizers import SGD, Adam, RMSprop

RNG = np.random.default_rng(1)
LINE_X = RNG.uniform(0, 3, 30).astype(np.float32)
LINE_Y = (2 * LINE_X + 1 + RNG.normal(0, 0.5, 30)).astype(np.float32)
X = RNG.normal(size=(24, 3)).astype(np.float32)
Y = (X.sum(1) > 0).astype(int)


def make_line():
    """y = w x + b with w = -1, b = 4."""
    model = gn.Sequential([gn.layers.Input(1), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    model.set_weights([[[-1.0]], [4.0]])
    return model


def make_network(seed=3):
    layers = [Dense(4, activation="tanh"), Dropout(0.2), Dense(1, activation="sigmoid")]
    model = gn.Sequential(layers, seed=seed)
    model.compile(SGD(0.5), "binary_crossentropy")
    return model


def weights_of(model):
    return np.concatenate([array.ravel() for array in model.get_weights()])


@pytest.fixture(scope="module")
def rates():
    """Too small, right and too large, on the line."""
    return descent(make_line(), LINE_X, LINE_Y, learning_rates=[0.001, 0.1, 2.0], epochs=30)


@pytest.fixture(scope="module")
def network_runs():
    optimizers = {"<script>alert(1)</script>": SGD(0.5), "adam": Adam(0.05)}
    return descent(make_network(), X, Y, optimizers=optimizers, batch_sizes=[8], epochs=4)


def test_gradient_descent_on_the_line_is_the_numpy_loop(rates):
    """Oracle: w <- w - eta dL/dw, with dL/dw = 2 mean((w x + b - y) x), in float64."""
    w, b, path = -1.0, 4.0, [(-1.0, 4.0)]
    for _ in range(30):
        error = w * LINE_X + b - LINE_Y
        w, b = w - 0.1 * 2 * np.mean(error * LINE_X), b - 0.1 * 2 * np.mean(error)
        path.append((w, b))
    np.testing.assert_allclose(rates.paths[1], path, rtol=1e-4)
    losses = [np.mean((w * LINE_X + b - LINE_Y) ** 2) for w, b in path]
    np.testing.assert_allclose(rates.losses[1], losses, rtol=1e-4)
    np.testing.assert_array_equal(rates.steps[1], np.arange(31))


def test_rates_too_small_right_and_too_large(rates):
    assert rates.labels == ("rate 0.001", "rate 0.1", "rate 2")
    assert rates.outcomes == ("on the way", "arrived", "left the bowl")
    lowest = f"{rates.losses[1][-1]:.4g}"
    share = (rates.losses[0][0] - rates.losses[0][-1]) / (rates.losses[0][0] - rates.lowest_loss)
    assert rates.title == (
        f"rate 0.1 ends lowest: loss {lowest} after 30 epochs; rate 2 left the bowl; "
        f"rate 0.001 came {100 * share:.2g} % of the way"
    )
    assert "the loss is not finite" in rates.problems[2]
    assert np.isfinite(rates.paths[2]).all()
    assert np.isfinite(rates.losses[2]).all()
    assert f"it ended there: {rates.problems[2]}" in str(rates)


def test_the_surface_of_two_weights_is_the_loss(rates):
    """Oracle: the mean squared error, in NumPy. The minimum, by least squares, is in view."""
    w, b = np.meshgrid(*rates.values, indexing="ij")
    errors = w[..., None] * LINE_X + b[..., None] - LINE_Y
    np.testing.assert_allclose(rates.loss, (errors**2).mean(-1), rtol=1e-4)
    assert rates.weights == ("dense_1/kernel", "dense_1/bias")
    best = np.polyfit(LINE_X, LINE_Y, 1)
    for value, axis in zip(best, rates.values, strict=True):
        assert axis[0] < value < axis[-1]
    assert rates.lowest_loss == pytest.approx(
        np.mean((np.polyval(best, LINE_X) - LINE_Y) ** 2), rel=0.05
    )


@pytest.mark.parametrize(("run", "optimizer"), [(0, SGD(0.5)), (1, Adam(0.05))])
def test_paths_and_losses_are_those_of_fit_and_evaluate(network_runs, run, optimizer):
    """Dropout and shuffled batches; the weights after every epoch, bit for bit."""
    model = make_network()
    model.compile(optimizer, "binary_crossentropy")
    for epoch in range(1, 5):
        model.fit(X, Y, batch_size=8, verbose=0)
        i = int(np.flatnonzero(network_runs.epochs[run] == epoch)[0])
        np.testing.assert_array_equal(network_runs.full_weights[run][i], weights_of(model))
        assert network_runs.losses[run][i] == model.evaluate(X, Y, verbose=0)


def test_the_principal_plane_is_numpys_svd(network_runs):
    """All points are near the bowl here. The plane passes through the end of the lowest run."""
    points = np.concatenate(network_runs.full_weights).astype(np.float64)
    _, singular, vectors = np.linalg.svd(points - points.mean(0), full_matrices=False)
    shares = singular**2 / np.sum(singular**2)
    np.testing.assert_allclose(network_runs.variance_shares, shares[:2], rtol=1e-6)
    end = network_runs.full_weights[network_runs.lowest_run][-1]
    for path, weights in zip(network_runs.paths, network_runs.full_weights, strict=True):
        projected = (weights - end) @ vectors[:2].T
        np.testing.assert_allclose(np.abs(path), np.abs(projected), atol=1e-5)
    np.testing.assert_array_equal(network_runs.paths[network_runs.lowest_run][-1], [0, 0])
    assert "% of the paths' variance" in str(network_runs)


def test_the_surface_of_a_plane_is_the_loss_of_moved_weights(network_runs):
    """Oracle: `evaluate` with the weights of a corner, center + a d1 + b d2."""
    points = np.concatenate(network_runs.full_weights)
    directions, _ = find_principal_directions(points)
    end = network_runs.full_weights[network_runs.lowest_run][-1]
    corner = (
        end + network_runs.values[0][0] * directions[0] + network_runs.values[1][-1] * directions[1]
    )
    model = make_network()
    model.fit(X, Y, epochs=0, verbose=0)
    arrays, start = [], 0
    for array in model.get_weights():
        arrays.append(corner[start : start + array.size].reshape(array.shape))
        start += array.size
    model.set_weights(arrays)
    assert network_runs.loss[0, -1] == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-4)


@pytest.mark.parametrize("shape", [(9, 4), (4, 9)])
def test_principal_directions_of_points(shape):
    """Oracle: NumPy's SVD, for more points than weights and for fewer."""
    points = np.random.default_rng(0).normal(size=shape) * np.arange(1, shape[1] + 1)
    directions, shares = find_principal_directions(points)
    _, singular, vectors = np.linalg.svd(points - points.mean(0), full_matrices=False)
    np.testing.assert_allclose(np.abs(directions @ vectors[:2].T), np.eye(2), atol=1e-9)
    np.testing.assert_allclose(shares, (singular**2 / np.sum(singular**2))[:2])
    assert (directions.max(1) == np.abs(directions).max(1)).all()


def test_points_on_a_line_have_a_second_direction_across_it():
    points = np.outer(np.arange(4.0), [0.6, 0.8, 0])
    directions, shares = find_principal_directions(points)
    np.testing.assert_allclose(directions, [[0.6, 0.8, 0], [0, 0, 1]], atol=1e-9)
    np.testing.assert_allclose(shares, [1, 0], atol=1e-12)
    directions, shares = find_principal_directions(np.ones((3, 2)))
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-12)


def test_the_drawn_part_has_the_points_near_the_bowl():
    """Points up to twice as far above the lowest loss as the start; else the first three."""
    near = find_near_points([np.array([5.0, 1.0, 9.5]), np.array([5.0, 9.0, 30.0])])
    assert [each.tolist() for each in near] == [[True, True, False], [True, True, False]]
    near = find_near_points([np.array([5.0, 50.0, 500.0, 5000.0])])
    assert [each.tolist() for each in near] == [[True, True, True, False]]
    first, second = choose_axes(np.array([[0.0, 1.0], [4.0, 1.0]]), 3)
    np.testing.assert_allclose(first, [-1, 2, 5])  # 25 % on each side
    np.testing.assert_allclose(second, [0.7, 1, 1.3])  # 0.1 of the other width, and 25 %


def test_weights_by_name():
    """Of a network with more weights: the others are those at the end of the lowest run."""
    names = [("dense_1/kernel", (0, 1)), ("dense_2/bias", 0)]
    model = make_network()
    runs = descent(model, X, Y, optimizers=["sgd", SGD(0.5)], weights=names, epochs=3)
    assert runs.weights == ("dense_1/kernel[0, 1]", "dense_2/bias")
    assert runs.labels == ("sgd", "sgd, rate 0.5")
    np.testing.assert_allclose(runs.paths[1], runs.full_weights[1][:, [1, -1]], rtol=1e-6)
    assert "all other weights are those at the end of sgd, rate 0.5" in str(runs)
    model.fit(X, Y, batch_size="full", epochs=3, verbose=0)
    surface = gn.inspection.loss_surface(model, X, Y, *names, values=runs.values)
    np.testing.assert_allclose(runs.loss, surface.loss, rtol=1e-5)


def test_starts_and_batch_sizes():
    runs = descent(make_line(), LINE_X, LINE_Y, starts=2, batch_sizes=["full", 8], epochs=3)
    assert runs.labels == (
        "full batch, start 1", "full batch, start 2", "batch 8, start 1", "batch 8, start 2",
    )  # fmt: skip
    assert [len(steps) for steps in runs.steps] == [4, 4, 13, 13]
    for i, seed in enumerate([0, 1, 0, 1]):
        model = make_line()
        model.reset(seed)
        model.fit(LINE_X, LINE_Y, "full" if i < 2 else 8, 3, verbose=0)
        np.testing.assert_array_equal(runs.full_weights[i][-1], weights_of(model))
    assert "new weights, drawn by seeds 0 to 1" in str(runs)


TABLE = pd.DataFrame({"age": X[:, 0], "town": list("ab") * 12, "price": X[:, 1] * 30 + 500})
PIXELS = RNG.integers(0, 255, (12, 4, 4, 1)).astype(np.uint8)
DAYS = pd.DataFrame(
    {"day": pd.date_range("2020-01-01", periods=24), "sales": np.sin(np.arange(24) / 3)}
)
KINDS = {
    "table": (TABLE, {"target": "price", "target_transform": "log"}),
    "dicts": (
        [{"age": X[i : i + 8], "sum": X[i : i + 8].sum(1)} for i in (0, 8, 16)],
        {"target": "sum"},
    ),
    "images": (
        gn.data.Images(PIXELS, np.arange(12) % 2, ("a", "b"), tuple(map(Path, "abcdefghijkl"))),
        {},
    ),
    "series": (gn.data.series(DAYS, target="sales", time="day", length=5), {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_data_is_trained_on_as_by_fit(kind):
    """New and trained models; the loss is that of `evaluate`, in the units of the target."""
    data, arguments = KINDS[kind]

    def make():
        head = Dense(2, activation="softmax") if kind == "images" else Dense(1)
        return gn.Sequential([Flatten(), head], seed=0)

    runs = descent(make(), data, batch_sizes=[8], epochs=2, **arguments)
    model = make()
    model.fit(data, batch_size=8, epochs=2, verbose=0, **arguments)
    np.testing.assert_array_equal(runs.full_weights[0][-1], weights_of(model))
    target = {"target": "sum"} if kind == "dicts" else {}
    logs = model.evaluate(data, verbose=0, return_dict=True, **target)
    assert runs.losses[0][-1] == pytest.approx(logs["loss"], rel=1e-6)
    if kind != "dicts":
        again = descent(model, data, batch_sizes=[8], epochs=2)
        np.testing.assert_array_equal(again.full_weights[0], runs.full_weights[0])


def test_as_a_table(rates):
    frame = rates.to_frame()
    columns = ["run", "step", "epoch", "dense_1/kernel", "dense_1/bias", "loss"]
    assert list(frame) == columns
    assert len(frame) == sum(map(len, rates.losses))
    last = frame[frame["run"] == "rate 0.1"].iloc[-1]
    assert last["step"] == last["epoch"] == 30
    assert last["loss"] == rates.losses[1][-1]


@pytest.mark.parametrize("kind", ["contour", "3d"])
def test_plots(rates, network_runs, kind):
    """A run that leaves has a triangle at the edge, and no other mark there."""
    for view in (rates, network_runs):
        figure = view.plot(kind=kind)
        ax = figure.axes[0]
        assert ax.get_title().replace("\n", " ") == view.title
        labels = [text.get_text() for text in ax.get_legend().get_texts()]
        assert len(labels) >= len(view.labels)
    assert any(text.endswith("rate 2: leaves") for text in _legend(rates.plot(kind=kind)))
    if kind == "contour":
        ax = rates.plot().axes[0]
        (triangle,) = [line for line in ax.lines if isinstance(line.get_marker(), tuple)]
        x, y = triangle.get_xdata()[0], triangle.get_ydata()[0]
        assert np.isclose(ax.get_xlim(), x).any() or np.isclose(ax.get_ylim(), y).any()


def _legend(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def test_an_unknown_kind_of_plot(rates):
    with pytest.raises(
        ConfigError, match=r"kind: expected one of contour, 3d\..*Did you mean '3d'"
    ):
        rates.plot(kind="3D")


@pytest.fixture(scope="module")
def page(network_runs, tmp_path_factory):
    path = tmp_path_factory.mktemp("descent") / "descent.html"
    network_runs.animate(path)
    return path


def test_the_animation_escapes_names_and_requests_nothing(page):
    text = page.read_text(encoding="utf-8")
    assert text.count("<script>") == 1  # the page's own
    assert "&lt;script&gt;alert(1)&lt;/script&gt; ends lowest" in text or "adam ends lowest" in text
    assert re.findall(r'(?:src|href)="(?!#|data:)', text) == []
    assert not re.search(r"https?://(?!www\.w3\.org/)", text)
    assert len(text) < 1_000_000


def test_the_animation_is_checked_before_the_work(rates, tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        rates.animate(tmp_path / "missing" / "descent.html")
    with pytest.raises(ConfigError, match=r"ending in \.html"):
        rates.animate(tmp_path / "descent.mp4")


@pytest.mark.slow
def test_chromium_grows_the_paths(page, network_runs, tmp_path):
    """Oracle: the losses of the runs; a frame per point, for 4 epochs of 3 steps."""
    script = """
    const shown = () => parts.filter(part => part.style.display !== "none").length;
    const text = () => document.querySelector(".frame:not([hidden])").textContent.trim();
    const seen = [];
    for (const i of [0, 6, 12]) { slider.value = i; slider.dispatchEvent(new Event("input"));
      seen.push([text(), shown()]); }
    send(seen);
    """
    problems, seen = run_script(page, tmp_path, script)
    assert problems == []
    counts = [count for _, count in seen]
    assert counts == [2, 2 + 2 * 2 * 6, 2 + 2 * 2 * 12]  # an end each, and two lines per step
    for (text, _), i in zip(seen, [0, 6, 12], strict=True):
        assert text.startswith(f"Loss after {i / 3:g} of 4 epochs. <script>alert(1)</script>: ")
        assert text.endswith(f"adam: {network_runs.losses[1][i]:.4g}.")
    first, last = (
        np.asarray(take_screenshot(page, tmp_path, fragment)) for fragment in ("#0", "#12")
    )
    assert (first != last).any()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"optimizers": ["sdg"]}, r"optimizer: expected one of sgd, .*did you mean 'sgd'"),
        ({"optimizers": []}, r"optimizers to be a list, not empty\. Received: optimizers=\[\]"),
        ({"optimizers": "sgd"}, r"optimizers to be a list.*For example"),
        ({"optimizers": ["sgd", "sgd"]}, r"different runs\. .*Name optimizers"),
        ({"learning_rates": [0.1, 0]}, r"learning rates > 0.*learning_rate=0\."),
        ({"learning_rates": [0.1, -1]}, r"learning rates > 0"),
        ({"batch_sizes": [0]}, r'batch sizes >= 1, or "full"\. Received: batch_size=0'),
        ({"batch_sizes": ["all"]}, r'batch sizes >= 1, or "full"'),
        ({"starts": 0}, r'starts to be an int >= 1, "current" or None'),
        ({"starts": "curent"}, r"starts to be an int"),
        ({"starts": 11}, r"at most 10 runs\. Received: runs=11"),
        ({"epochs": 0}, r"epochs to be an int >= 1\. Received: epochs=0"),
        ({"weights": [("dense_1/kernl", 0), ("dense_1/bias", 0)]}, r"did you mean 'dense_1/kernel'"),
        ({"weights": [("dense_1/kernel", 0)]}, r"two weights"),
        ({"learning_rate": [0.1]}, r"argument: expected one of optimizers, .*did you mean 'learning_rates'"),
    ],
)  # fmt: skip
def test_arguments_that_cannot_be_used(arguments, expected):
    with pytest.raises(ConfigError, match=f"(?i){expected}"):
        descent(make_line(), LINE_X, LINE_Y, **arguments)


def test_rows_and_networks_that_cannot_be_used():
    with pytest.raises(DataError, match=r"rows that can be read again.*x='generator'"):
        descent(make_line(), ((LINE_X, LINE_Y) for _ in range(2)))
    with pytest.raises(ConfigError, match=r"a gn.Sequential.*Received: model='NeuralRegressor'"):
        descent(gn.estimators.NeuralRegressor(), LINE_X, LINE_Y)
    model = gn.Sequential([Dense(1, use_bias=False)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(ConfigError, match=r"two weights or more.*loss_curve"):
        descent(model, LINE_X, LINE_Y)


def test_a_network_with_too_many_weights(monkeypatch):
    """10 points of 2 weights in 2 runs are 40 numbers."""
    monkeypatch.setattr("glassnet.inspection.descents.MAX_NUMBERS", 39)
    expected = (
        r"at most 1 weights with 2 runs\. Received: weights=2\. Use a smaller network or fewer"
    )
    with pytest.raises(ConfigError, match=expected):
        descent(make_line(), LINE_X, LINE_Y, starts=2)
    monkeypatch.setattr("glassnet.inspection.descents.MAX_NUMBERS", 44)
    runs = descent(make_line(), LINE_X, LINE_Y, starts=2, epochs=30)
    assert [len(steps) for steps in runs.steps] == [11, 11]  # the start, and every third step


def test_all_combinations_are_run_and_labels_say_what_differs():
    runs = choose_runs(["sgd", Adam(0.1)], [0.1, 1], None, None, 5)
    assert list(runs) == ["sgd, rate 0.1", "sgd, rate 1", "adam, rate 0.1", "adam, rate 1"]
    settings = runs["adam, rate 1"]
    assert (settings.optimizer, settings.learning_rate, settings.batch_size) == (
        Adam(0.1),
        1,
        "full",
    )
    assert list(choose_runs(None, None, None, None, 5)) == [""]
    assert describe_optimizer(RMSprop()) == "rmsprop"
    decay = gn.schedules.ExponentialDecay(0.1, 10, 0.5)
    assert describe_optimizer(SGD(decay, nesterov=True)) == "sgd, rate ExponentialDecay, nesterov"
    assert describe_optimizer(Adam(clipnorm=1)) == "adam, clipnorm 1"


@pytest.mark.parametrize(
    ("optimizer", "label"),
    [
        ("adam", "adam"),
        (SGD(0.3, momentum=0.9), "sgd, rate 0.3, momentum 0.9"),
        (SGD(gn.schedules.ExponentialDecay(0.1, 10, 0.9)), "sgd, rate ExponentialDecay"),
    ],
)
def test_a_single_run_is_named_by_the_models_optimizer(optimizer, label):
    model = make_line()
    model.compile(optimizer, "mse")
    view = descent(model, LINE_X, LINE_Y, epochs=1)
    assert view.labels == (label,)
    assert view.title.startswith(f"{label}: loss ")
