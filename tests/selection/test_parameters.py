"""Parameters by name: the setups must equal models that are written by hand with those values."""

from dataclasses import dataclass
from typing import Any

import pytest

import glassnet as gn
from glassnet.errors import ConfigError
from glassnet.layers import (
    GRU,
    LSTM,
    Activation,
    BatchNormalization,
    Bidirectional,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GaussianDropout,
    Parallel,
    Residual,
    functional,
)
from glassnet.layers.composite import Composite
from glassnet.layers.layer_paths import iter_places
from glassnet.losses import BinaryCrossentropy, Huber
from glassnet.models.setup import Setup
from glassnet.optimizers import SGD, Adam, Optimizer
from glassnet.regularizers import L1, L1L2, L2, Regularizer
from glassnet.schedules import ExponentialDecay
from glassnet.selection.model_arguments import call_model_function
from glassnet.selection.parameters import (
    apply_values,
    parameter_names,
    split_values,
)


def make_setup(*layers, optimizer=None, loss=None):
    """Return a setup with names for its layers, as `Sequential` gives them."""
    return Setup(layers=functional.with_names(layers), optimizer=optimizer, loss=loss)


def changed_layers(layers, **values):
    return apply_values(make_setup(*layers), values).layers


def test_fields_of_the_optimizer_change_and_the_rate_follows():
    values = {"learning_rate": 0.5, "momentum": 0.9}
    setup = apply_values(make_setup(Dense(1), optimizer=SGD(0.1)), values)
    assert setup.optimizer == SGD(0.5, momentum=0.9)
    assert setup.rate == 0.5


def test_a_model_that_is_not_compiled_has_the_optimizer_that_fit_chooses():
    assert apply_values(make_setup(Dense(1)), {"learning_rate": 0.5}).optimizer == Adam(0.5)
    assert apply_values(make_setup(Dense(1)), {"l2": 0.1}).optimizer is None


def test_a_schedule_is_a_learning_rate_and_the_rate_is_its_factor():
    schedule = ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)
    setup = apply_values(make_setup(Dense(1), optimizer=SGD()), {"learning_rate": schedule})
    assert (setup.optimizer.learning_rate, setup.rate) == (schedule, 1.0)


@pytest.mark.parametrize("optimizer", ["sgd", SGD(0.3)])
def test_the_optimizer_is_set_before_its_fields(optimizer):
    """In whichever order the values come: momentum is no field of Adam, the old optimizer."""
    values = {"momentum": 0.5, "optimizer": optimizer}
    setup = apply_values(make_setup(Dense(1), optimizer=Adam()), values)
    assert setup.optimizer == SGD(getattr(optimizer, "learning_rate", 0.01), momentum=0.5)


def test_fields_of_the_loss_change():
    setup = make_setup(Dense(1, activation="sigmoid"), loss=BinaryCrossentropy())
    assert apply_values(setup, {"label_smoothing": 0.1}).loss == BinaryCrossentropy(
        label_smoothing=0.1
    )
    assert apply_values(make_setup(Dense(1), loss=Huber()), {"delta": 2.0}).loss == Huber(2.0)


@pytest.mark.parametrize(
    ("regularizer", "values", "expected"),
    [
        (None, {"l2": 0.5}, L2(0.5)),
        (None, {"l1": 0.5}, L1(0.5)),
        (None, {"l1": 0.1, "l2": 0.5}, L1L2(0.1, 0.5)),
        (L2(0.1), {"l2": 0.5}, L2(0.5)),
        (L2(0.1), {"l1": 0.5}, L1L2(0.5, 0.1)),
        (L1(0.1), {"l2": 0.0}, L1L2(0.1, 0.0)),
        (L1L2(0.1, 0.2), {"l1": 0.5}, L1L2(0.5, 0.2)),
    ],
)
def test_penalties_are_those_of_the_kernels(regularizer, values, expected):
    layers = [
        Conv2D(2, 3, kernel_regularizer=regularizer),
        Flatten(),
        Dense(1, kernel_regularizer=regularizer),
    ]
    first, _, last = changed_layers(layers, **values)
    assert first.kernel_regularizer == last.kernel_regularizer == expected
    assert first.bias_regularizer is None


@dataclass(frozen=True)
class MaxNorm(Regularizer):
    def __call__(self, w):
        return w.max()


def test_a_penalty_of_another_kind_is_not_replaced():
    with pytest.raises(
        ConfigError, match=r"value that l2 can take\. Received: l2=0\.1\. .*MaxNorm"
    ):
        changed_layers([Dense(1, kernel_regularizer=MaxNorm())], l2=0.1)


@pytest.mark.parametrize("name", ["dropout", "rate"])
def test_the_rate_of_every_dropout_layer_changes(name):
    layers = [Dropout(0.1), Residual([Dense(4), GaussianDropout(0.2)]), GRU(4, dropout=0.3)]
    expected = (Dropout(0.5), Residual([Dense(4), GaussianDropout(0.5)]), GRU(4, dropout=0.3))
    assert changed_layers(layers, **{name: 0.5}) == expected


@pytest.mark.parametrize(
    ("layers", "values", "expected"),
    [
        ([Dense(8), Dense(9), Dense(1)], {"units": 4}, [Dense(4), Dense(4), Dense(1)]),
        # the output layer is not the last layer
        (
            [Dense(8), Dense(1), BatchNormalization(), Activation("sigmoid")],
            {"units": 4, "activation": "tanh"},
            [Dense(4, "tanh"), Dense(1), BatchNormalization(), Activation("sigmoid")],
        ),
        # a linear layer whose activation follows keeps its own
        (
            [Dense(8), BatchNormalization(), Activation("relu"), Dense(8), Dense(1)],
            {"activation": "tanh"},
            [Dense(8), BatchNormalization(), Activation("tanh"), Dense(8, "tanh"), Dense(1)],
        ),
        (
            [Residual([Dense(8, "relu"), Dense(8)]), Activation("relu"), Dense(1)],
            {"activation": "tanh"},
            [Residual([Dense(8, "tanh"), Dense(8)]), Activation("tanh"), Dense(1)],
        ),
        (
            [Conv2D(8, 3), Flatten(), Dense(8), Dense(2)],
            {"filters": 4},
            [Conv2D(4, 3), Flatten(), Dense(8), Dense(2)],
        ),
        # composites: before the output all layers change, at the output none that decides its size
        (
            [Parallel([Dense(8), [Dense(8), Dense(8)], []]), Dense(1)],
            {"units": 4},
            [Parallel([Dense(4), [Dense(4), Dense(4)], []]), Dense(1)],
        ),
        (
            [Dense(8), Parallel([Dense(2), [Dense(8), Dense(3)]])],
            {"units": 4},
            [Dense(4), Parallel([Dense(2), [Dense(4), Dense(3)]])],
        ),
        (
            [Bidirectional(LSTM(8)), Dense(1)],
            {"units": 4},
            [Bidirectional(LSTM(4)), Dense(1)],
        ),
    ],
)  # fmt: skip
def test_hidden_layers_change_and_the_output_layer_does_not(layers, values, expected):
    assert changed_layers(layers, **values) == tuple(expected)


def test_one_field_of_one_layer_takes_precedence():
    layers = [Dense(8), Dense(8), Dense(1)]
    changed = changed_layers(layers, **{"dense_2/units": 16, "units": 4})
    assert changed == (Dense(4), Dense(16), Dense(1))
    assert [layer.name for layer in changed] == ["dense_1", "dense_2", "dense_3"]


def test_layers_inside_composites_have_paths():
    """Those of the summary; a layer inside keeps no name, so that it is numbered as before."""
    inner = Parallel([[Dense(8, name="wide"), Dense(4)], Dense(4)], merge="add")
    setup = make_setup(Residual([Dense(4), inner]), Dense(1))
    path = "residual_1/parallel_1/wide/units"
    changed = apply_values(setup, {path: 3, "residual_1/dense_1/use_bias": False}).layers[0]
    wide = Parallel([[Dense(3), Dense(4)], Dense(4)], merge="add")
    assert changed == Residual([Dense(4, use_bias=False), wide])
    names = [part.name for part in changed.parts]
    assert names == [part.name for part in setup.layers[0].parts]
    same_width = apply_values(setup, {"units": 4}).build((4,))
    assert same_width.network.shapes[-1] == (1,)


def test_fields_of_a_composite_of_the_user_are_fields_of_a_layer():
    @dataclass(frozen=True)
    class Gated(Composite):
        units: int = 1

        @property
        def branch_layers(self) -> Any:
            return (Dense(self.units),), (Dense(self.units, "sigmoid"),)

        def merge_outputs(self, outputs: Any) -> Any:
            return outputs[0] * outputs[1]

    assert changed_layers([Gated(8), Dense(1)], units=3) == (Gated(3), Dense(1))
    assert changed_layers([Dense(8), Gated(1)], units=3) == (Dense(3), Gated(1))


def test_every_name_that_is_listed_can_be_set():
    """Each field to the value that it has, which must change nothing."""
    layers = Residual([Dense(4, "relu"), Dropout(0.5)]), Bidirectional(LSTM(3)), Dense(1)
    setup = make_setup(*layers, optimizer=SGD(0.1), loss=Huber())
    by_path = {place.path: place.layer for place in iter_places(setup.layers)}
    paths = [name for name in parameter_names(setup) if "/" in name]
    assert {"residual_1/dense_1/units", "bidirectional_1/lstm_1/units"} < set(paths)
    for path in paths:
        layer, field = path.rsplit("/", 1)
        assert apply_values(setup, {path: getattr(by_path[layer], field)}) == setup
    for name in ("learning_rate", "momentum", "clipnorm"):
        assert apply_values(setup, {name: getattr(setup.optimizer, name)}).optimizer == SGD(0.1)


def test_arguments_of_fit_and_the_seed_are_separate():
    values = {"units": 4, "batch_size": 8, "class_weight": "balanced", "seed": 3, "epochs": 2}
    fit_values = {"batch_size": 8, "class_weight": "balanced", "epochs": 2}
    assert split_values(values) == ({"units": 4}, fit_values, 3)
    assert split_values({"l2": 0.1}) == ({"l2": 0.1}, {}, None)
    setup = make_setup(Dense(8), Dense(1))
    assert apply_values(setup, {"batch_size": 8, "seed": 3}) == setup
    with pytest.raises(ConfigError, match=r"expected seed to be an int >= 0\. Received: seed=-1"):
        split_values({"seed": -1})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("learning_rat", r"Received: name='learning_rat'\. Did you mean 'learning_rate'\? The model"),
        ("batchsize", "Did you mean 'batch_size'"),
        ("dense_1/unit", "Did you mean 'dense_1/units'"),
        ("momentum", "momentum is a parameter of SGD, RMSprop; the model's optimizer is Adam"),
        ("delta", "Compile the model with a loss that has delta"),
        ("label_smoothing", "Compile the model with a loss that has label_smoothing"),
        ("filters", "The model has optimizer, learning_rate, .* and fields of one layer, such as dense_1/units"),
        ("dropout", r"expected the name of a parameter of the model\. Received: name='dropout'\."),
        ("dense_3/units", "Did you mean"),
        (3, "Received: name=3"),
    ],
)  # fmt: skip
def test_an_unknown_name_is_refused_with_the_nearest(name, text):
    with pytest.raises(ConfigError, match=f"^parameters: .*{text}"):
        apply_values(make_setup(Dense(8), Dense(1)), {name: 1})


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"units": -3}, r"a value that units can take\. Received: units=-3\. Dense: expected units"),
        ({"learning_rate": "fast"}, "learning_rate='fast'"),
        ({"l2": -0.1}, r"l2=-0\.1\. L2: expected l2 to be a number >= 0"),
        ({"dropout": 1.5}, r"dropout=1\.5\. Dropout: expected rate"),
        ({"activation": "rellu"}, "activation='rellu'.*relu"),
        ({"optimizer": "adamm"}, "optimizer='adamm'.*Did you mean 'adam'"),
        ({"optimizer": SGD}, r"Write SGD\(\)"),
        ({"dense_1/kernel_initializer": "he"}, "dense_1/kernel_initializer='he'"),
        ({"label_smoothing": 2}, "label_smoothing=2"),
        ({"clipnorm": 1.0, "clipvalue": 1.0}, "clipvalue=1.0.*at most one kind of clipping"),
    ],
)  # fmt: skip
def test_a_value_that_a_field_cannot_take_is_refused(values, text):
    layers = Dense(8), Dropout(0.5), Dense(1, "sigmoid")
    setup = make_setup(*layers, optimizer=SGD(0.1), loss=BinaryCrossentropy())
    with pytest.raises(ConfigError, match=f"^parameters: expected .*{text}"):
        apply_values(setup, values)


def test_errors_of_the_classes_of_users_name_the_value_too():
    @dataclass(frozen=True)
    class Slow(Optimizer):
        learning_rate: float = 0.1
        power: float = 1.0

        def __post_init__(self) -> None:
            if self.power > 3:
                raise ZeroDivisionError("too much power")

        def init(self, params: Any) -> Any:
            return {}

        def update(self, grads: Any, state: Any, params: Any, lr: Any) -> Any:
            return params, state

    setup = make_setup(Dense(1), optimizer=Slow())
    assert apply_values(setup, {"power": 2}).optimizer.power == 2
    with pytest.raises(ConfigError, match=r"power=4\. too much power"):
        apply_values(setup, {"power": 4})


def test_a_function_of_parameters_makes_the_model():
    def build(depth, width=8):
        return gn.Sequential([Dense(width)] * depth + [Dense(1)])

    model, rest = call_model_function(build, {"depth": 2, "l2": 0.1})
    assert ([layer.units for layer in model.layers], rest) == ([8, 8, 1], {"l2": 0.1})
    model, rest = call_model_function(lambda **values: build(**values), {"depth": 1, "width": 2})
    assert ([layer.units for layer in model.layers], rest) == ([2, 1], {})


def test_a_function_that_fails_or_returns_no_model_is_refused():
    expected = r"^model: expected a function that takes parameters and returns a gn.Sequential\. "
    with pytest.raises(ConfigError, match=expected + r"Received: .*missing .*'depth'"):
        call_model_function(lambda depth: None, {})
    with pytest.raises(ConfigError, match=expected + r"Received: depth=0, problem='division by"):
        call_model_function(lambda depth: 1 / depth, {"depth": 0})
    with pytest.raises(ConfigError, match=expected + r"Received: result=None"):
        call_model_function(lambda depth: None, {"depth": 0})
