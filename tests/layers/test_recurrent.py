"""Recurrent layers, masks, dropout and token ids: by hand, by finite differences and by relations.

`test_recurrent_keras.py` compares the same layers with Keras.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import glassnet as gn
from glassnet.engine import network
from glassnet.errors import ConfigError, DataError
from glassnet.layers import (
    GRU,
    LSTM,
    Bidirectional,
    Dense,
    Embedding,
    Input,
    Masking,
    SimpleRNN,
    functional,
    recurrent_ops,
)
from glassnet.layers.recurrent_ops import GRUCell, LSTMCell, RecurrentWeights, SimpleCell
from glassnet.optimizers import SGD
from oracles import EXACT, FLOAT32, FLOAT64, close, directional_error

CELLS = [SimpleCell(), LSTMCell(), GRUCell()]
RNG = np.random.default_rng(0)
T, B, D, U = 5, 4, 3, 2
REAL = (np.arange(T)[:, None] < np.array([5, 3, 1, 0]))[:, :, None]
"""Mask by length. The last row has no real step."""


def random_inputs(cell, time=T):
    gates = len(cell.gate_names) * U
    sizes = (D, gates), (U, gates), (gates,), (gates,)
    weights = [RNG.normal(size=size) for size in sizes]
    return RNG.normal(size=(time, B, D)), RecurrentWeights(
        *weights[: 4 if isinstance(cell, GRUCell) else 3]
    )


def value(loop, cell, reverse, dy, x, weights, mask):
    """Return the inner product of the outputs with dy.

    dy is for every step, or without a time axis for the last one.
    """
    y = loop(cell, reverse, dy.ndim == 3, x, weights, mask)
    return jnp.vdot(dy, y[0] if isinstance(y, tuple) else y)


@pytest.mark.parametrize(
    ("reverse", "every", "mask"),
    [(False, True, None), (True, False, REAL)],
    ids=["every step", "masked from the end"],
)
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: type(cell).__name__)
def test_the_fast_loop_is_the_plain_one(cell, reverse, every, mask):
    """Outputs and all gradients, in float64."""
    with jax.enable_x64(True):
        x, weights = random_inputs(cell)
        dy = RNG.normal(size=(T, B, U) if every else (B, U))
        slope = jax.jit(jax.value_and_grad(value, (4, 5)), static_argnums=(0, 1, 2))
        got, want = (
            slope(loop, cell, reverse, dy, x, weights, mask)
            for loop in (recurrent_ops.fast_scan, recurrent_ops.reference_scan)
        )
        for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: type(cell).__name__)
def test_one_step(cell):
    with jax.enable_x64(True):
        x, weights = random_inputs(cell, 1)
        value = jax.jit(
            lambda x: (recurrent_ops.fast_scan(cell, False, False, x, weights, None) ** 2).sum()
        )
        assert directional_error(value, x) < FLOAT64


def test_an_lstm_by_hand():
    """c1 = s(0) t(2) = 0.4820, c2 = s(1) c1 = 0.3524.

    One unit and x = (1, 0). All weights are 0 but the input's to g (2) and the bias of f (1).
    """
    kernel, bias = np.zeros((1, 4)), np.zeros(4)
    kernel[0, 2], bias[1] = 2, 1
    params = {"kernel": kernel, "recurrent_kernel": np.zeros((1, 4)), "bias": bias}
    y, _ = LSTM(1, return_sequences=True).apply(
        params, {}, jnp.array([[[1.0], [0.0]]]), key=None, train=False, mask=None
    )
    c1 = 0.5 * np.tanh(2)
    c2 = c1 / (1 + np.exp(-1))
    close(y.ravel(), [0.5 * np.tanh(c1), 0.5 * np.tanh(c2)])


def test_a_row_without_a_real_step_keeps_the_zero_state():
    link = LSTM(2, return_sequences=True)
    params = link.init(np.random.default_rng(0), (3, 1))
    y, _ = link.apply(
        params, {}, jnp.ones((1, 3, 1)), key=None, train=False, mask=jnp.zeros((1, 3))
    )
    np.testing.assert_array_equal(y, np.zeros((1, 3, 2)))


X = RNG.normal(size=(8, 6, 2)).astype(np.float32)
LENGTHS = np.array([6, 2, 4, 1, 6, 3, 5, 2])
X[np.arange(6) >= LENGTHS[:, None]] = 0
Y = RNG.normal(size=(8, 1)).astype(np.float32)
MASKED = [
    [Masking(), Bidirectional(LSTM(2, return_sequences=True)), SimpleRNN(3), Dense(1)],
    [Masking(), GRU(3, return_sequences=True), Dense(1)],
]


def model_of(layers, shape, seed=0):
    model = gn.Sequential([Input(shape), *layers], seed=seed)
    model.compile(SGD(0.1), "mse")
    return model


@pytest.mark.parametrize("layers", MASKED, ids=["stacked", "every step"])
def test_a_masked_batch_is_the_shorter_one(layers):
    """Short sequences and the same ones padded with masked steps give the same loss and weights."""
    every = layers is MASKED[1]
    x = np.abs(X[:, :4]) + 0.1
    y = RNG.normal(size=(8, 4, 1)).astype(np.float32) if every else Y
    short, long = model_of(layers, (4, 2)), model_of(layers, (6, 2))
    padded = np.pad(x, ((0, 0), (0, 2), (0, 0)))
    long_y = np.pad(y, ((0, 0), (0, 2), (0, 0)), constant_values=9.0) if every else y
    close(long.evaluate(padded, long_y), short.evaluate(x, y))
    logs = [
        m.fit(a, b, batch_size=3, epochs=2, verbose=0).history["loss"]
        for m, a, b in ((short, x, y), (long, padded, long_y))
    ]
    close(logs[1], logs[0])
    for a, b in zip(long.get_weights(), short.get_weights(), strict=True):
        close(a, b)


def test_the_loss_counts_real_steps_alone():
    """By hand: the mean of the squared errors over the real steps of all rows."""
    model = model_of([Masking(), LSTM(3, return_sequences=True), Dense(1)], (6, 2))
    y = RNG.normal(size=(8, 6, 1)).astype(np.float32)
    errors = ((model.predict(X) - y) ** 2)[..., 0]
    real = np.arange(6) < LENGTHS[:, None]
    close(model.evaluate(X, y), errors[real].mean())
    trace = model.trace(X, y)
    close(trace.loss, errors[real].mean())
    assert not trace["dense_1"].delta[~real].any()


def test_a_batch_without_anything_real_does_no_harm():
    model = model_of([Masking(), LSTM(2), Dense(1)], (6, 2))
    x = np.concatenate([np.zeros_like(X[:4]), X[:4]])
    loss = model.fit(x, Y, batch_size=4, shuffle=False, epochs=2, verbose=0).history["loss"]
    assert np.isfinite(loss).all()


def test_go_backwards_is_the_sequence_turned_round():
    for kind in (SimpleRNN, LSTM, GRU):
        link = kind(3, return_sequences=True)
        params = link.init(np.random.default_rng(0), (6, 2))
        back = kind(3, return_sequences=True, go_backwards=True)
        ahead, _ = link.apply(params, {}, X[:, ::-1], key=None, train=False, mask=None)
        close(back.apply(params, {}, X, key=None, train=False, mask=None)[0], ahead)
        mask = np.arange(6) < LENGTHS[:, None]
        np.testing.assert_array_equal(back.mask(X, mask), mask[:, ::-1])
        np.testing.assert_array_equal(kind(3).mask(X, mask), np.ones(8, bool))


@pytest.mark.parametrize("kind", [SimpleRNN, LSTM, GRU])
def test_dropout_is_one_draw_a_sequence(kind):
    """W = 1 and U = 0 show the factor of each step's x: 0 or 1 / (1 - rate).

    The share of zeros is binomial, within five standard deviations.
    """
    rate, link = 0.3, kind(1, activation="linear", return_sequences=True, dropout=0.3)
    if kind is not SimpleRNN:
        link = kind(1, "linear", "sigmoid", return_sequences=True, dropout=0.3)
    params = {name: np.zeros_like(w) for name, w in link.init(RNG, (4, 1)).items()}
    gate = {SimpleRNN: 0, LSTM: 2, GRU: 2}[kind]
    params["kernel"][0, gate] = 1
    ones = jnp.ones((2000, 4, 1))
    y, _ = link.apply(params, {}, ones, key=jax.random.key(0), train=True, mask=None)
    still, _ = link.apply(params, {}, ones, key=None, train=False, mask=None)
    ratio = np.asarray(y / still)[..., 0]
    close(ratio, ratio[:, :1] * np.ones(4))
    survived = ratio[:, 0] > 0
    close(ratio[survived], 1 / (1 - rate))
    assert abs(survived.mean() - (1 - rate)) < 5 * np.sqrt(rate * (1 - rate) / len(survived))


def test_recurrent_dropout_is_one_draw_a_sequence_and_gate():
    """h_t = u h_(t-1) + x_t with U = 1 and rate 1/2: u is 0 or 2 for the whole sequence."""
    link = SimpleRNN(1, "linear", recurrent_dropout=0.5, return_sequences=True)
    params = {"kernel": np.ones((1, 1)), "recurrent_kernel": np.ones((1, 1)), "bias": np.zeros(1)}
    y, _ = link.apply(
        params, {}, jnp.ones((1000, 3, 1)), key=jax.random.key(0), train=True, mask=None
    )
    rows, counts = np.unique(np.asarray(y)[..., 0], axis=0, return_counts=True)
    assert rows.tolist() == [[1, 1, 1], [1, 3, 7]]
    assert abs(counts[0] - 500) < 5 * np.sqrt(250)
    draws = [
        LSTM(1, dropout=a, recurrent_dropout=b)._draw_dropout_factors(
            jax.random.key(0), jnp.ones((9, 4, 2)), True
        )
        for a, b in ((0.5, 0), (0.5, 0.5))
    ]
    assert [[None if n is None else n.shape for n in pair] for pair in draws] == [
        [(9, 1, 2), None],
        [(9, 4, 2), (9, 4, 1)],
    ]
    assert not np.array_equal(draws[1][1][:, 0], draws[1][1][:, 1])


TRACED = [
    LSTM(2),
    GRU(2, return_sequences=True, go_backwards=True),
    SimpleRNN(2),
    GRU(2, reset_after=False, dropout=0.3),
]


@pytest.mark.parametrize("layer", TRACED, ids=["lstm", "gru backwards", "simple", "gru with noise"])
def test_the_trace_sees_every_step(layer):
    """The outputs are those of the forward pass.

    For SimpleRNN, dL/dh and the derivative by hand give the gradients of kernels and bias.
    """
    model = model_of([Masking(), layer, Dense(1)], (6, 2))
    training, name = bool(layer.dropout), functional.default_name(layer) + "_1"
    y = np.repeat(Y[:, None], 6, 1) if layer.return_sequences else Y
    trace = model.trace(X, y, training=training)
    steps, link = trace.steps(name), trace[name]
    assert list(steps.gates) == list(layer.cell.gate_names)
    assert list(steps.states) == list(layer.cell.state_names)
    assert steps.d_output.shape == steps.states["h"].shape == (8, 6, 2)
    h = steps.states["h"]
    if layer.return_sequences:
        close(link.output, h[:, ::-1])
    else:
        close(link.output, h[:, -1])
        close(steps.d_output[:, -1], link.d_output)
    if isinstance(layer, SimpleRNN):
        real = (np.arange(6) < LENGTHS[:, None])[..., None]
        dz = np.where(real, steps.d_output * (1 - h**2), 0)
        before = np.concatenate([np.zeros((8, 1, 2)), h[:, :-1]], 1)
        close(link.d_params["bias"], dz.sum((0, 1)), 5 * FLOAT32)
        close(link.d_params["kernel"], np.einsum("ntd,ntu->du", link.input, dz), 5 * FLOAT32)
        close(link.d_params["recurrent_kernel"], np.einsum("ntd,ntu->du", before, dz), 5 * FLOAT32)


def test_the_trace_sees_into_both_ways_and_prints():
    model = model_of(
        [
            Input(4),
            Embedding(5, 2, mask_zero=True),
            Bidirectional(LSTM(2, return_sequences=True)),
            Dense(1),
        ][1:],
        4,
    )
    trace = model.trace([[3, 1, 2, 0]], np.ones((1, 4, 1)))
    steps = trace.steps("bidirectional_1/backward_lstm")
    back = trace["bidirectional_1/backward_lstm.reverse"].output
    close(np.where([[[True], [True], [True], [False]]], steps.states["h"], 0), back)
    screen, table = str(trace), str(steps).splitlines()
    assert "bidirectional_1/forward_lstm  c_t = f c_(t-1) + i g, h_t = o tanh(c_t)" in screen
    assert len(screen.splitlines()) <= 40
    assert table[0] == "bidirectional_1/backward_lstm: 4 steps of 2 units"
    assert table[1].split() == ["t", *"ifgohc", "dL/dh"]
    assert [line.split()[0] for line in table[2:]] == list("1234")
    with pytest.raises(
        ConfigError,
        match=r"trace: recurrent layer: expected one of bidirectional_1/forward_lstm, .*Received: name='dense_1'",
    ):
        trace.steps("dense_1")


IDS = np.array([[1, 2, 0], [6, 0, 0], [5, 4, 3]])


def test_ids_survive_exactly_and_strangers_are_named():
    """float32 holds integers up to 2^24 exactly, so neighbours there have different rows."""
    table = {"embeddings": jnp.arange(4.0)[:, None]}
    np.testing.assert_array_equal(
        Embedding(4, 1)(table, jnp.array([[3, 0]], jnp.uint8))[..., 0], [[3, 0]]
    )
    big = Embedding(2**24, 1)
    assert np.float32(2**24 - 1) != np.float32(2**24 - 2)
    big.check_input(np.array([[2**24 - 1]], np.float32), "x")
    assert np.isnan(Embedding(4, 1)(table, jnp.array([[4.0, -1.0, 0.5]]))).all()


@pytest.mark.parametrize(("bad", "value"), [(7, "7"), (-1, "-1"), (2.5, "2.5")])
def test_an_id_outside_the_vocabulary_is_refused(bad, value, tmp_path):
    """All inputs are checked: fit, validation, evaluate, predict, trace, batches, a memory map."""
    model, y = (
        model_of([Embedding(7, 2, mask_zero=True), LSTM(2), Dense(1)], 3),
        np.zeros((3, 1), np.float32),
    )
    x = IDS.astype(np.float32)
    x[1, 2] = bad
    np.save(tmp_path / "x.npy", x)
    calls = {
        "x": (
            lambda: model.fit(x, y, verbose=0),
            lambda: model.evaluate(x, y),
            lambda: model.predict(x),
            lambda: model.trace(x, y),
        ),
        "validation x": (lambda: model.fit(IDS, y, validation_data=(x, y), verbose=0),),
        "batch 2 of epoch 1": (lambda: model.fit([(IDS, y), (x, y)], verbose=0),),
    }
    for what, each in calls.items():
        for call in each:
            with pytest.raises(
                DataError,
                match=rf"{what}.*: expected token ids from 0 to 6\. Received: row=1, value={value}\. Embedding",
            ):
                call()
    with pytest.raises(DataError, match=r"expected token ids from 0 to 6"):
        model.fit(np.load(tmp_path / "x.npy", mmap_mode="r"), y, batch_size=2, verbose=0)
    model.fit(IDS, y, verbose=0)


@pytest.mark.parametrize(
    ("front", "x"),
    [
        ([Embedding(7, 2, mask_zero=True)], np.zeros((3, 4))),
        ([Masking(-1.0)], np.full((3, 4, 2), -1.0)),
    ],
    ids=["Embedding", "Masking"],
)
def test_rows_without_a_real_step(front, x):
    """If no row has a real step, losses are refused and predictions are not.

    A single such row does not count, see above.
    """
    y, some = np.zeros((3, 1)), x.copy()
    some[0] = 1
    model = gn.Sequential([*front, LSTM(2), Dense(1)], seed=0)
    with pytest.raises(
        DataError,
        match=r"x: expected at least one unmasked step\. Received: rows=3\. All values are masked",
    ):
        model.fit(x, y, verbose=0)
    model.fit(some, y, verbose=0)
    with pytest.raises(
        DataError,
        match=r"^loss: expected at least one unmasked step\. The mask excludes every step of every row\.",
    ):
        model.evaluate(x, y)
    with pytest.raises(DataError, match=r"^val_loss: expected at least one unmasked step\."):
        model.fit(some, y, validation_data=(x, y), verbose=0)
    assert np.isfinite(model.predict(x)).all()


def test_sequences_of_no_step_and_of_several_lengths():
    for layers, x in (
        ([Embedding(3, 2), LSTM(2), Dense(1)], np.zeros((4, 0))),
        ([LSTM(2), Dense(1)], np.zeros((4, 0, 3))),
    ):
        with pytest.raises(
            DataError,
            match=r"x: expected at least one row with at least one number\. Received: shape=\(4, 0",
        ):
            gn.Sequential(layers).fit(x, np.zeros(4), verbose=0)
    with pytest.raises(
        DataError, match=r"x: expected rows of equal length\. .*Pad or cut them to one length\."
    ):
        gn.Sequential([Embedding(3, 2), LSTM(2), Dense(1)]).fit([[1, 2], [1]], [0, 1], verbose=0)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: LSTM(0), r"LSTM: expected units to be an int >= 1\. Received: units=0\."),
        (lambda: GRU(2.5), r"GRU: expected units to be an int >= 1\. Received: units=2\.5\."),
        (lambda: SimpleRNN(2**15), r"SimpleRNN: expected units to be at most 16384\."),
        (lambda: LSTM(2, dropout=1.0), r"LSTM: expected dropout from 0 to below 1 \(the fraction zeroed\)\. Received: dropout=1\.0\."),
        (lambda: GRU(2, recurrent_dropout=-0.1), r"GRU: expected recurrent_dropout from 0 to below 1"),
        (lambda: GRU(2, reset_after="no"), r"GRU: expected reset_after to be True or False\. Received: reset_after='no'\."),
        (lambda: LSTM(2, return_sequences=1), r"LSTM: expected return_sequences to be True or False\. Received: return_sequences=1\."),
        (lambda: LSTM(2, activation="tan"), r"activation: expected one of .*Did you mean 'tanh'\?"),
        (lambda: Bidirectional(Dense(2)), r"Bidirectional: expected a recurrent layer \(SimpleRNN, LSTM, GRU\)\. Received: layer=Dense"),
        (lambda: Bidirectional(LSTM(2, go_backwards=True)), r"expected a layer with go_backwards=False\. Received: go_backwards=True\."),
        (lambda: Bidirectional(LSTM(2), None), r"merge_mode to be one of concat, sum, mul, ave\. Received: merge_mode=None\. The next layer takes one output"),
        (lambda: Bidirectional(LSTM(2), "add"), r"Bidirectional: merge_mode: expected one of concat, sum, mul, ave"),
        (lambda: Masking("0"), r"Masking: expected mask_value to be a number\. Received: mask_value='0'\."),
        (lambda: Embedding(0, 2), r"Embedding: expected input_dim to be an int from 1 to 2\*\*24\. Received: input_dim=0\."),
        (lambda: Embedding(2**24 + 1, 2), r"Embedding: expected input_dim to be an int from 1 to 2\*\*24"),
        (lambda: Embedding(2, 0), r"Embedding: expected output_dim to be an int >= 1\. Received: output_dim=0\."),
        (lambda: Embedding(2, 2, mask_zero=1), r"Embedding: expected mask_zero to be True or False\. Received: mask_zero=1\."),
        (lambda: model_of([LSTM(2)], 10).summary(), r"lstm_1: expected sequences \(time, .*=\(10,\)\. Put Reshape\(\(10, 1\)\) before it\."),
        (lambda: model_of([GRU(2)], (4, 3, 2)).summary(), r"gru_1: expected sequences .*Put Reshape\(\(4, 6\)\) before it\."),
        (lambda: SimpleRNN(2).init(RNG, (0, 3)), r"SimpleRNN: .*Received: input_shape=\(0, 3\)\. Pass sequences of at least one step\."),
        (lambda: model_of([Masking()], 3).summary(), r"masking_1: expected sequences \(time, features\)\. Received: .*Put Reshape"),
        (lambda: model_of([Embedding(3, 2, mask_zero=True)], (3, 2)).summary(), r"embedding_1: expected sequences of ids \(time,\)"),
    ],
)  # fmt: skip
def test_errors(make, text):
    with pytest.raises(ConfigError, match=text):
        make()


def test_saved_and_loaded_and_trained_on(tmp_path):
    """A file holds all options, and a loaded model trains on bit for bit."""
    layers = [
        Embedding(7, 3, mask_zero=True),
        Bidirectional(LSTM(2, dropout=0.2, return_sequences=True), "ave"),
        GRU(2, reset_after=False),
        Dense(1),
    ]
    model, y = model_of(layers, 3), RNG.normal(size=(3, 1)).astype(np.float32)
    model.fit(IDS, y, epochs=2, verbose=0)
    model.save(tmp_path / "m.glassnet")
    twin = gn.load(tmp_path / "m.glassnet")
    np.testing.assert_allclose(twin.predict(IDS), model.predict(IDS), rtol=EXACT)
    for each in (model, twin):
        each.fit(IDS, y, epochs=1, verbose=0)
    np.testing.assert_allclose(twin.predict(IDS), model.predict(IDS), rtol=EXACT)


def test_what_reaches_a_link():
    """`network.compute_link_input` returns the link's input in the forward pass.

    It also does so inside composites.
    """
    model = model_of([Masking(), Bidirectional(LSTM(2)), Dense(1)], (6, 2))
    built, params, state = model._network or model._build((6, 2)), model._params, model._state
    x, key, mask = network.compute_link_input(
        built.links, params, state, X, (1, 1), key=jax.random.key(0), train=True
    )
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(mask, np.arange(6) < LENGTHS[:, None])
    assert key is not None
