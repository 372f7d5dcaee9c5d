"""TimeDistributed: arithmetic, masks, what it does inside a network, and error messages.

Oracles: the layer on each step by itself, Keras, and relations. Parity with Keras from the same
weights is in test_layers_keras.py.
"""

import numpy as np
import pytest

import glassnet as gn
from glassnet.engine import network
from glassnet.errors import ConfigError
from glassnet.layers import (
    LSTM,
    Activation,
    BatchNormalization,
    Bidirectional,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    Input,
    Masking,
    MaxPooling2D,
    Normalization,
    Parallel,
    Residual,
    TimeDistributed,
)
from glassnet.optimizers import SGD
from oracles import EXACT, FLOAT32, close

RNG = np.random.default_rng(0)
FILMS = RNG.normal(size=(5, 3, 4, 4, 1)).astype(np.float32)
SEQUENCES = RNG.normal(size=(6, 4, 3)).astype(np.float32)


def test_each_step_passes_the_layer_with_the_same_weights():
    model = gn.Sequential(
        [
            Input(FILMS.shape[1:]),
            TimeDistributed(Conv2D(2, 3, activation="relu")),
            TimeDistributed(Flatten()),
        ],
        seed=0,
    )
    one = gn.Sequential([Input((4, 4, 1)), Conv2D(2, 3, activation="relu"), Flatten()], seed=1)
    one.set_weights(model.get_weights())
    assert model.predict(FILMS).shape == (5, 3, 8)
    for step in range(3):
        close(model.predict(FILMS)[:, step], one.predict(FILMS[:, step]))


def test_the_trace_has_z_and_a():
    model = gn.Sequential([Input((4, 3)), TimeDistributed(Dense(2, activation="softmax"))], seed=0)
    model.compile(SGD(0.1), "sparse_categorical_crossentropy")
    trace = model.trace(SEQUENCES, RNG.integers(0, 2, (6, 4)))
    assert [link.name for link in trace.links] == [
        "time_distributed_1",
        "time_distributed_1.softmax",
    ]
    kernel, bias = model.get_weights()
    close(trace["time_distributed_1"].output, SEQUENCES @ kernel + bias)
    close(trace["time_distributed_1.softmax"].output, model.predict(SEQUENCES))


def test_composites_inside_merge_step_by_step():
    """Oracle: the composite on one step. Each of its layers has its own name."""
    inner = Parallel([Dense(2, activation="tanh"), Residual(Dense(3))])
    model = gn.Sequential([Input((4, 3)), TimeDistributed(inner, name="steps")], seed=0)
    one = gn.Sequential([Input((3,)), inner], seed=1)
    one.set_weights(model.get_weights())
    close(model.predict(SEQUENCES)[:, 1], one.predict(SEQUENCES[:, 1]))
    model.compile(SGD(0.1), "mse")
    links = model.trace(SEQUENCES, np.zeros((6, 4, 5))).links
    assert [link.name for link in links] == [
        "steps/dense_1",
        "steps/dense_1.tanh",
        "steps/residual_1/dense_1",
        "steps/residual_1",
        "steps",
    ]


def test_a_bidirectional_layer_inside_reads_each_step():
    x = RNG.normal(size=(2, 3, 4, 2)).astype(np.float32)
    inner = Bidirectional(LSTM(2, return_sequences=True))
    model = gn.Sequential([Input(x.shape[1:]), TimeDistributed(inner)], seed=0)
    one = gn.Sequential([Input(x.shape[2:]), inner], seed=1)
    one.set_weights(model.get_weights())
    close(model.predict(x)[:, 2], one.predict(x[:, 2]))


def make_masked(k, front, **options):
    model = k.Sequential(
        [
            front,
            k.layers.Masking(),
            k.layers.TimeDistributed(k.layers.Dense(4, activation="tanh")),
            k.layers.TimeDistributed(k.layers.BatchNormalization(momentum=0.8)),
            k.layers.LSTM(3),
            k.layers.Dense(1),
        ],
        **options,
    )
    model.compile(k.optimizers.SGD(0.1), "mean_squared_error")
    return model


def test_masked_sequences_train_as_in_keras(recorded):
    """Losses, weights and statistics of five epochs from the same weights."""
    x, y = SEQUENCES.copy(), np.float32([[1], [0], [-1], [2], [0.5], [-2]])
    x[0, 2:] = x[3, 1:] = 0
    ours, how = (
        make_masked(gn, Input((4, 3)), seed=0),
        {"epochs": 5, "batch_size": 6, "shuffle": False, "verbose": 0},
    )

    def live(keras, x, y, weights, how):
        theirs = make_masked(keras, keras.Input((4, 3)))
        theirs.set_weights(weights)
        return theirs.fit(x, y, **how).history["loss"], theirs.get_weights()

    losses, weights = recorded(live, x, y, ours.get_weights(), how)
    close(ours.fit(x, y, **how).history["loss"], losses, 20 * FLOAT32)
    for a, b in zip(ours.get_weights(), weights, strict=True):
        close(a, b, 20 * FLOAT32)


def test_masked_steps_do_not_count():
    """Relation: other numbers at masked steps change nothing."""
    layer = TimeDistributed(BatchNormalization())
    params, state = layer.init(RNG, (4, 3)), layer.init_state((4, 3))
    mask = np.array([[1, 1, 1, 1], [1, 1, 0, 0]] * 3, bool)
    other = np.where(mask[..., None], SEQUENCES, 9)
    outputs = [
        layer.apply(params, state, x, key=None, train=True, mask=mask) for x in (SEQUENCES, other)
    ]
    for name in state:
        close(outputs[0][1][name], outputs[1][1][name], EXACT)
    close(outputs[0][0][mask], outputs[1][0][mask], EXACT)
    assert layer.mask(SEQUENCES, mask) is mask


def test_a_mask_of_rows_reaches_each_step():
    layer = TimeDistributed(BatchNormalization())
    params, state = layer.init(RNG, (4, 3)), layer.init_state((4, 3))
    rows = np.arange(6) < 4
    _, padded = layer.apply(params, state, SEQUENCES, key=None, train=True, mask=rows)
    _, alone = layer.apply(params, state, SEQUENCES[:4], key=None, train=True, mask=None)
    for name in state:
        close(padded[name], alone[name])


def test_statistics_are_learned_over_all_steps():
    """Oracle: mean 1 and variance 4 of the numbers -1 and 3."""
    model = gn.Sequential([TimeDistributed(Normalization()), Flatten(), Dense(1)], seed=0)
    x = np.tile(np.float32([-1, 3]), 6).reshape(3, 4, 1)
    model.fit(x, np.zeros(3), epochs=1, verbose=0)
    close(model.trace(x, np.zeros(3))["time_distributed_1"].output.ravel(), [-1, 1] * 6, 1e-5)


def test_a_model_is_saved_summed_up_and_loaded(tmp_path, capsys):
    layers = [
        Input(FILMS.shape[1:]),
        TimeDistributed(Conv2D(2, 3, activation="relu"), name="see"),
        TimeDistributed(MaxPooling2D(2)),
        TimeDistributed(Flatten()),
        LSTM(2),
    ]
    model = gn.Sequential(layers, seed=0)
    model.summary()
    assert "see" in capsys.readouterr().out
    model.save(tmp_path / "films")
    loaded = gn.load(tmp_path / "films")
    assert loaded.layers == model.layers
    close(loaded.predict(FILMS), model.predict(FILMS), EXACT)
    assert model.count_params() == 2 * 9 + 2 + 4 * (2 * 2 + 2 * 2 + 2)


def test_frozen_weights_stay():
    model = gn.Sequential([Input((4, 3)), TimeDistributed(Dense(2, trainable=False)), LSTM(1)])
    before = model.get_weights()[0]
    model.fit(SEQUENCES, np.zeros(6), epochs=1, verbose=0)
    close(model.get_weights()[0], before, EXACT)


def test_constraints_hold_inside():
    layer = TimeDistributed(Dense(2, kernel_constraint="non_neg"))
    model = gn.Sequential([Input((4, 3)), layer, LSTM(1)], seed=0)
    assert model.get_weights()[0].min() < 0
    model.fit(SEQUENCES, np.zeros(6), epochs=1, verbose=0)
    assert model.get_weights()[0].min() == 0


def start(layer, *shape):
    return network.build([layer], shape, RNG)


WRONG = {
    "TimeDistributed: expected a layer, not a model. Received: layer='Sequential'. Wrap each of its layers: [TimeDistributed(each) for each in model.layers].": lambda: (
        TimeDistributed(gn.Sequential([Dense(2)]))
    ),
    "TimeDistributed: expected layers. Received: received='Dense'. This is the class. Write Dense(...).": lambda: (
        TimeDistributed(Dense)
    ),
    "TimeDistributed: expected a layer other than Input.": lambda: TimeDistributed(Input(3)),
    "time_distributed_1: expected sequences (time, ...) with at least one axis for each step. Received: input_shape=(4,). Put Reshape((1, 4)) before it.": lambda: (
        start(TimeDistributed(Dense(2)), 4)
    ),
    "images (height, width, channels). Received: input_shape=(4, 4).": lambda: start(
        TimeDistributed(Conv2D(2, 2)), 3, 4, 4
    ),
}


@pytest.mark.parametrize("says", WRONG)
def test_a_wrong_argument_is_told(says):
    with pytest.raises(ConfigError) as caught:
        WRONG[says]()
    assert says in str(caught.value)


def test_token_ids_of_each_step_are_checked():
    model = gn.Sequential([Input((2, 3)), TimeDistributed(Embedding(5, 2)), Flatten(), Dense(1)])
    with pytest.raises(gn.errors.DataError, match="0 to 4"):
        model.predict(np.full((1, 2, 3), 7))


def test_layers_that_are_equal_share_a_program():
    assert TimeDistributed(Dense(2)) == TimeDistributed(Dense(2)) != TimeDistributed(Dense(3))
    link = TimeDistributed(Dense(2, activation="relu"), name="a").unfold()
    assert link[0].formula() == "z = x W + b, for each step"
    assert link[1] == Activation("relu")
    masking = TimeDistributed(Masking())
    assert masking.unfold() == (masking,)
