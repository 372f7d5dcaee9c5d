"""docs/not-for.md: the code raises the quoted errors, and the claims about other libraries hold."""

import re

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

import glassnet as gn
import pages
from glassnet import keras
from glassnet.errors import GlassnetError

ROWS = pages.table("not-for.md", "Use another library for")
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 3)), np.arange(60) % 2


@pytest.mark.parametrize(("task", "code", "words", "library"), [row for row in ROWS if row[1]])
def test_refused(task, code, words, library):
    with pytest.raises(GlassnetError, match=re.escape(words)):
        eval(code, {"keras": keras, "gn": gn, "x": X, "y": Y})


def test_rows_without_code_quote_no_words():
    assert (
        [bool(code) for _, code, _, _ in ROWS]
        == [bool(words) for _, _, words, _ in ROWS]
        == [True] * 11 + [False] * 2
    )


@pytest.mark.parametrize(
    "name", re.findall(r"`layers\.(\w+)`", (pages.DOCS / "not-for.md").read_text(encoding="utf-8"))
)
def test_the_named_layers_exist(name):
    assert issubclass(getattr(gn.layers, name), gn.layers.Layer)


def test_losses_on_one_output_add_up():
    """Half a squared and half an absolute error of 2: (4 + 2) / 2 = 3."""
    model = gn.Sequential([gn.layers.Input(1), gn.layers.Dense(1, kernel_initializer="zeros")])
    model.compile("sgd", lambda y, p: 0.5 * (y - p) ** 2 + 0.5 * abs(y - p))
    assert model.evaluate([[1.0]], [2.0]) == 3.0


def test_boosted_trees_accept_missing_values_and_need_no_scaling():
    """Scaling by a power of two is exact, so it changes no comparison."""
    x = X.copy()
    x[::7, 0] = np.nan
    plain, scaled = (
        HistGradientBoostingClassifier(random_state=0).fit(x * factor, Y).predict_proba(x * factor)
        for factor in (1, 1024)
    )
    np.testing.assert_array_equal(plain, scaled)
