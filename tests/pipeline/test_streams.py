"""Streams: which objects are streams, the order of batches, and the error for every bad batch."""

import collections
from array import array

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

import glassnet as gn
from glassnet.engine import network
from glassnet.errors import ConfigError, DataError
from glassnet.layers import Dense, Normalization
from glassnet.losses import MeanSquaredError, SparseCategoricalCrossentropy
from glassnet.pipeline.adapter import ModelInfo
from glassnet.pipeline.batches import is_stream
from glassnet.pipeline.streams import BatchStream
from glassnet.preprocessing.base import HeadSpec
from nets import X, Y, plain_model
from streams import BATCHES, WEIGHED, Columns, Flow, Items, Loader, Tensor, generate, pairs

SOURCES = [
    BATCHES,
    Loader(),
    Flow(),
    Items(),
    Columns({"x": X}),
    generate,
    generate(),
    map(len, []),
    collections.deque(BATCHES),
]
ROWS = [
    X,
    X.tolist(),
    jnp.ones(3),
    Tensor(X),
    pd.DataFrame(X),
    "rows.csv",
    {"a": [1.0]},
    [(1.0, 2.0)],
    [{"a": 1.0}],
    range(3),
    memoryview(X),
    array("f", [1.0]),
    [],
    None,
    3,
]


@pytest.mark.parametrize("x", SOURCES, ids=lambda x: type(x).__name__)
def test_what_gives_batches(x):
    assert is_stream(x)


@pytest.mark.parametrize("x", ROWS, ids=lambda x: type(x).__name__)
def test_what_is_rows(x):
    assert not is_stream(x)


def test_what_has_a_length_beside_targets_is_rows():
    assert not is_stream(BATCHES, Y)
    assert is_stream(generate(), Y)


MODEL = ModelInfo((), HeadSpec("softmax", False), None, None, None, None)


def bound(batches, steps=None, loss=None, shapes=((4,), (3,)), class_weight=None, **how):
    stream = BatchStream(batches, steps, MODEL, **how)
    built = network.assemble((), (), (), shapes)
    stream.bind(loss or SparseCategoricalCrossentropy(), built, class_weight)
    return stream


def drawn(stream, epochs=1):
    """The first number of every row, epoch by epoch."""
    if stream._first_batch is None:
        stream.peek("batch 1 of epoch 1")
        stream.encode_first("batch 1 of epoch 1")
    return [
        [batch.x[:, 0].tolist() for batch in stream.iter_batches(epoch)] for epoch in range(epochs)
    ]


PASS = [batch[0][:, 0].tolist() for batch in BATCHES]


@pytest.mark.parametrize(
    "batches", [BATCHES, Loader(), Flow(), Items(), generate, lambda: iter(BATCHES)]
)
def test_an_epoch_is_a_pass_and_the_first_batch_is_not_lost(batches):
    """Oracle: the batches as they were made, in their order, in each of three epochs."""
    assert drawn(bound(batches), 3) == [PASS] * 3


@pytest.mark.parametrize("batches", [BATCHES, Flow(), Items(), generate])
@pytest.mark.parametrize("steps", [1, 3, 5, 7, 12])
def test_steps_go_round_and_round(batches, steps):
    """Oracle: consecutive passes, cut into epochs."""
    rows = PASS * (3 * steps)
    assert drawn(bound(batches, steps), 3) == [rows[i * steps : (i + 1) * steps] for i in range(3)]


def test_an_iterator_goes_on_from_where_it_is():
    batches = iter(BATCHES)
    next(batches)
    assert drawn(bound(batches, 2), 2) == [PASS[1:3], PASS[3:5]]


def test_lengths():
    counts = [
        bound(batches).steps
        for batches in (BATCHES, Loader(), Items(), Flow(), generate, generate())
    ]
    assert counts == [5, 5, 5, None, None, None]
    assert bound(Columns({"x": X}), batch_size=10).steps == 4
    assert bound(generate, 9).steps == 9


def test_the_end_of_a_pass_is_told():
    items = Items()
    drawn(bound(items, 7), 2)
    assert items.ends == 2  # of 14 batches: after the fifth and the tenth


def test_a_function_is_called_once_for_each_epoch():
    calls = []
    drawn(bound(lambda: calls.append(1) or iter(BATCHES)), 3)
    assert len(calls) == 3


@pytest.mark.parametrize("names", [["f"], ["a", "b", "c", "d"]])
def test_columns_by_name(names):
    """A single column is x; several are stacked in the order of the first batch."""
    columns = {"f": X} if names == ["f"] else dict(zip(names, X.T, strict=True))
    batches = [{"label": Y[:8], **{name: columns[name][:8] for name in names}}]
    batches += [{name: columns[name][8:16] for name in reversed(names)} | {"label": Y[8:16]}]
    stream = bound(batches, target="label")
    stream.peek("")
    stream.encode_first("")
    first, second = stream.iter_batches(0)
    np.testing.assert_array_equal(np.concatenate([first.x, second.x]), X[:16])
    np.testing.assert_array_equal(np.concatenate([first.y, second.y]), Y[:16])


def test_class_weights_go_by_the_batch():
    """Oracle: by hand. A batch need not have every class; row weights are multiplied."""
    batches = [(X[:2], [0, 2], [1.0, 10.0]), (X[:2], [1, 1], [1.0, 2.0])]
    stream = bound(batches, class_weight={2: 0.5, 1: 3.0})
    stream.peek("")
    stream.encode_first("")
    assert [batch.weight.tolist() for batch in stream.iter_batches(0)] == [[1.0, 5.0], [3.0, 6.0]]


def broken():
    yield BATCHES[0]
    raise OSError("the disk is gone")


BAD_LATER = {
    "at most 3 rows, as in the first batch. Received: rows=4, shape=(4, 4). Make all batches the same size": pairs(
        (3, 4), (4, 4)
    ),
    "x: expected examples of shape (4,). Received: shape=(3, 5)": pairs((3, 4), (3, 5)),
    "x: expected float32 of shape (4,) per row, as in the first batch. Received: received='uint8 of shape (4,) per row'": [
        *pairs((3, 4)),
        (np.ones((3, 4), np.uint8), [0, 0, 0]),
    ],
    "weights: expected float32 of shape () per row, as in the first batch. Received: received='none'": [
        WEIGHED[0],
        BATCHES[1],
    ],
    "y: expected int32 of shape () per row, as in the first batch. Received: received='float32 of shape (3,) per row'": [
        BATCHES[0],
        (X[:8], np.eye(3)[Y[:8]]),
    ],
    "x: expected finite numbers only. Received: nan=1": [
        BATCHES[0],
        (np.full((1, 4), [0, 0, 0, np.nan]), [0]),
    ],
    "y: expected classes from 0 to 2, as the last layer has 3 outputs. Received: row=1, label=3": [
        BATCHES[0],
        (X[:2], [0, 3]),
    ],
    "expected the same number of rows. Received: len(x)=3, len(y)=2": [
        BATCHES[0],
        (X[:3], Y[:2]),
    ],
    "a batch: expected (x, y) or (x, y, weights), a dict of columns, or a frame. Received: received='ndarray'": [
        BATCHES[0],
        X[:3],
    ],
    "a batch: expected (x, y) or (x, y, weights), a dict of columns, or a frame. Received: received='tuple of 1'": [
        BATCHES[0],
        (X[:3],),
    ],
    "a batch: expected rows, with a target for each. Received: y=1. This is one example: pass several at once": [
        BATCHES[0],
        (X[0], 1),
    ],
    "expected a batch. Received: error=OSError('the disk is gone'). The source of the batches raised it": broken,
    "columns ['a', 'b']. Received: received=['a', 'c']. Every batch needs the columns of the first one": [
        {"a": X[:3, 0], "b": X[:3, 1], "t": Y[:3]},
        {"a": X[:3, 0], "c": X[:3, 1], "t": Y[:3]},
    ],
}


@pytest.mark.parametrize("words", BAD_LATER)
def test_a_batch_that_cannot_be_used_is_named(words):
    batches = BAD_LATER[words]
    inputs = 2 if isinstance(batches, list) and isinstance(batches[0], dict) else 4
    with pytest.raises(DataError) as error:
        drawn(bound(batches, target="t", shapes=((inputs,), (3,))))
    assert str(error.value).startswith("batch 2 of epoch 1: ")
    assert words in str(error.value)
    assert error.value.__cause__ is not None


BAD_FIRST = {
    "batch 1 of epoch 1: expected at least one batch. Received: 0, then the iterable ended. The source of the batches is empty.": lambda: (
        iter(())
    ),
    "batch 1 of epoch 1: target: expected the name of the column of targets. Received: target=None. For example target='y'.": [
        {"x": X[:3], "y": Y[:3]}
    ],
    "one number per row in each column. Received: b=(3,), x=(3, 4). Keep one column beside the target": [
        {"b": X[:3, 0], "x": X[:3], "t": Y[:3]}
    ],
    "batch 1 of epoch 1: x and y: expected the same number of rows. Received: len(x)=3, len(y)=0": [
        (X[:3], np.zeros(0))
    ],
    "batch 1 of epoch 1: expected a batch. Received: error=ZeroDivisionError": lambda: 1 / 0,
}


@pytest.mark.parametrize("words", BAD_FIRST)
def test_the_first_batch_is_named_too(words):
    target = "t" if "one number" in words else None
    with pytest.raises(DataError) as error:
        drawn(bound(BAD_FIRST[words], target=target))
    assert words in str(error.value)


def test_what_runs_dry_says_how_far_it_came():
    with pytest.raises(
        DataError,
        match=r"^batch 1 of epoch 2: expected 3 batches \(steps_per_epoch\)\. Received: 0, then the iterable ended\.",
    ):
        drawn(bound(iter(BATCHES[:3]), 3, steps_argument="steps_per_epoch"), 2)
    dry = r"^batch 3 of epoch 2: expected 3 batches .* Received: 2, then .* An iterator can be read only once: pass a list, or a function"
    with pytest.raises(DataError, match=dry):
        drawn(bound(iter(BATCHES), 3), 2)
    with pytest.raises(
        DataError, match=r"^batch 1 of epoch 2: expected at least one batch\. Received: 0"
    ):
        drawn(bound(generate()), 2)
    once = [iter(BATCHES)]
    with pytest.raises(
        DataError,
        match=r"^batch 6 of epoch 1: expected 7 batches .* The source of the batches is empty",
    ):
        drawn(bound(lambda: once.pop() if once else iter(()), 7))


def test_what_goes_with_rows_alone_is_refused():
    model = plain_model()
    for words, error, options in (
        (
            "validation_split: expected 0 with batches.* as validation_data",
            ConfigError,
            {"validation_split": 0.2},
        ),
        (
            "sample_weight: expected None with batches.*Pass batches \\(x, y, weights\\)",
            ConfigError,
            {"sample_weight": [1.0]},
        ),
        (
            "column_types, derive and target_transform for a table only",
            ConfigError,
            {"column_types": {"a": "drop"}},
        ),
        (
            "class_weight: expected a dict {class: weight} with batches.*Count the labels first",
            DataError,
            {"class_weight": "balanced"},
        ),
        (
            r"class_weight: expected classes that occur in the targets, \[0, 1, 2\]. Received: label=3",
            DataError,
            {"class_weight": {3: 1.0}},
        ),
        (
            "steps_per_epoch: expected an int >= 1 or None. Received: steps=0",
            ConfigError,
            {"steps_per_epoch": 0},
        ),
        (
            "validation_steps: expected an int >= 1 or None",
            ConfigError,
            {"validation_data": BATCHES, "validation_steps": 0.5},
        ),
    ):
        with pytest.raises(error, match=words):
            model.fit(BATCHES, verbose=0, **options)
    with pytest.raises(ConfigError, match="y=None: batches hold their targets"):
        model.fit(generate(), Y, verbose=0)
    with pytest.raises(
        ConfigError, match="fit: expected batch_size to be an int >= 1 for a dataset"
    ):
        model.fit(Columns({"x": X, "y": Y}), batch_size="full", target="y", verbose=0)
    line = gn.Sequential([Dense(1)], seed=0)
    line.compile("sgd", MeanSquaredError())
    with pytest.raises(
        DataError, match="batch 1 of epoch 1: class_weight: expected targets that are classes"
    ):
        line.fit(BATCHES, verbose=0, class_weight={0: 1.0})


def test_a_normalization_without_statistics_is_refused():
    model = gn.Sequential([Normalization(), Dense(3, activation="softmax")], seed=0)
    with pytest.raises(
        gn.errors.NotReadyError, match=r"normalization_1: expected statistics .*layer\.adapt\(x\)"
    ):
        model.fit(BATCHES, verbose=0)
    adapted = gn.Sequential([Normalization().adapt(X), Dense(3, activation="softmax")], seed=0)
    assert adapted.fit(BATCHES, verbose=0).epoch == [0]


def test_steps_are_not_for_rows():
    model = plain_model()
    with pytest.raises(
        ConfigError,
        match=r"steps_per_epoch: expected None, or 5 batches, which cover all 37 rows\. Received: steps=4",
    ):
        model.fit(X, Y, batch_size=8, steps_per_epoch=4, verbose=0)
    assert model.fit(X, Y, batch_size=8, steps_per_epoch=5, verbose=0).epoch == [0]
    with pytest.raises(
        ConfigError, match="validation_steps: expected None, or 1 batches, which cover all 7 rows"
    ):
        model.fit(X, Y, batch_size=8, validation_split=0.2, validation_steps=4, verbose=0)
    with pytest.raises(
        ConfigError, match="evaluate: expected steps=None and target=None with rows"
    ):
        model.evaluate(X, Y, steps=2)
    with pytest.raises(ConfigError, match="predict: expected steps=None and target=None with rows"):
        model.predict(X, steps=2)
