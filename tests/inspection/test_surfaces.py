"""Loss curves, surfaces and landscapes. Oracles: `evaluate` after `set_weights` at every point; the
parabola and least squares of a line in closed form; arithmetic in comments.
"""

import numpy as np
import pandas as pd
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.callbacks import WeightHistory
from glassnet.errors import ConfigError, DataError
from glassnet.inspection import loss_curve, loss_landscape, loss_surface
from glassnet.inspection.loss_grid import LossGrid
from glassnet.inspection.weight_selection import draw_direction, move, select_weights
from glassnet.layers import (
    LSTM,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    Residual,
)

SPARSE, KERNEL = "sparse_categorical_crossentropy", ("dense_1/kernel", (0, 0))
_rng = np.random.default_rng(0)
X = _rng.normal(size=(40, 3)).astype(np.float32)
Y = _rng.integers(0, 3, 40)


@pytest.fixture(scope="module")
def line():
    return gn.datasets.load("line")


@pytest.fixture(scope="module")
def line_model(line):
    """A line at w = 8, b = 3, trained by full batches, with its path."""
    model = gn.Sequential([Input(1), Dense(1)], seed=0)
    model.compile(gn.optimizers.SGD(0.01), "mse")
    model.set_weights([[[8.0]], [3.0]])
    model.fit(line.x, line.y, batch_size="full", epochs=4, verbose=0, callbacks=[WeightHistory()])
    return model


def small_model(*layers, loss=SPARSE, seed=0):
    model = gn.Sequential(list(layers), seed=seed)
    model.compile("sgd", loss)
    return model


def classifier(**options):
    return small_model(
        Input(3), Dense(4, activation="tanh"), Dense(3, activation="softmax"), **options
    )


def evaluate_along(model, directions, points, x, y, **options):
    """Return `evaluate` of the model with its weights moved to each point, one after another."""
    snapshot, losses = model.take_snapshot(), []
    before = model.get_weights()
    for point in points:
        moved = move(snapshot.params, directions, np.float32(point))
        arrays = []
        for kind, (i, *rest), key in snapshot.network.weight_paths:
            entry = (moved if kind == "params" else snapshot.state)[i]
            for part in rest:
                entry = entry[part]
            arrays.append(entry[key])
        model.set_weights(arrays)
        losses.append(model.evaluate(x, y, verbose=0, return_dict=True, **options)["loss"])
    model.set_weights(before)
    return np.array(losses)


def check_grid(model, x, y, rtol=2e-6, **options):
    """Compare nine points of a plane with `evaluate`, with the affine trick and without."""
    snapshot = model.take_snapshot(x, y, *options.values())
    rng = np.random.default_rng(1)
    directions = tuple(draw_direction(snapshot.network, snapshot.params, rng) for _ in range(2))
    points = np.array([(a, b) for a in (-1.0, 0.0, 0.5) for b in (-0.5, 0.0, 1.0)])
    expected = evaluate_along(model, directions, points, x, y, **options)
    grid = LossGrid(snapshot, directions)
    np.testing.assert_allclose(grid.compute(points), expected, rtol=rtol)
    assert grid.compute_center() == expected[4]
    return snapshot, directions, points, expected


def test_the_curve_over_w_is_the_parabola_of_least_squares(line, line_model):
    """With b fixed, L(w) = mean((y - b - w x)^2), lowest at sum(x (y - b)) / sum(x^2)."""
    w, b = (values.item() for values in line_model.get_weights())
    curve = loss_curve(line_model, line.x, line.y, *KERNEL)
    x, rest = line.x[:, 0].astype(float), line.y.ravel().astype(float) - b
    expected = [np.mean((rest - value * x) ** 2) for value in curve.values]
    np.testing.assert_allclose(curve.loss, expected, rtol=1e-6)
    best, step = x @ rest / (x @ x), curve.values[1] - curve.values[0]
    assert abs(curve.minimum[0] - best) <= step / 2 + 1e-6
    assert curve.values[0] < min(w, best)
    assert max(w, best) < curve.values[-1]
    assert curve.model_loss == line_model.evaluate(line.x, line.y, verbose=0)
    np.testing.assert_allclose(curve.path, line_model.history.weights["dense_1/kernel"].ravel())
    np.testing.assert_allclose(
        curve.path_loss, [np.mean((rest - value * x) ** 2) for value in curve.path], rtol=1e-6
    )


def test_the_lectures_three_losses(line):
    """Lecture 000: 703.16 at w = 7, 599.41 at 8, 566.05 at 9, with b = 3."""
    model = small_model(Input(1), Dense(1), loss="mse")
    model.set_weights([[[0.0]], [3.0]])
    curve = loss_curve(model, line.x, line.y, *KERNEL, values=[7, 8, 9])
    np.testing.assert_allclose(curve.loss, [703.16, 599.41, 566.05], atol=0.005)
    assert curve.title == (
        f"Loss {model.evaluate(line.x, line.y, verbose=0):,.0f} at dense_1/kernel = 0; "
        "lowest, 566, at 9 (untrained)"
    )


def test_the_surface_of_a_line(line, line_model):
    """L(w, b) = mean((y - b - w x)^2); the range shows the least-squares line and the model."""
    surface = loss_surface(line_model, line.x, line.y, KERNEL, ("dense_1/bias", 0), values=21)
    x, y = line.x[:, 0].astype(float), line.y.ravel().astype(float)
    expected = [
        [np.mean((y - b - w * x) ** 2) for b in surface.values[1]] for w in surface.values[0]
    ]
    np.testing.assert_allclose(surface.loss, expected, rtol=1e-6)
    for axis, best, model_value in zip(
        surface.values, np.polyfit(x, y, 1), surface.model_values, strict=True
    ):
        assert axis[0] < min(best, model_value)
        assert max(best, model_value) < axis[-1]
    weights = line_model.history.weights
    np.testing.assert_allclose(surface.path[:, 1], weights["dense_1/bias"].ravel())
    np.testing.assert_allclose(surface.path_loss[-1], surface.model_loss, rtol=1e-6)
    frame = surface.to_frame()
    assert list(frame) == ["dense_1/kernel", "dense_1/bias", "loss"]
    row = frame.iloc[5 * 21 + 7]
    assert tuple(row) == (surface.values[0][5], surface.values[1][7], surface.loss[5, 7])
    assert surface.minimum[2] == surface.loss.min()


def test_points_of_a_plane_equal_evaluate_with_and_without_the_affine_trick():
    """Different blocks, and starting behind the first layer, change rounding only."""
    model = classifier()
    snapshot, directions, points, expected = check_grid(model, X, Y)
    for options in ({"use_affine": False}, {"block_rows": 8}, {"block_rows": 16}):
        losses = LossGrid(snapshot, directions, **options).compute(points)
        np.testing.assert_allclose(losses, expected, rtol=2e-6)


@pytest.mark.parametrize("weights", [("dense_1/bias", 2), ("dense_2/kernel", None)])
def test_one_weight_equals_evaluate(weights):
    model = classifier()
    curve = loss_curve(model, X, Y, *weights, values=[-1.0, 0.25, 2.0])
    snapshot = model.take_snapshot()
    (selection,) = select_weights(snapshot.network, snapshot.params, [weights])
    directions = [selection.make_direction(snapshot.params)]
    offsets = (curve.values - curve.model_value)[:, None]
    expected = evaluate_along(model, directions, offsets, X, Y)
    np.testing.assert_allclose(curve.loss, expected, rtol=2e-6)


def test_sample_weights_and_penalties():
    layers = [
        Input(3),
        Dense(4, activation="relu", kernel_regularizer=gn.regularizers.L2(0.1)),
        Dense(1, kernel_regularizer=gn.regularizers.L1(0.01)),
    ]
    model = small_model(*layers, loss="mae")
    check_grid(model, X, X[:, 0] - 2, sample_weight=np.linspace(0, 2, 40))


def test_inference_statistics_noise_and_convolutions():
    layers = [
        Input((6, 6, 1)),
        Conv2D(3, 3, activation="relu"),
        BatchNormalization(),
        Flatten(),
        Dropout(0.5),
        Dense(2),
    ]
    model = small_model(*layers, loss=gn.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = _rng.normal(size=(12, 6, 6, 1)).astype(np.float32), np.arange(12) % 2
    model.take_snapshot(x, y)
    model.set_weights([_rng.uniform(0.5, 1.5, array.shape) for array in model.get_weights()])
    check_grid(model, x, y)


def test_masks_and_embeddings():
    layers = [
        Input(5),
        Embedding(7, 3, mask_zero=True),
        LSTM(2, return_sequences=True),
        Dense(2, activation="softmax"),
    ]
    model = small_model(*layers)
    x = np.array([[1, 2, 3, 0, 0], [4, 5, 6, 1, 2], [3, 0, 0, 0, 0]])
    check_grid(model, x, np.array([[0, 1, 0, 0, 0], [1, 1, 0, 0, 1], [1, 0, 0, 0, 0]]))


def test_inside_a_composite():
    model = small_model(Input(3), Residual([Dense(3, activation="tanh")]), Dense(3, "softmax"))
    check_grid(model, X, Y)


def test_scaled_targets_of_a_table():
    """The loss has the units of the column, as `evaluate` reports it."""
    table = pd.DataFrame({"rooms": X[:, 0], "town": Y.astype(str), "price": 1000 * X[:, 1] + 5000})
    model = gn.Sequential([Dense(4, activation="relu"), Dense(1)], seed=0)
    model.fit(table, target="price", epochs=2, verbose=0)
    loss, _ = model.evaluate(table, verbose=0)
    landscape = loss_landscape(model, table, resolution=3)
    assert landscape.loss[1, 1] == landscape.model_loss == loss
    assert loss > 1e4
    snapshot = model.take_snapshot(table)
    rng = np.random.default_rng(0)
    directions = tuple(draw_direction(snapshot.network, snapshot.params, rng) for _ in range(2))
    expected = evaluate_along(model, directions, [(-1, -1), (1, 0)], table, None)
    np.testing.assert_allclose(landscape.loss[[0, 2], [0, 1]], expected, rtol=2e-6)
    with pytest.raises(DataError, match=r"expected examples of shape \(4,\).*9"):
        loss_landscape(model, np.zeros((3, 9)), np.zeros(3), resolution=3)


def test_streams_and_the_keras_layout():
    """Batches are summed by `evaluate` in another order: the loss is equal but for rounding."""
    model = classifier()
    batches = [(X[:24], Y[:24]), (X[24:], Y[24:])]
    landscape = loss_landscape(model, batches, resolution=3)
    assert landscape.model_loss == pytest.approx(model.evaluate(batches, verbose=0), rel=1e-6)
    twin = keras.Sequential([keras.Input(shape=(3,)), keras.layers.Dense(3, activation="softmax")])
    twin.compile("sgd", SPARSE)
    name = next(iter(twin.weights_named()))
    curve = loss_curve(twin, X, Y, name, (0, 1), values=3)
    assert curve.model_loss == twin.evaluate(X, Y, verbose=0)


def test_landscape_of_an_untrained_model():
    model = classifier()
    landscape = loss_landscape(model, X, Y, resolution=7)
    assert landscape.loss.shape == (7, 7)
    assert landscape.loss[3, 3] == landscape.model_loss == model.evaluate(X, Y, verbose=0)
    assert landscape.title.endswith("(untrained)")
    assert landscape.path is None
    np.testing.assert_array_equal(loss_landscape(model, X, Y, resolution=7).loss, landscape.loss)
    assert not np.allclose(loss_landscape(model, X, Y, resolution=7, seed=1).loss, landscape.loss)
    inner = loss_landscape(model, X, Y, resolution=3, radius=1 / 3)
    np.testing.assert_allclose(inner.loss, landscape.loss[2:5, 2:5], rtol=1e-5)


def test_the_path_is_projected_on_the_plane():
    """Two moves within the plane are found again; one move perpendicular to it shows nothing."""
    model = classifier()
    snapshot = model.take_snapshot()
    rng = np.random.default_rng(0)
    directions = tuple(draw_direction(snapshot.network, snapshot.params, rng) for _ in range(2))
    places = np.array([[0.5, -0.25], [0.1, 0.2]])

    def record(points):
        moved = [move(snapshot.params, directions, point) for point in points]
        return {
            name: np.stack([tree[i][key] for tree in moved])
            for i, name, key in (
                (0, "dense_1/kernel", "kernel"),
                (0, "dense_1/bias", "bias"),
                (2, "dense_2/kernel", "kernel"),
                (2, "dense_2/bias", "bias"),
            )
        }

    landscape = loss_landscape(model, X, Y, resolution=3, path=record(places))
    np.testing.assert_allclose(landscape.path, places, atol=1e-5)
    assert landscape.path_share == pytest.approx(1, abs=1e-5)
    assert "The path of training is projected; the plane shows 1.000 of it." in str(landscape)
    sideways = record(np.zeros((1, 2)))
    sideways["dense_1/bias"] = sideways["dense_1/bias"] + 1
    landscape = loss_landscape(model, X, Y, resolution=3, path=sideways)
    np.testing.assert_allclose(landscape.path, [[0, 0]], atol=1e-6)
    assert landscape.path_share == pytest.approx(0, abs=1e-9)


def test_path_as_history_as_points_and_none(line, line_model):
    history = line_model.history
    options = {"values": [7, 8, 9]}
    by_history = loss_curve(line_model, line.x, line.y, *KERNEL, path=history, **options)
    np.testing.assert_array_equal(by_history.path, history.weights["dense_1/kernel"].ravel())
    by_points = loss_curve(line_model, line.x, line.y, *KERNEL, path=[8.0, 8.5], **options)
    np.testing.assert_array_equal(by_points.path, [8, 8.5])
    assert loss_curve(line_model, line.x, line.y, *KERNEL, path=False, **options).path is None


def test_losses_that_are_not_finite():
    """exp(w) of 100 is beyond float32: the loss is infinite, and the figure leaves it blank."""
    model = small_model(Input(1), Dense(1, activation="exponential"), loss="mse")
    model.set_weights([[[0.0]], [0.0]])
    curve = loss_curve(model, [[1.0]], [1.0], *KERNEL, values=[-1, 0, 100])
    assert np.isinf(curve.loss[2])
    assert curve.minimum == (0, 0)
    assert "1 of 3 points have no finite loss and are left blank." in str(curve)
    curve.plot()
    surface = loss_surface(model, [[1.0]], [1.0], KERNEL, "dense_1/bias", values=([0, 99], [0, 99]))
    surface.plot()
    surface.plot(kind="3d")
    nowhere = loss_curve(model, [[1.0]], [1.0], *KERNEL, values=[99, 100])
    assert np.isnan(nowhere.minimum).all()
    nowhere.plot()


@pytest.mark.parametrize(
    ("activation", "loss", "scale"), [(None, "mse", "linear"), ("exponential", "poisson", "log")]
)
def test_a_bowl_stays_one_and_a_steep_curve_has_a_logarithmic_axis(activation, loss, scale):
    """At x = 1 and y = 0 the losses are w^2, which is 0 at w = 0, and exp(w), up to 6e4."""
    model = small_model(Input(1), Dense(1, activation=activation), loss=loss)
    model.set_weights([[[1.0]], [0.0]])
    curve = loss_curve(model, [[1.0]], [0.0], *KERNEL, values=np.linspace(-5, 11, 33))
    expected = curve.values**2 if activation is None else np.exp(curve.values)
    np.testing.assert_allclose(curve.loss, expected, rtol=1e-5)
    assert curve.plot().axes[0].get_yscale() == scale


@pytest.mark.parametrize(("w", "limits"), [(2.0, (-2, 6)), (60.0, (-60, 180)), (-3.0, (-9, 3))])
def test_without_a_bowl_the_model_is_in_the_middle(w, limits):
    """exp(w) has no lowest point, and is infinite at w = 120: the range is w - 2 |w| to w + 2 |w|."""
    model = small_model(Input(1), Dense(1, activation="exponential"), loss="poisson")
    model.set_weights([[[w]], [0.0]])
    curve = loss_curve(model, [[1.0]], [0.0], *KERNEL, values=3)
    np.testing.assert_allclose(curve.values, [limits[0], w, limits[1]], atol=1e-12)
    assert curve.loss[1] == curve.model_loss == model.evaluate([[1.0]], [0.0], verbose=0)


def test_a_steep_and_a_flat_surface_are_drawn():
    """exp(w + b) spans 17 decades; with x = 0 and no bias, the loss is the same everywhere."""
    model = small_model(Input(1), Dense(1, activation="exponential"), loss="poisson")
    values = [np.linspace(-10, 10, 5)] * 2
    surface = loss_surface(model, [[1.0]], [0.0], KERNEL, "dense_1/bias", values=values)
    axes = surface.plot(kind="3d").axes[0]
    assert axes.zaxis.get_major_formatter()(2, 0) == "100"
    surface.plot()
    model = small_model(Input(2), Dense(1, use_bias=False), loss="mse")
    flat = loss_surface(model, [[0.0, 0.0]], [1.0], KERNEL, ("dense_1/kernel", (1, 0)), values=3)
    np.testing.assert_array_equal(flat.loss, 1)
    flat.plot()


@pytest.mark.parametrize(("is_image", "rows"), [(True, 4), (False, 1024)])
def test_rows_per_block(is_image, rows):
    """62 x 62 x 512 numbers are 7.9 MB: 4 are below 32 MB. 1,024 rows of 4 units are 16 KB."""
    image_layers = Input((64, 64, 1)), Conv2D(512, 3), Flatten(), Dense(2, "softmax")
    model = small_model(*image_layers) if is_image else classifier()
    snapshot, name = model.take_snapshot(), next(iter(model.weights_named()))
    (kernel,) = select_weights(snapshot.network, snapshot.params, [name])
    grid = LossGrid(snapshot, (kernel.make_direction(snapshot.params),))
    assert grid.choose_block_rows() == rows


@pytest.mark.parametrize("kind", ["contour", "3d"])
def test_figures_name_their_axes(line, line_model, kind):
    surface = loss_surface(line_model, line.x, line.y, KERNEL, "dense_1/bias", values=5)
    (axes, *_) = surface.plot(kind=kind).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("dense_1/kernel", "dense_1/bias")
    assert axes.get_title().replace("\n", " ") == surface.title
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["training", "lowest", "model"]


def test_the_figure_of_a_curve_draws_on_axes(line, line_model):
    from matplotlib.figure import Figure

    curve, figure = loss_curve(line_model, line.x, line.y, *KERNEL, values=5), Figure()
    assert curve.plot(figure.add_subplot()) is figure
    assert figure.axes[0].get_ylabel() == "loss (MeanSquaredError)"
    assert list(curve.to_frame()) == ["weight", "loss"]
    assert "<img" in curve._repr_html_()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda m: loss_curve(m, X, Y, "dense_1/kernal"), ConfigError, "Did you mean 'dense_1/k"),
        (lambda m: loss_curve(m, X, Y, *KERNEL, values=1), ConfigError, "at least 2 values"),
        (lambda m: loss_curve(m, X, Y, *KERNEL, values=[2, 1]), ConfigError, "ascending order"),
        (lambda m: loss_curve(m, X, Y, *KERNEL, values="many"), ConfigError, "or their number"),
        (
            lambda m: loss_surface(m, X, Y, KERNEL, ("dense_1/bias", 0), values=501),
            ConfigError,
            "loss_surface: expected at most 250,000 points in all. Received: values='501 x 501'",
        ),
        (
            lambda m: loss_surface(m, X, Y, KERNEL, ("dense_1/bias", 0), values=[1, 2, 3]),
            ConfigError,
            "a number of values, or a pair",
        ),
        (
            lambda m: loss_landscape(m, X, Y, resolution=501),
            ConfigError,
            "resolution from 2 to 500. Received: resolution=501",
        ),
        (lambda m: loss_landscape(m, X, Y, radius=0), ConfigError, "a radius > 0"),
        (lambda m: loss_landscape(m, X, Y, seed=None), ConfigError, "seed to be an int >= 0"),
        (lambda m: loss_landscape(m, X), DataError, "y: expected targets"),
        (lambda m: loss_landscape(m, X, Y, path="run"), DataError, "path: expected a history with"),
        (
            lambda m: loss_landscape(m, X, Y, path={"dense_1/kernel": np.zeros((2, 9, 9))}),
            DataError,
            r"arrays \(n, \*\(3, 4\)\) of dense_1/kernel",
        ),
        (lambda m: loss_landscape(m, X, Y, path=[1, 2, 3]), DataError, r"points \(n, 2\)"),
    ],
)
def test_refused_calls(call, error, text):
    with pytest.raises(error, match=text):
        call(classifier())


def test_an_unknown_kind_of_figure(line, line_model):
    surface = loss_surface(line_model, line.x, line.y, KERNEL, "dense_1/bias", values=3)
    with pytest.raises(ConfigError, match="kind: expected one of contour, 3d"):
        surface.plot(kind="3D")


def test_a_history_without_weights(line, line_model):
    model = small_model(Input(1), Dense(1), loss="mse")
    history = model.fit(line.x, line.y, verbose=0)
    with pytest.raises(DataError, match=r"callbacks=\[gn.callbacks.WeightHistory\(\)\]"):
        loss_curve(model, line.x, line.y, *KERNEL, path=history)
