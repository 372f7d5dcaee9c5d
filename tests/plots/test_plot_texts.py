"""Names from data are drawn as they are: oracle: the texts of the rendered figures."""

import importlib
import inspect
import itertools
import pkgutil

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

import glassnet as gn
from glassnet import plots
from glassnet.inspection.view import View
from glassnet.plots.figure import to_png
from glassnet.plots.page_figures import draw_element
from glassnet.plots.text import set_title, use_plain_numbers, wrap_title

NAMES = ("price $, US$", "a_b^2 \\frac{$x$", "<b>größe</b> $^$")
"""Column names: with formulas, refused ones too, and tags."""

TARGET, CLASSES = "risk $r_$", ("no $_$", "yes & $\\x$")


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({NAMES[0]: rng.normal(size=40), NAMES[1]: rng.normal(size=40)})
    frame[NAMES[2]] = rng.choice(["$a$", "b_$^$"], 40)
    frame[TARGET] = np.where(frame[NAMES[0]] + rng.normal(0, 0.5, 40) > 0, CLASSES[1], CLASSES[0])
    return frame


@pytest.fixture(scope="module")
def model(table):
    model = gn.Sequential(
        [gn.layers.Dense(3, "tanh", name="units $_$"), gn.layers.Dense(2, "softmax")]
    )
    model.fit(table, target=TARGET, epochs=2, verbose=0)
    return model


VIEWS = {
    "attribute": lambda m, t: gn.inspection.attribute(m, t[:2]),
    "sanity": lambda m, t: gn.inspection.attribute(m, t[:1], method="occlusion", sanity=True),
    "correlations": lambda _, t: gn.inspection.correlations(t, TARGET),
    "boundary": lambda m, t: gn.inspection.decision_boundary(m, t, features=NAMES[:2]),
    "levels": lambda m, t: gn.inspection.decision_boundary(m, t, features=NAMES[1:]),
    "embeddings": lambda m, t: gn.inspection.embeddings(m, t, layer="units $_$"),
    "fitted": lambda m, t: gn.inspection.fitted(m, t, feature=NAMES[2]),
    "importance": lambda m, t: gn.inspection.importance(m, t, n_repeats=2),
    "loss_curve": lambda m, t: gn.inspection.loss_curve(m, t, None, "units $_$/bias", 0, values=5),
    "mistakes": lambda m, t: gn.inspection.mistakes(m, t),
    "network": lambda m, _: gn.inspection.network_drawing(m),
    "neurons": lambda m, t: gn.inspection.neurons(m, t, features=NAMES[1:], resolution=5),
    "top_inputs": lambda m, t: gn.inspection.top_inputs(m, t, "units $_$"),
    "weights": lambda m, _: gn.inspection.weights(m),
    "trace": lambda m, t: m.trace(t[:1]),
}


def find_texts(figure):
    """Return the texts of a figure that a reader sees, and require that it can be rendered."""
    with mpl.rc_context({"text.parse_math": True}):
        assert len(to_png(figure, dpi=40)) > 1000
    return [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_reads_names_as_formulas(model, table, view):
    texts = find_texts(VIEWS[view](model, table).plot())
    named = [text for text in texts if "$" in text.get_text()]
    assert named
    assert [text.get_text() for text in named if text.get_parse_math()] == []


def test_pages_with_a_slider_show_names_as_they_are(model, table, tmp_path):
    names = {"$a$": "sgd", "b_$^$": "adam"}
    paths = gn.inspection.descent(model, table, target=TARGET, optimizers=names, epochs=1)
    find_texts(paths.plot())
    paths.animate(tmp_path / "paths.html")
    page = (tmp_path / "paths.html").read_text("utf-8")
    assert ">$a$</text>" in page
    assert ">b_$^$</text>" in page


@pytest.mark.filterwarnings("ignore:Glyph")
def test_control_characters_leave_pages_and_long_names_are_shortened(tmp_path):
    """XML forbids most control characters."""
    name = "bell\x07" + "x" * 200
    frame = pd.DataFrame({name: np.arange(6.0), "goal\x02": [1.0, 3.0, 2.0, 5.0, 4.0, 6.0]})
    model = gn.Sequential([gn.layers.Dense(1)], seed=0)
    model.fit(frame, target="goal\x02", epochs=1, verbose=0)
    figure = gn.inspection.fitted(model, frame).plot()
    labels = [text.get_text() for text in figure.findobj(Text)]
    assert "bell\x07" + "x" * 42 + "…" in labels
    svg, _ = draw_element(gn.inspection.fitted(model, frame).plot, "fit", "a fit")
    assert "bellxxx" in svg
    assert "goal</text>" in svg


def test_axes_of_the_user_show_names_as_they_are_and_keep_other_formulas(model, table):
    figure = Figure()
    first, second = figure.subplots(1, 2)
    first.set(title="$x^2$", xticks=[0, 1], xticklabels=["$a$", "$b$"])
    figure.canvas.draw()
    second.set_xticks([0], ["old"])
    gn.inspection.fitted(model, table, feature=NAMES[2]).plot(second)
    find_texts(figure)
    assert first.title.get_parse_math()
    labels = [second.title, second.xaxis.label, second.yaxis.label, *second.get_xticklabels()]
    assert not any(text.get_parse_math() for text in labels)
    assert {"$a$", "b_$^$"} <= {text.get_text() for text in second.get_xticklabels()}


def test_a_name_with_a_comma_is_one_name(model, table):
    figure = VIEWS["importance"](model, table).plot()
    assert set(NAMES) == {text.get_text() for text in figure.axes[0].get_yticklabels()}


def test_html_of_a_view_shows_tags_as_text(model, table):
    page = gn.inspection.fitted(model, table, feature=NAMES[2])._repr_html_()
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


def test_every_function_that_draws_names_is_plain():
    modules = [
        importlib.import_module(f"glassnet.plots.{m.name}")
        for m in pkgutil.iter_modules(plots.__path__)
    ]
    functions = [
        function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and name.startswith("plot_")
    ]
    assert len(functions) > 40
    assert [f.__qualname__ for f in functions if not hasattr(f, "__wrapped__")] == []


def test_results_of_views_are_frozen_and_share_their_axes_argument():
    for name in gn.inspection.__all__:
        getattr(gn.inspection, name)
    views = list(
        itertools.chain(*(each.__subclasses__() for each in (View, *View.__subclasses__())))
    )
    views = [view for view in views if view.__module__.startswith("glassnet.")]
    assert len(views) >= 20
    for view in views:
        assert view.__dataclass_params__.frozen, view
        parameters = inspect.signature(view.plot).parameters
        assert "ax" not in parameters or parameters["ax"].default is None, view


def test_titles_are_wrapped_to_their_figure():
    figure = Figure(figsize=(3, 2))
    set_title(figure, "word " * 20 + "; " + "x" * 50)
    lines = figure.get_suptitle().splitlines()
    assert max(map(len, lines)) <= 33
    assert lines[-2:] == ["x" * 33, "x" * 17]
    assert wrap_title("a\nb; c", 5) == "a\nb;\nc"


def test_logarithmic_ticks_are_numbers():
    axes = Figure().add_subplot(xlim=(0.002, 30), xscale="log")
    use_plain_numbers(axes.xaxis)
    axes.figure.canvas.draw()
    assert [text.get_text() for text in axes.get_xticklabels()][1:-1] == ["0.01", "0.1", "1", "10"]
