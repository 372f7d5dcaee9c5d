"""docs/losses.md: each row of its tables is run."""

import re
from functools import partial

import numpy as np
import pytest

import pages
from glassnet import Sequential, layers, losses
from glassnet.errors import ConfigError, DataError

table = partial(pages.table, "losses.md")
X = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)


def evaluated(code):
    return eval(code, vars(layers) | vars(losses))


@pytest.mark.parametrize(("last", "targets", "loss", "metric"), table("Which loss `fit` infers"))
def test_inferred(last, targets, loss, metric, capsys):
    model = Sequential([evaluated(last)], seed=0)
    history = model.fit(X, evaluated(targets), epochs=1, verbose=2)
    line = capsys.readouterr().out.splitlines()[0]
    assert model._loss == evaluated(loss)
    assert type(evaluated(loss)).__name__ in line
    assert list(history.history) == ["loss"] + [metric] * bool(metric)


@pytest.mark.parametrize(("loss", "last", "targets"), table("Valid combinations"))
def test_paired(loss, last, targets):
    model = Sequential([evaluated(last)], seed=0)
    model.compile("sgd", evaluated(loss))
    assert np.isfinite(model.fit(X, evaluated(targets), verbose=0).history["loss"]).all()


@pytest.mark.parametrize(("loss", "last", "targets", "words"), table("Errors"))
def test_refused(loss, last, targets, words):
    model = Sequential([evaluated(last)], seed=0)

    def train():
        model.compile("sgd", evaluated(loss))
        model.fit(X, evaluated(targets), verbose=0)

    with pytest.raises((ConfigError, DataError), match=re.escape(words)):
        train()


def test_tables_are_found():
    assert [
        len(table(name)) for name in ("Which loss `fit` infers", "Valid combinations", "Errors")
    ] == [10, 29, 11]
