"""Every public component, in many settings, is equal after saving and loading.

Oracle: equality and repr, which shows each field.
"""

from dataclasses import dataclass, field, fields, replace
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from crafted import reload
from test_contract_initializers import VARIANTS as INITIALIZER_VARIANTS
from test_contract_layers import EXAMPLES
from test_contract_losses import EVERY as LOSSES
from test_contract_losses import cubed
from test_contract_metrics import PUBLIC as METRICS
from test_contract_metrics import worst
from test_contract_optimizers import VARIANTS as OPTIMIZER_VARIANTS

import glassnet as gn
from glassnet import initializers, layers, losses, metrics, optimizers, regularizers, schedules
from glassnet.activations import ACTIVATIONS
from glassnet.errors import ModelFileError
from glassnet.initializers import INITIALIZERS, Constant, Initializer
from glassnet.layers import (
    Activation,
    Composite,
    Dense,
    Input,
    Layer,
    Maxout,
    Normalization,
    Parallel,
    Residual,
    TextVectorization,
)
from glassnet.losses import FunctionLoss, Loss
from glassnet.metrics import FunctionMetric, Metric
from glassnet.optimizers import OPTIMIZERS, SGD, Adam, Optax, Optimizer
from glassnet.regularizers import L1, L1L2, L2, OrthogonalRegularizer, Regularizer
from glassnet.schedules import (
    CosineDecay,
    ExponentialDecay,
    InverseTimeDecay,
    OneCycle,
    PiecewiseConstantDecay,
    PolynomialDecay,
    Schedule,
    Warmup,
)
from glassnet.storage import json_codec, registry
from oracles import named

SCHEDULES = [
    CosineDecay(0.1, 7, alpha=0.5),
    ExponentialDecay(0.1, 5, 0.9, staircase=True),
    InverseTimeDecay(0.1, 5, 0.3, staircase=True),
    OneCycle(0.3, 20),
    PiecewiseConstantDecay([3, 6], [0.3, 0.2, 0.1]),
    schedules.CosineDecayRestarts(0.1, 7, 1.5),
    PolynomialDecay(0.1, 9, 0.01, power=2.0, cycle=True),
    Warmup(CosineDecay(0.1, 7), 3),
]
REGULARIZERS = [L1(0.3), L2(0.2), L1L2(0.1, 0.4), OrthogonalRegularizer(0.2, "columns")]
OWN = {"cubed": cubed, "worst": worst}


def same(a, b):
    """Return whether two values are equal, including names, which equality ignores."""
    return a == b and repr(a) == repr(b)


IN_MODELS = [(layer, shape) for layer, shape in EXAMPLES if not isinstance(layer, Input)]


@pytest.mark.parametrize(
    ("layer", "shape"),
    IN_MODELS,
    ids=[f"{type(layer).__name__}{shape}" for layer, shape in IN_MODELS],
)
def test_layer(tmp_path, layer, shape):
    model = gn.Sequential([Input(shape), layer], seed=3)
    model.count_params()
    loaded = reload(model, tmp_path / "m")
    assert same(loaded._layers, model._layers)
    assert loaded._network == model._network
    assert loaded._input == model._input
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def there_and_back(part, kind, custom=None):
    text = json_codec.dumps(part, registry.by_class())
    return json_codec.Reader(registry.by_tag(), custom or {}).read(json_codec.loads(text), kind)


PARTS = (
    [(Loss, loss) for loss in LOSSES]
    + [(Metric, metric) for metric in METRICS]
    + [(Optimizer, one) for one in [make() for make in OPTIMIZERS.values()] + OPTIMIZER_VARIANTS]
    + [
        (Initializer, one)
        for one in [make() for make in INITIALIZERS.values()] + INITIALIZER_VARIANTS
    ]
    + [(Schedule, one) for one in SCHEDULES]
    + [(Regularizer, one) for one in REGULARIZERS]
    + [
        (
            Layer,
            TextVectorization(
                ngrams=(1, 3),
                output_mode="tf_idf",
                vocabulary=("a b", "[b]"),
                idf_weights=(0.5, 2.0),
            ),
        )
    ]
)


@pytest.mark.parametrize(
    ("kind", "part"), PARTS, ids=lambda value: named(value) if not isinstance(value, type) else ""
)
def test_part(kind, part):
    assert same(there_and_back(part, kind, OWN), part)


def other(value):
    """Return another value of the same type if possible."""
    return (
        not value
        if isinstance(value, bool)
        else value / 2 + 0.125
        if isinstance(value, float)
        else value
    )


@pytest.mark.parametrize(
    ("kind", "part"), PARTS, ids=lambda value: named(value) if not isinstance(value, type) else ""
)
def test_no_field_of_a_part_is_lost(kind, part):
    """Change each field by itself, if the component allows it; the copy must have the new value."""
    for one in fields(part):
        value = getattr(part, one.name)
        if one.init and other(value) != value:
            try:
                odd = replace(part, **{one.name: other(value)})
            except gn.errors.ConfigError:
                continue
            assert same(there_and_back(odd, kind, OWN), odd)


def test_every_public_part_is_tried():
    """Oracle: the public names of the packages."""
    tried = {type(part) for _, part in PARTS} | {type(layer) for layer, _ in EXAMPLES} | {Optax}
    for module, base in (
        (layers, Layer), (losses, Loss), (metrics, Metric), (optimizers, Optimizer),
        (initializers, Initializer), (regularizers, Regularizer), (schedules, Schedule),
    ):  # fmt: skip
        concrete = {
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, base)
        }
        concrete = (
            {kind for kind in concrete if not kind.__abstractmethods__}
            if base is not Layer
            else concrete
        )
        assert concrete - {base, Composite, losses.Loss, losses.Crossentropy, Metric} <= tried
        assert concrete - {base, Composite, losses.Crossentropy} <= set(registry.by_class()) | {
            base
        }


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_by_name(tmp_path, name):
    model = gn.Sequential([Input(3), Dense(2, activation=name), Activation(name)], seed=0)
    loaded = reload(model, tmp_path / "m")
    assert same(loaded._layers, model._layers)


@pytest.mark.parametrize(
    "optimizer", [make() for make in OPTIMIZERS.values()] + OPTIMIZER_VARIANTS, ids=named
)
def test_what_an_optimizer_remembers(tmp_path, optimizer):
    """Values, dtypes and nesting, with a frozen layer and a composite."""
    inside = [
        Residual([Dense(3, activation="tanh"), Dense(2)]),
        Dense(2, trainable=False),
        Dense(1),
    ]
    model = gn.Sequential([Input(2), *inside], seed=0)
    model.compile(optimizer, "mean_squared_error")
    model.fit(np.float32([[0, 1], [1, 0], [2, 2]]), np.float32([1, 2, 3]), epochs=2, verbose=0)
    loaded = reload(model, tmp_path / "m")
    assert same(loaded._optimizer, model._optimizer)
    assert jax.tree.structure(loaded._optimizer_state) == jax.tree.structure(model._optimizer_state)
    for a, b in zip(
        jax.tree.leaves(model._optimizer_state),
        jax.tree.leaves(loaded._optimizer_state),
        strict=True,
    ):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(np.asarray(a), b)


def test_nested_composites(tmp_path):
    inner = Parallel(
        [[Dense(3, activation="relu"), Residual(Maxout(3))], [], Dense(2, trainable=False)],
        merge="concat",
        name="two",
    )
    model = gn.Sequential(
        [Input(4), Residual([inner, Dense(4)], name="one"), Dense(2, name="end")], seed=1
    )
    names = set(model.params)
    loaded = reload(model, tmp_path / "m")
    assert same(loaded._layers, model._layers)
    assert set(loaded.params) == names
    assert "one/two/residual_1/maxout_1" in names
    np.testing.assert_array_equal(loaded.predict(np.eye(4)), model.predict(np.eye(4)))


TWO = Constant(2.0)


@dataclass(frozen=True)
class Stretch(Layer):
    """Custom layer with a field of every type, a weight and a state."""

    start: float = 1.0
    sizes: tuple[int, ...] = (1, 2)
    start_of: Initializer = TWO
    shape_of: str | Activation | None = None
    mode: Literal["near", "far"] = "near"
    free: object = ("a", 1, 2.5, None, True)
    table: tuple = ()
    hidden: tuple[int, ...] = ()

    def init(self, rng, shape):
        return {"stretch": self.start * self.start_of(rng, shape)}

    def init_state(self, shape):
        return {"seen": np.zeros((), np.int32), "flag": np.ones(2, bool)}

    def __call__(self, params, x):
        return params["stretch"] * x


def swish_of_ours(x):
    return x * jnp.tanh(x)


def pinball(y, out):
    return jnp.maximum(0.9 * (y - out), 0.1 * (out - y)).mean(-1)


@dataclass(frozen=True)
class Pinball(Loss):
    tau: float = 0.9

    def unreduced(self, y, z):
        return jnp.maximum(self.tau * (y - z), (self.tau - 1) * (y - z)).mean(-1)


CUSTOM = {
    "Stretch": Stretch,
    "swish_of_ours": swish_of_ours,
    "pinball": pinball,
    "Pinball": Pinball,
}


def test_parts_of_ones_own(tmp_path):
    own = Stretch(
        0.5,
        (3, 4),
        Constant(7.0),
        Activation(swish_of_ours),
        "far",
        ("b", (1, (2,))),
        (1, "x"),
        (9,),
        trainable=False,
    )
    model = gn.Sequential(
        [Input(3), own, Residual(Stretch()), Dense(2, activation=swish_of_ours)], seed=0
    )
    model.compile(Adam(), pinball, [pinball, FunctionMetric(pinball, name="own"), "mae"])
    model.fit(np.eye(3), np.eye(3)[:, :2], epochs=1, verbose=0)
    loaded = reload(model, tmp_path / "m", CUSTOM)
    assert same(loaded._layers, model._layers)
    assert (loaded._loss, loaded._metrics) == (FunctionLoss(pinball), model._metrics)
    assert loaded.evaluate(np.eye(3), np.eye(3)[:, :2]) == model.evaluate(
        np.eye(3), np.eye(3)[:, :2]
    )
    model.compile(SGD(), Pinball(0.25))
    assert reload(model, tmp_path / "m", CUSTOM)._loss == Pinball(0.25)


def test_a_field_that_compares_is_kept_though_it_is_not_shown(tmp_path):
    @dataclass(frozen=True)
    class Quiet(Layer):
        size: int = field(default=1, repr=False)

    assert reload(gn.Sequential([Quiet(5)]), tmp_path / "m", {"Quiet": Quiet})._layers[0].size == 5


@pytest.mark.parametrize(
    ("part", "says"),
    [
        (
            Activation(lambda x: x),
            r"model.layers\[0\].activation: expected something that can be saved. .*'<lambda>'. Use a named func",
        ),
        (
            Dense(1, activation=lambda x: x),
            r"model.layers\[0\].activation: expected something that can be saved",
        ),
        (
            Residual(Dense(1, kernel_initializer=Constant(1.0), activation=lambda x: x)),
            r"layers\[0\].layers\[0\].activation: expected",
        ),
    ],
)
def test_what_cannot_be_saved_says_so(tmp_path, part, says):
    with pytest.raises(ModelFileError, match=says):
        gn.Sequential([part]).save(tmp_path / "m")
    assert not list(tmp_path.iterdir())


def test_a_class_whose_hints_cannot_be_resolved(tmp_path):
    @dataclass(frozen=True)
    class Local(Layer):
        size: "NowhereToBeFound" = (1, 2.5)  # noqa: F821

    layer = Local((3, "x"))
    assert (
        reload(gn.Sequential([layer]), tmp_path / "m", {"Local": Local})._layers[0].size
        == layer.size
    )


def test_a_transformation_of_optax_cannot_be_saved(tmp_path):
    optax = pytest.importorskip("optax")
    model = gn.Sequential([Dense(1)])
    model.compile(Optax(optax.sgd(0.1)), "mse")
    with pytest.raises(
        ModelFileError,
        match=r"model.optimizer.tx: expected something that can be saved. Received: type='\w*Transf",
    ):
        model.save(tmp_path / "m")


def test_what_a_normalization_was_adapted_to_is_kept(tmp_path):
    adapted = Normalization().adapt(np.float32([[1, 2], [3, 6]]))
    model = gn.Sequential([Input(2), Residual([adapted, Dense(2)])], seed=0)
    model._require_built("save")
    loaded = reload(model, tmp_path / "m")
    np.testing.assert_array_equal(loaded.predict(np.eye(2)), model.predict(np.eye(2)))


def test_what_a_normalization_was_adapted_to_is_not_lost_without_weights(tmp_path):
    adapted = Normalization().adapt(np.float32([[1, 2], [3, 6]]))
    for layer in (adapted, Residual(adapted)):
        with pytest.raises(
            ModelFileError,
            match=r"model: expected weights if a layer is adapted. Start the model with Input\(shape\)",
        ):
            gn.Sequential([layer, Dense(1)]).save(tmp_path / "m")


@dataclass(frozen=True)
class Grown:
    """A class that has had a second field since a later release."""

    units: int
    shift: float = 0.0


def test_a_field_of_a_later_release_may_be_missing_in_a_file():
    """A field at its default is left out, so that older files stay as they are."""
    tag = json_codec.Tag("layers/Grown", Grown, "units shift?")
    texts = {Grown(2): '{"is":"layers/Grown","units":2}'}
    texts[Grown(2, 0.5)] = '{"is":"layers/Grown","units":2,"shift":0.5}'
    for part, text in texts.items():
        assert json_codec.dumps(part, {Grown: tag}) == text
        assert json_codec.Reader({tag.name: tag}, {}).read(json_codec.loads(text), Grown) == part
    assert tag.fields() == {"units": "units", "shift": "shift"}
    with pytest.raises(ModelFileError, match=r"expected all fields\. Received: .*'units'"):
        json_codec.Reader({tag.name: tag}, {}).read({"is": "layers/Grown", "shift": 1.0}, Grown)
