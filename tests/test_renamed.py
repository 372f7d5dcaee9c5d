"""Names of release 0.1 are refused, and the message gives the new name."""

from dataclasses import dataclass

import numpy as np
import pytest

import glassnet as gn
from glassnet.callbacks import Decision
from glassnet.errors import ConfigError, MissingError
from glassnet.initializers import Initializer
from glassnet.layers import Composite, Dense, Layer
from glassnet.losses import Loss
from glassnet.metrics import AUC, Metric

X, Y = np.zeros((4, 2), np.float32), np.array([0, 1, 0, 1])


def fitted():
    model = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    model.fit(X, Y, verbose=0)
    return model


@pytest.mark.parametrize(
    ("base", "old", "new"),
    [
        (Layer, "told", "learned_message"),
        (Layer, "require_input", "check_input"),
        (Composite, "stacks", "branch_layers"),
        (Composite, "join", "merge_outputs"),
        (Composite, "told", "learned_message"),
        (Loss, "rows", "unreduced"),
        (Loss, "boundary", "decision_threshold"),
        (Loss, "link", "output_activation"),
        (Metric, "suited", "configure"),
        (Initializer, "several", "draw_many"),
    ],
)
def test_a_method_by_its_old_name_is_refused_at_the_class(base, old, new):
    """Otherwise the engine would never call it."""
    text = rf"^Mine: {old} is now called {new}\. Rename it\.$"
    for value in (lambda self, *args: None, property(lambda self: None), "sigmoid"):
        with pytest.raises(ConfigError, match=text):
            type("Mine", (base,), {old: value})


def test_a_field_may_have_such_a_name():
    """`unit` and `link` are good names for a setting of a loss."""

    @dataclass(frozen=True)
    class Scaled(Loss):
        unit: float = 2.0
        link: str = "none"

        def unreduced(self, y, z):
            return self.unit * (z - y)[:, 0] ** 2

    assert Scaled(3.0).unit == 3.0


def test_attributes_by_their_old_names():
    model = fitted()
    trace = model.trace(X, Y)
    for thing, old, new in (
        (model, "intake", "preprocessor"),
        (trace, "rows", "unreduced_loss"),
        (trace, "intake", "preprocessor"),
        (trace.links[0], "over", "gradient_denominator"),
        (Decision(), "keep", "keep_weights"),
        (AUC(), "link", "output_activation"),
        (model.history, "plain", "to_data"),
        (gn.data.series({"y": [1.0, 2, 3, 4, 5]}, "y"), "said", "messages"),
    ):
        who = type(thing).__name__
        with pytest.raises(MissingError, match=rf"^{who}\.{old} is now called {who}\.{new}\.$"):
            getattr(thing, old)
        assert not hasattr(thing, old)
        getattr(thing, new)
    with pytest.raises(AttributeError, match="'Sequential' object has no attribute 'intakes'"):
        _ = model.intakes


def test_arguments_by_their_old_names():
    with pytest.raises(ConfigError, match=r"^Decision: keep= is now called keep_weights=\.$"):
        Decision(keep=True)
    with pytest.raises(ConfigError, match=r"^AUC: link= is now called output_activation=\.$"):
        AUC(link="sigmoid")
    with pytest.raises(ConfigError, match=r"fit: expected column_types=, the new name of columns="):
        fitted().fit({"a": [1.0, 2.0], "b": [0, 1]}, target="b", columns={"a": "number"})
    with pytest.raises(MissingError, match=r"callbacks\.Save is now called callbacks\.SaveRequest"):
        _ = gn.callbacks.Save
