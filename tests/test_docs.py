"""docs/losses.md: every row of its tables is run as it stands there."""

import re
from pathlib import Path

import numpy as np
import pytest

from glassnet import Sequential, layers, losses
from glassnet.errors import ConfigError, DataError

PAGE = (Path(__file__).parents[1] / "docs" / "losses.md").read_text(encoding="utf-8")
X = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)


def table(heading):
    """The rows below a heading, each cell reduced to the code in it."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")][2:]
    return [[(re.findall(r"`([^`]+)`", cell) or [""])[0] for cell in row] for row in rows]


def evaluated(code):
    return eval(code, vars(layers) | vars(losses))


@pytest.mark.parametrize(("last", "targets", "loss", "metric"), table("Which loss `fit` infers"))
def test_inferred(last, targets, loss, metric, capsys):
    model = Sequential([evaluated(last)], seed=0)
    history = model.fit(X, evaluated(targets), epochs=1, verbose=2)
    said = capsys.readouterr().out.splitlines()[0]
    assert model._loss == evaluated(loss)
    assert type(evaluated(loss)).__name__ in said
    assert list(history.history) == ["loss"] + [metric] * bool(metric)


@pytest.mark.parametrize(("loss", "last", "targets"), table("What pairs with what"))
def test_paired(loss, last, targets):
    model = Sequential([evaluated(last)], seed=0)
    model.compile("sgd", evaluated(loss))
    assert np.isfinite(model.fit(X, evaluated(targets), verbose=0).history["loss"]).all()


@pytest.mark.parametrize(("loss", "last", "targets", "words"), table("What is refused"))
def test_refused(loss, last, targets, words):
    model = Sequential([evaluated(last)], seed=0)

    def train():
        model.compile("sgd", evaluated(loss))
        model.fit(X, evaluated(targets), verbose=0)

    with pytest.raises((ConfigError, DataError), match=re.escape(words)):
        train()


def test_tables_are_found():
    assert [len(table(name)) for name in ("Which loss `fit` infers", "What pairs with what", "What is refused")] == [10, 14, 8]
