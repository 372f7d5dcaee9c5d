"""Curves of activations and losses. Oracles: formulas worked out by hand, and differences of the
values themselves (2, 6).
"""

import numpy as np
import pytest
from matplotlib.figure import Figure

import glassnet as gn
from glassnet.activations import ACTIVATIONS
from glassnet.errors import ConfigError
from glassnet.inspection.function_plots import ACTIVATION_LIMITS, find_kinks
from glassnet.losses import LOSSES

SMOOTH = ["sigmoid", "tanh", "softplus", "gelu", "softmax"]


@pytest.fixture(scope="module")
def smooth():
    return gn.inspection.activation(SMOOTH)


def test_slopes_worked_out_by_hand(smooth):
    z = smooth.x[0].astype(float)
    s, t = 1 / (1 + np.exp(-z)), np.tanh(z)
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    slope = dict(zip(smooth.names, smooth.slope, strict=True))
    np.testing.assert_allclose(slope["sigmoid"], s * (1 - s), atol=1e-6)
    np.testing.assert_allclose(slope["tanh"], 1 - t * t, atol=1e-6)
    np.testing.assert_allclose(slope["softplus"], s, atol=1e-6)
    np.testing.assert_allclose(np.diff(slope["gelu"])[200], density[200] * 2 * 0.04, rtol=1e-2)
    assert smooth.title == "Steepest slope: sigmoid 0.25, tanh 1, softplus 0.9997 and 2 more"


def test_softmax_is_drawn_against_a_unit_of_score_0(smooth):
    """Oracle: exp(z) / (exp(z) + exp(0)) is the sigmoid."""
    np.testing.assert_allclose(smooth.y[4], smooth.y[0], atol=1e-6)
    np.testing.assert_allclose(smooth.slope[4], smooth.slope[0], atol=1e-6)
    assert smooth.arguments[0] == "z"
    assert smooth.arguments[4] == "z, the other unit's is 0"


def check_differences(curves):
    """Compare the change over each step with the mean slope of its ends, except at a kink."""
    for i in range(len(curves.names)):
        x, y, slope = (values[i].astype(float) for values in (curves.x, curves.y, curves.slope))
        step = x[1] - x[0]
        differences, means = np.diff(y) / step, (slope[1:] + slope[:-1]) / 2
        distance = np.abs(x[:-1, None] - curves.kinks[i]).min(axis=1, initial=np.inf)
        far = (distance > 1.5 * step) & np.isfinite(differences)
        assert far.sum() > 390 - 4 * len(curves.kinks[i])
        np.testing.assert_allclose(
            means[far], differences[far], rtol=1e-3, atol=1e-3, err_msg=curves.names[i]
        )


def test_slopes_are_those_of_the_values(smooth):
    check_differences(smooth)


@pytest.mark.slow
def test_every_activation_can_be_drawn():
    curves = gn.inspection.activation(list(ACTIVATIONS))
    check_differences(curves)
    assert curves.names == tuple(ACTIVATIONS)
    assert len(curves.plot().axes) == 28


@pytest.mark.slow
def test_every_loss_can_be_drawn():
    curves = gn.inspection.loss_function(list(LOSSES), limits=(0.1, 0.9))
    check_differences(curves)
    assert curves.names == tuple(LOSSES)


def test_kinks_and_limits():
    """Oracle: the definitions. relu6 bends at 0 and 6, hard_shrink jumps at -1/2 and 1/2."""
    curves = gn.inspection.activation(["relu6", "hard_shrink", "elu"])
    np.testing.assert_array_equal(curves.kinks[0], [0, 6])
    np.testing.assert_array_equal(curves.kinks[1], [-0.5, 0.5])
    assert len(curves.kinks[2]) == 0
    np.testing.assert_array_equal(curves.limits, [[0, 6], [-np.inf, np.inf], [-1, np.inf]])
    assert str(curves).splitlines()[1] == (
        "relu6 (x: z, -8 to 8): kink or jump at x = 0, 6; "
        "approaches 0 at the far left, approaches 6 at the far right"
    )
    assert curves.slope[0][curves.x[0] == 0] == 0  # as in training


def test_a_kink_between_two_points_is_found_and_a_steep_bend_is_not():
    x = np.linspace(-1, 1, 11)
    kinked = find_kinks(lambda x: (np.abs(x - 0.123), np.sign(x - 0.123)), x)
    np.testing.assert_array_equal(kinked, [0.123])
    steep = find_kinks(lambda x: (np.tanh(50 * x), 50 / np.cosh(50 * x) ** 2), x)
    assert len(steep) == 0


def test_layers_and_functions_are_activations_too():
    def cube(z):
        return z**3

    layers = [gn.layers.Activation("relu"), gn.layers.PReLU(alpha_initializer="ones"), cube]
    curves = gn.inspection.activation(layers, limits=np.array([-1, 1]))
    x = curves.x[0]
    assert curves.names == ("relu", "prelu", "cube")
    np.testing.assert_allclose(curves.y, [np.maximum(x, 0), x, x**3], atol=1e-7)
    np.testing.assert_allclose(curves.slope[2], 3 * x**2, atol=1e-6)


def test_losses_of_numbers():
    """Oracle: e^2 and 2 e; |e| has slope 0 at 0 and a kink; Huber's slope is e, clipped."""
    curves = gn.inspection.loss_function(["mse", "mae", gn.losses.Huber(0.5)])
    e = curves.x[0]
    np.testing.assert_allclose(curves.y[0], e**2, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(curves.slope[0], 2 * e, rtol=1e-6)
    np.testing.assert_array_equal(curves.slope[1], np.sign(e))
    np.testing.assert_array_equal(curves.kinks[1], [0])
    np.testing.assert_allclose(curves.slope[2], np.clip(e, -0.5, 0.5), rtol=1e-6)


def test_losses_of_classes():
    """Oracle: -log p has slope -1 / p; over the logit, the slope is p - 1."""
    names = ["binary_crossentropy", "sparse_categorical_crossentropy", "mse"]
    curves = gn.inspection.loss_function(names, versus="probability")
    p = curves.x[0].astype(float)
    for i in (0, 1):
        np.testing.assert_allclose(curves.y[i], -np.log(p), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(curves.slope[i], -1 / p, rtol=1e-4)
    np.testing.assert_allclose(curves.y[2], (1 - p) ** 2, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(curves.limits, [[np.inf, 0], [np.inf, 0], [1, 0]])
    logits = gn.inspection.loss_function(names[:2], versus="logit")
    p = 1 / (1 + np.exp(-logits.x[0].astype(float)))
    np.testing.assert_allclose(logits.slope, [p - 1, p - 1], atol=1e-6)


def test_options_of_losses_count():
    """Oracle: with smoothing s of two classes, l = -(1 - s/2) log p - s/2 log(1 - p)."""
    smoothed = gn.losses.BinaryCrossentropy(label_smoothing=0.2)
    weighted = gn.losses.CategoricalFocalCrossentropy(alpha=[2.0, 1.0, 1.0], gamma=0.0)
    curves = gn.inspection.loss_function([smoothed, weighted])
    p = curves.x[0].astype(float)
    np.testing.assert_allclose(
        curves.y[0], -0.9 * np.log(p) - 0.1 * np.log(1 - p), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(curves.y[1], -2 * np.log(p), rtol=1e-4, atol=1e-5)


def test_a_loss_of_counts_is_not_defined_below_0():
    """Oracle: yhat - 3 log yhat has its minimum at the true value."""
    curves = gn.inspection.loss_function("poisson", target=3.0)
    is_below = curves.x[0] < -0.01
    assert np.isnan(curves.y[0, is_below]).all()
    assert np.isnan(curves.slope[0, is_below]).all()
    assert curves.x[0, np.nanargmin(curves.y[0])] == pytest.approx(3, abs=0.02)
    assert curves.arguments == ("prediction, the true value is 3",)


def test_figures_and_frames(smooth):
    frame = smooth.to_frame()
    assert list(frame.columns) == ["function", "x", "y", "slope"]
    assert len(frame) == 5 * 401
    assert len(smooth.plot().axes) == 6  # three in a row, one of them empty
    compared = gn.inspection.activation(["tanh", "relu"]).plot()
    assert [axes.get_ylabel() for axes in compared.axes] == ["value", "slope"]
    single = gn.inspection.activation("tanh")
    axes = Figure().subplots()
    assert single.plot(ax=axes) is axes.figure
    assert axes.get_title() == "tanh: the steepest slope is 1"
    assert axes.get_xlabel() == "z"
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), single.y[0])
    assert (single.x[0, 0], single.x[0, -1]) == ACTIVATION_LIMITS


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda gi: gi.activation("rleu"), "Did you mean 'relu'"),
        (lambda gi: gi.activation([]), "activation: expected at least one function"),
        (lambda gi: gi.activation(gn.layers.PReLU), r"Received: received='PReLU'. Write PReLU\(\)"),
        (lambda gi: gi.activation(gn.layers.Dense(3)), "one number for each number.*Activation"),
        (lambda gi: gi.activation(gn.activations.glu), "glu: expected a layer that returns one"),
        (lambda gi: gi.activation("relu", (1, 0)), "limits: expected two numbers in order"),
        (lambda gi: gi.loss_function("mes"), "Did you mean 'mse'"),
        (lambda gi: gi.loss_function("mse", "logits"), "Did you mean 'logit'"),
        (
            lambda gi: gi.loss_function("hinge", "error"),
            "hinge: expected versus to be one of logit",
        ),
        (lambda gi: gi.loss_function("mse", target="a"), "target: expected a number"),
        (lambda gi: gi.activation(["relu", "tanh"]).plot(ax=1), "a single function with ax"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ConfigError, match=text):
        call(gn.inspection)
