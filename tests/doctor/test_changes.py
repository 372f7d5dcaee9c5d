"""Changes of a model: each must equal the layers, optimizer or loss that a user would write."""

import pickle
from dataclasses import dataclass, fields

import numpy as np
import pytest

import glassnet as gn
from glassnet.doctor.changes import (
    Change,
    CombinedChange,
    InsertLayer,
    LimitDropout,
    ModelParts,
    ReplaceActivations,
    ReplaceInitializers,
    ScaledSchedule,
    ScaleLearningRate,
    ScalePenalties,
    SetLearningRate,
    SetLoss,
    SetMomentum,
    SetOutputActivation,
)
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
    Layer,
    Normalization,
    Parallel,
    Rescaling,
    Residual,
    TextVectorization,
    functional,
)
from glassnet.losses import BinaryCrossentropy, Huber, MeanSquaredError
from glassnet.optimizers import SGD, Adam, AdamW
from glassnet.regularizers import L1, L1L2, L2, Regularizer
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


def make_parts(*layers, optimizer=None, loss=None):
    return ModelParts(functional.with_names(layers), optimizer, loss)


def apply(change, *layers, **settings):
    return change.apply(make_parts(*layers, **settings))


def change_layers(change, *layers):
    return list(apply(change, *layers).layers)


BLOCK = [Dense(8, activation="relu"), Dense(8)]


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (
            InsertLayer(Dropout(0.3), after="dense_1"),
            [Dense(8), Dense(1)],
            [Dense(8), Dropout(0.3), Dense(1)],
        ),
        (
            InsertLayer(Dropout(0.3), before="dense_2"),
            [Dense(8), Dense(1)],
            [Dense(8), Dropout(0.3), Dense(1)],
        ),
        (InsertLayer(Normalization()), [Dense(1)], [Normalization(), Dense(1)]),
        (
            InsertLayer(BatchNormalization()),
            [TextVectorization(max_tokens=9, output_mode="multi_hot"), Dense(1)],
            [
                TextVectorization(max_tokens=9, output_mode="multi_hot"),
                BatchNormalization(),
                Dense(1),
            ],
        ),
        (
            InsertLayer(Rescaling(3.0, 50.0), after="dense_1"),
            [Dense(1)],
            [Dense(1), Rescaling(3.0, 50.0)],
        ),
        (
            InsertLayer(Dropout(0.3), after="residual_1/dense_1"),
            [Residual(BLOCK), Dense(1)],
            [Residual([BLOCK[0], Dropout(0.3), BLOCK[1]]), Dense(1)],
        ),
        (
            InsertLayer(Dropout(0.3), before="parallel_1/dense_2"),
            [Parallel([Dense(2), Dense(3)]), Dense(1)],
            [Parallel([Dense(2), [Dropout(0.3), Dense(3)]]), Dense(1)],
        ),
        (
            ReplaceActivations("sigmoid", "relu"),
            [
                Dense(8, activation="sigmoid"),
                Conv2D(4, 3, activation="sigmoid"),
                Activation("sigmoid"),
                LSTM(4),
                Residual([Dense(4, activation="sigmoid"), Dense(4)]),
                Dense(1, activation="sigmoid"),
            ],
            [
                Dense(8, activation="relu"),
                Conv2D(4, 3, activation="relu"),
                Activation("relu"),
                LSTM(4),
                Residual([Dense(4, activation="relu"), Dense(4)]),
                Dense(1, activation="sigmoid"),
            ],
        ),
        (
            ReplaceActivations("linear", "relu"),
            [
                Dense(8),
                Dense(8, activation="linear"),
                Dense(8),
                BatchNormalization(),
                Activation("tanh"),
                Residual(BLOCK),
                Dense(1),
            ],
            [
                Dense(8, activation="relu"),
                Dense(8, activation="relu"),
                Dense(8),
                BatchNormalization(),
                Activation("tanh"),
                Residual(BLOCK),
                Dense(1),
            ],
        ),
        (
            ReplaceInitializers(),
            [Dense(8, kernel_initializer="zeros"), Residual(Dense(8, bias_initializer="ones"))],
            [Dense(8), Residual(Dense(8))],
        ),
        (
            ReplaceInitializers(("dense_1",)),
            [Dense(8, kernel_initializer="zeros"), Dense(1, kernel_initializer="zeros")],
            [Dense(8), Dense(1, kernel_initializer="zeros")],
        ),
        (
            LimitDropout(0.2),
            [Dropout(0.8), Dropout(0.1), GRU(4, dropout=0.5, recurrent_dropout=0.1), Dense(1)],
            [Dropout(0.2), Dropout(0.1), GRU(4, dropout=0.2, recurrent_dropout=0.1), Dense(1)],
        ),
        (
            LimitDropout(0.2),
            [Bidirectional(LSTM(4, dropout=0.5)), Dense(1)],
            [Bidirectional(LSTM(4, dropout=0.2)), Dense(1)],
        ),
        (
            SetMomentum(0.9),
            [Dense(8), BatchNormalization(epsilon=1e-5), Dense(1)],
            [Dense(8), BatchNormalization(0.9, 1e-5), Dense(1)],
        ),
        (
            ScalePenalties(0.5),
            [Dense(8, kernel_regularizer=L2(0.5), bias_regularizer=L1L2(1.0, 2.0)), Dense(1)],
            [Dense(8, kernel_regularizer=L2(0.25), bias_regularizer=L1L2(0.5, 1.0)), Dense(1)],
        ),
        (ScalePenalties(0), [Dense(1, kernel_regularizer=L1(0.5))], [Dense(1)]),
    ],
    ids=lambda value: value.describe() if isinstance(value, Change) else None,
)
def test_layers_are_those_that_a_user_would_write(change, before, after):
    old = functional.with_names(before)
    assert change_layers(change, *before) == list(functional.with_names(after))
    assert old == functional.with_names(before)


def test_a_layer_that_holds_one_layer_cannot_hold_two():
    change = InsertLayer(Dropout(0.3), after="bidirectional_1/lstm_1")
    with pytest.raises(ConfigError, match=r"bidirectional_1: expected one layer in the place of"):
        apply(change, Bidirectional(LSTM(4)), Dense(1))


@dataclass(frozen=True)
class HalfAfter(Schedule):
    """A schedule of the user, with a field that is no rate."""

    start: float = 0.1
    limit: float = 3.0

    def __call__(self, step):
        return np.where(step < self.limit, self.start, self.start / 2)


@pytest.mark.parametrize(
    "rate",
    [
        0.01,
        ExponentialDecay(0.1, 4, 0.5),
        InverseTimeDecay(0.1, 4, 0.5),
        PolynomialDecay(0.1, 4, 0.01),
        CosineDecay(0.1, 4, 0.1),
        CosineDecay(0.0, 4, 0.1, warmup_target=0.3, warmup_steps=2),
        PiecewiseConstantDecay([2, 4], [0.1, 0.2, 0.05]),
        Warmup(0.1, 3),
        Warmup(Warmup(CosineDecay(0.1, 4), 2), 3),
        OneCycle(0.1, 10),
        HalfAfter(),
        Warmup(HalfAfter(), 2),
    ],
    ids=str,
)
def test_all_rates_of_a_schedule_are_scaled(rate):
    """Oracle: the rates of the old schedule times the factor."""
    optimizer = SGD(rate, momentum=0.9)
    changed = apply(ScaleLearningRate(0.3), Dense(1), optimizer=optimizer).optimizer
    assert isinstance(changed, SGD)
    assert changed.momentum == 0.9
    steps = np.arange(12)
    old, new = (
        each(steps) if isinstance(each, Schedule) else np.full(12, each)
        for each in (rate, changed.learning_rate)
    )
    np.testing.assert_allclose(new, 0.3 * np.asarray(old), rtol=1e-6)
    if isinstance(rate, Schedule) and "HalfAfter" not in str(rate):
        assert type(changed.learning_rate) is type(rate)


def test_the_optimizer_and_the_loss_change():
    assert apply(SetLearningRate(0.5), Dense(1), optimizer=SGD(Warmup(0.1, 2))).optimizer == SGD(
        0.5
    )
    assert apply(SetLearningRate(0.5), Dense(1)).optimizer == Adam(0.5)
    decayed = apply(ScalePenalties(0.1), Dense(1), optimizer=AdamW(0.1, weight_decay=0.5))
    assert decayed.optimizer == AdamW(0.1, weight_decay=0.05)
    assert apply(SetLoss("huber"), Dense(1), loss=MeanSquaredError()).loss == Huber()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([Dense(8), Dense(1)], [Dense(8), Dense(1, activation="sigmoid")]),
        (
            [Dense(1), Activation("relu"), Rescaling(2.0)],
            [Dense(1), Activation("sigmoid"), Rescaling(2.0)],
        ),
    ],
)
def test_the_output_activation_changes_with_its_loss(before, after):
    changed = apply(SetOutputActivation("sigmoid", "binary_crossentropy"), *before)
    assert changed == make_parts(*after, loss=BinaryCrossentropy())
    ended = apply(SetOutputActivation(None, "mse"), *after, loss=BinaryCrossentropy())
    assert ended.loss == MeanSquaredError()
    assert "linear" in repr(ended.layers)


def test_several_changes_are_applied_in_order():
    change = CombinedChange((InsertLayer(Normalization()), ScaleLearningRate(10)))
    changed = apply(change, Dense(1), optimizer=SGD(0.1))
    assert changed == make_parts(Normalization(), Dense(1), optimizer=SGD(1.0))
    text = "Insert Normalization() as the first layer, and multiply the learning rate by 10"
    assert change.describe() == text


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (ScaleLearningRate(1 / 3), "Divide the learning rate by 3"),
        (ScaleLearningRate(10), "Multiply the learning rate by 10"),
        (ReplaceActivations("linear", "relu"), "Use relu in the hidden layers without activation"),
        (SetOutputActivation(None), "End the network without activation"),
        (SetOutputActivation("tanh", Huber()), "End the network in tanh, with the loss Huber"),
        (ScalePenalties(0), "Remove all penalties"),
        (ReplaceInitializers(), "Draw the starting weights of all layers by the default"),
        (
            InsertLayer(Dense(4, activation="relu"), before="output"),
            "Insert Dense(4, activation='relu') before output",
        ),
        (InsertLayer(BatchNormalization(), after="a"), "Insert BatchNormalization() after a"),
        (InsertLayer(Rescaling(1 / 255)), "Insert Rescaling(1/255) as the first layer"),
        (InsertLayer(Rescaling(0.01, -2.5)), "Insert Rescaling(0.01, offset=-2.5) as the first"),
    ],
)
def test_a_change_says_what_it_does(change, text):
    assert change.describe().startswith(text)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (InsertLayer(Dropout(0.3), after="dens_1"), r"InsertLayer: layer.*mean 'dense_1'"),
        (ReplaceInitializers(("dense_9",)), r"ReplaceInitializers: layer: expected one of"),
        (SetMomentum(0.5), r"expected a model that this changes: Set the momentum.*dense_1"),
        (ReplaceActivations("tanh", "relu"), r"that this changes: Use relu instead of tanh"),
        (LimitDropout(0.5), r"that this changes: Lower the rate of all dropout to 0.5"),
        (ScalePenalties(0.1), r"that this changes: Divide the strength of all penalties by 10"),
    ],
)
def test_a_change_that_does_not_fit_the_model_is_refused(change, text):
    with pytest.raises(ConfigError, match=text):
        apply(change, Dense(8, activation="relu"), Dense(1))


def test_penalties_and_outputs_that_code_cannot_change_are_refused():
    class Other(Regularizer):
        def __call__(self, w):
            return (w**4).sum()

    layer = Dense(1, kernel_regularizer=dataclass(frozen=True)(Other)())
    assert not apply(ScalePenalties(0), layer).layers[0].kernel_regularizer
    with pytest.raises(ConfigError, match="network that ends in a layer with an activ"):
        apply(SetOutputActivation("sigmoid"), Dense(4), Residual(Dense(4)))

    @dataclass(frozen=True)
    class Strength(Regularizer):
        strength: float = 1.0

        def __call__(self, w):
            return self.strength * (w**4).sum()

    with pytest.raises(ConfigError, match="expected regularizers L1, L2 or L1L2"):
        apply(ScalePenalties(0.1), Dense(1, kernel_regularizer=Strength()))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: SetLearningRate(0), "SetLearningRate: expected value to be a number > 0"),
        (lambda: ScaleLearningRate(-1), "ScaleLearningRate: expected factor to be a number > 0"),
        (lambda: InsertLayer(Dropout(0.3), before="a", after="b"), "one of before and after"),
        (lambda: InsertLayer("dropout"), "layer"),
        (lambda: ReplaceActivations("sigmoid", "rellu"), "Did you mean 'relu'"),
        (lambda: SetOutputActivation("softmx"), "Did you mean 'softmax'"),
        (lambda: SetLoss("msee"), "Did you mean 'mse'"),
        (lambda: ScalePenalties(-1), "expected factor to be a number >= 0"),
        (lambda: LimitDropout(1), "expected rate from 0 to below 1"),
        (lambda: SetMomentum(2), "momentum"),
        (lambda: CombinedChange(()), "CombinedChange: expected changes"),
    ],
)
def test_values_that_no_change_can_have_are_refused(make, text):
    with pytest.raises(ConfigError, match=text):
        make()


def test_changes_compare_by_value_and_can_be_pickled():
    for cls in Change.__subclasses__():
        assert all(each.compare for each in fields(cls)), cls
    change = CombinedChange((InsertLayer(Dropout(0.3), after="a"), SetLoss(Huber(2.0))))
    assert pickle.loads(pickle.dumps(change)) == change
    assert change != CombinedChange((InsertLayer(Dropout(0.2), after="a"), SetLoss(Huber(2.0))))
    assert isinstance(change.changes[0].layer, Layer)


def test_gn_layers_are_named_as_the_model_names_them():
    """Oracle: `model.layers`."""
    model = gn.Sequential([Dense(8), Dropout(0.5), Dense(1)])
    for view in model.layers:
        changed = InsertLayer(Dropout(0.1), before=view.name).apply(
            ModelParts(model.get_settings().layers)
        )
        position = [layer.name for layer in changed.layers].index(view.name)
        assert changed.layers[position - 1] == Dropout(0.1)


def test_a_scaled_schedule_of_the_user_is_saved_with_its_own_class_alone(tmp_path):
    """Oracle: the rate before saving. The factor around it is glassnet's own."""
    model = gn.Sequential([Dense(1)], seed=0)
    model.compile(SGD(ScaledSchedule(gn.schedules.Warmup(0.5, 4), 0.1)), "mse")
    model.fit(np.ones((8, 2)), np.ones(8), batch_size=4, verbose=0)
    model.save(tmp_path / "model.glassnet")
    loaded = gn.load(tmp_path / "model.glassnet")
    assert loaded.learning_rate == model.learning_rate
    assert loaded.optimizer == model.optimizer
