"""What every view refuses in the same words. Oracle: the signature of each function (6)."""

import copy
import inspect
import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.linear_model import LinearRegression

import glassnet as gn
from glassnet.errors import ArgumentError, ConfigError, DataError, MissingError
from glassnet.layers import Dense, Input

VIEWS = gn.inspection.__all__
MODEL_VIEWS = [
    name for name in VIEWS if "model" in inspect.signature(getattr(gn.inspection, name)).parameters
]
KERNEL, BIAS = ("dense_1/kernel", (0, 0)), ("dense_1/bias", 0)
X, Y = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.5, 2.0]]), np.array([1.0, 2.0, 3.0, 4.0])


@pytest.fixture(scope="module")
def model():
    model = gn.Sequential([Input(2), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    return model


def required_arguments(name):
    """Return the arguments without a default, and the last of the others."""
    parameters = inspect.signature(getattr(gn.inspection, name)).parameters.values()
    options = [p.name for p in parameters if p.default is not p.empty]
    required = [p.name for p in parameters if p.default is p.empty and p.kind != p.VAR_KEYWORD]
    return required, options[-1]


@pytest.mark.parametrize("name", [name for name in VIEWS if name not in ("attribute", "descent")])
def test_an_unknown_argument_names_the_nearest(model, name):
    required, option = required_arguments(name)
    arguments = {each: model if each == "model" else None for each in required}
    with pytest.raises(ArgumentError, match=f"{option}_'. Did you mean '{option}'"):
        getattr(gn.inspection, name)(**arguments, **{f"{option}_": 1})


def test_an_unknown_option_names_the_nearest(model):
    with pytest.raises(ConfigError, match="Did you mean 'steps'"):
        gn.inspection.attribute(model, X, stepz=3)
    with pytest.raises(ConfigError, match="Did you mean 'epochs'"):
        gn.inspection.descent(model, X, Y, epoch=3)
    with pytest.raises(ArgumentError, match="Did you mean 'test'"):
        gn.report(model, (X, Y), "run.html", tset=(X, Y))


@pytest.mark.parametrize("name", MODEL_VIEWS)
@pytest.mark.parametrize(
    ("other", "received"),
    [
        (None, "NoneType"),
        (X, "ndarray"),
        (LinearRegression(), "LinearRegression"),
        (gn.Sequential, "the class Sequential"),
    ],
    ids=["nothing", "rows", "another library", "class"],
)
def test_what_is_no_model_is_refused(name, other, received):
    required, _ = required_arguments(name)
    text = f"{name}: expected a model as the first argument. Received: model='{received}'. Pass a"
    with pytest.raises(ConfigError, match=text):
        getattr(gn.inspection, name)(other, *[None] * (len(required) - 1))


def test_views_keep_their_signature_and_text():
    assert len(MODEL_VIEWS) == len(VIEWS) - 3  # correlations, activation and loss_function
    assert "Raises:" in gn.inspection.loss_curve.__doc__
    assert next(iter(inspect.signature(gn.inspection.weights).parameters)) == "model"
    with pytest.raises(MissingError, match="Did you mean 'decision_boundary'"):
        _ = gn.inspection.decision_bondary


def test_axes_that_are_none(model):
    view = gn.inspection.decision_boundary(model, X, Y, resolution=3)
    axes = Figure().subplots(1, 2)
    text = r"plot: expected ax to be one Axes of matplotlib, or None. Received: ax='ndarray'. Of fi"
    with pytest.raises(ConfigError, match=text):
        view.plot(axes)
    with pytest.raises(ConfigError, match="Received: ax='ndarray'"):
        gn.inspection.network_drawing(model).plot(axes)
    landscape = gn.inspection.loss_landscape(model, X, Y, 3)
    with pytest.raises(ConfigError, match="expected ax to have three dimensions"):
        landscape.plot(axes[0], kind="3d")
    assert view.plot(axes[1]) is axes[1].figure


def test_test_rows_that_are_no_pair(model):
    text = r"test: expected a table, or \(x_test, y_test\). Received: n_parts=1"
    with pytest.raises(DataError, match=text):
        gn.inspection.decision_boundary(model, X, Y, test=(X,))


def test_a_gallery_of_no_rows(model):
    result = gn.inspection.mistakes(model, X, Y)
    with pytest.raises(ConfigError, match="plot_gallery: expected n to be an int >= 1"):
        result.plot_gallery(0)


def test_a_boundary_of_sequences_names_other_views():
    series = gn.Sequential([Input((6, 1)), gn.layers.Flatten(), Dense(3)], seed=0)
    with pytest.raises(ConfigError, match="For images, series and texts use"):
        gn.inspection.decision_boundary(series, np.zeros((4, 6, 1)))


def test_targets_of_several_numbers_color_no_points():
    model = gn.Sequential([Input(2), Dense(3, activation="tanh"), Dense(2)], seed=0)
    view = gn.inspection.embeddings(model, X, X[:, ::-1])
    assert view.classes is None
    assert view.targets is None
    assert view.points.shape == (4, 2)


@pytest.mark.parametrize("name", ["loss_curve", "mistakes", "decision_boundary", "descent"])
def test_a_name_instead_of_targets(model, name):
    text = f"{name}: expected targets y, or None if x holds them. Received: y='dense_1/kernel'. The"
    rest = ["dense_1/bias"] if name == "loss_curve" else []
    with pytest.raises(ConfigError, match=text):
        getattr(gn.inspection, name)(model, X, "dense_1/kernel", *rest)


def test_a_path_instead_of_an_array(model):
    with pytest.raises(DataError, match=r"expected numbers.*Read a file first: numpy.load\(path\)"):
        gn.inspection.attribute(model, "rows.npy")


def test_results_name_the_nearest_attribute_and_argument(model):
    view = gn.inspection.decision_boundary(model, X, Y, resolution=3)
    with pytest.raises(MissingError, match=r"attribute 'predictoin'\. Did you mean 'prediction'"):
        _ = view.predictoin
    with pytest.raises(ArgumentError, match=r"keyword argument 'axs'\. Did you mean 'ax'"):
        view.plot(axs=None)
    twin = copy.deepcopy(view)
    np.testing.assert_array_equal(twin.prediction, view.prediction)


def count_overlaps(texts):
    boxes = sorted((text.get_window_extent() for text in texts), key=lambda box: box.x0)
    return sum(left.x1 > right.x0 for left, right in itertools.pairwise(boxes))


def test_small_numbers_on_axes_do_not_overlap():
    """Oracle: the boxes that the labels of the axes fill."""
    model = gn.Sequential([Input(2), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    model.set_weights([[[1e-3], [-4e-3]], [0.0]])
    figures = [
        gn.inspection.attribute(model, X[:1]).plot(),
        gn.inspection.loss_surface(
            model, X, Y, KERNEL, BIAS, values=(np.linspace(1e-3, 9e-3, 5), np.linspace(0, 1e-3, 5))
        ).plot(),
    ]
    for figure in figures:
        FigureCanvasAgg(figure).draw()
        axis = figure.axes[0].xaxis
        assert count_overlaps([each for each in axis.get_ticklabels() if each.get_text()]) == 0
    labels = [each.get_text() for each in figures[1].axes[1].get_yticklabels()]
    assert len(set(labels)) == len(labels) > 3


def test_legends_leave_bars_free():
    """Oracle: the boxes of the legend and of the bars."""
    table = {"a": [1, 2, 3, 4], "b": ["u", "v", "u", "v"], "price": [2, 3, 5, 6]}
    several = gn.Sequential([Input(2), Dense(2, activation="sigmoid")], seed=0)
    several.compile("sgd", "binary_crossentropy")
    counts = gn.inspection.mistakes(several, X, np.ones((4, 2), int))
    figures = [gn.inspection.correlations(table, "price").plot_columns(), counts.plot()]
    for figure in figures:
        FigureCanvasAgg(figure).draw()
        (axes,) = figure.axes
        legend = axes.get_legend().get_window_extent()
        assert not any(legend.overlaps(bar.get_window_extent()) for bar in axes.patches)


def test_descents_of_estimators_name_their_network():
    estimator = gn.estimators.NeuralRegressor()
    with pytest.raises(ConfigError, match=r"Of a fitted estimator, pass estimator\.model_"):
        gn.inspection.descent(estimator, X, Y)


def test_the_importance_of_texts_says_what_they_are():
    words = gn.layers.TextVectorization(output_mode="count").adapt(["a b", "b c"])
    counted = gn.Sequential([words, Dense(1, activation="sigmoid")], seed=0)
    with pytest.raises(DataError, match=r"Received: x='texts'.*gn\.inspection\.attribute"):
        gn.inspection.importance(counted, ["a b", "b c"], [0, 1])
