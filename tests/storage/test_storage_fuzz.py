"""Randomly altered files are rejected with `ModelFileError`, or load as exactly what they contain.

Oracle: the file read by `json` and NumPy alone (crafted.py). Everything is seeded. Set
`GLASSNET_MUTATIONS` for more mutations.
"""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from crafted import arrays, pack, saved, small, unpack
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glassnet.errors import ModelFileError
from glassnet.layers import BatchNormalization, Dense, Maxout, Parallel, Residual
from glassnet.optimizers import Adam
from glassnet.schedules import CosineDecay
from glassnet.storage import json_codec, model_file, registry

pytestmark = pytest.mark.slow

MUTATIONS = int(os.environ.get("GLASSNET_MUTATIONS", 100_000))
"""Total number of mutations: 8 of 10 change bytes, the others change the JSON."""

RICH = [
    Parallel(
        [
            [Dense(2, kernel_regularizer="l2", name="a")],
            [],
            Residual(Maxout(2, bias_initializer="ones")),
        ],
        trainable=False,
    ),
    BatchNormalization(momentum=0.5),
    Dense(1, activation="sigmoid"),
]


@pytest.fixture(scope="module")
def plain_file(tmp_path_factory):
    return saved(small([Dense(1)]), tmp_path_factory.mktemp("fuzz") / "m").read_bytes()


@pytest.fixture(scope="module")
def rich_file(tmp_path_factory):
    model = small(RICH, Adam(CosineDecay(0.1, 9)))
    model.history.history["odd"] = [float("nan"), float("inf")]
    return saved(model, tmp_path_factory.mktemp("fuzz") / "m").read_bytes()


def canonical(model):
    """Normalize a description: sorted keys, and 1.0 as 1."""
    return (
        json.dumps(model, sort_keys=True)
        .replace(".0,", ",")
        .replace(".0}", "}")
        .replace(".0]", "]")
    )


def outcome(data, path):
    """Load a file and check the model against its contents; None if the file is rejected."""
    path.write_bytes(data)
    try:
        loaded = model_file.read_model(path)
    except ModelFileError as error:
        return None if 0 < len(str(error)) < 1500 else pytest.fail("no message, or one without end")
    model, _, _ = unpack(data)
    plain = json.loads(json_codec.dumps(loaded.spec, model_file.all_tags()))
    assert canonical(plain) == canonical(model)
    loaded_arrays = (
        {} if loaded.built is None else model_file.flatten_arrays(loaded.built, loaded.arrays)
    )
    expected = arrays(data)
    assert loaded_arrays.keys() == expected.keys()
    for name, array in expected.items():
        assert (loaded_arrays[name].dtype, loaded_arrays[name].shape) == (array.dtype, array.shape)
        assert loaded_arrays[name].tobytes() == array.tobytes()
    return loaded


def test_the_oracle_sees_a_wrong_load(plain_file, tmp_path, monkeypatch):
    """A load that changes a number, and one that changes the seed, are detected."""
    assert outcome(plain_file, tmp_path / "m")
    loaded = model_file.read_model(tmp_path / "m")
    (params,) = loaded.arrays.params
    other = loaded.arrays._replace(params=(params | {"bias": params["bias"] + 1},))
    for wrong in (
        loaded._replace(arrays=other),
        loaded._replace(spec=replace(loaded.spec, seed=5)),
    ):
        monkeypatch.setattr(model_file, "read_model", lambda path, wrong=wrong: wrong)
        with pytest.raises(AssertionError):
            outcome(plain_file, tmp_path / "m")


def mutated(data, rng):
    """Return the bytes with one to four changes."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        at, length = int(rng.integers(len(data))), int(rng.integers(1, 9))
        kind = rng.integers(8)
        if kind <= 2:
            data[at] = rng.integers(256)
        elif kind == 3:
            data[at] ^= 1 << rng.integers(8)
        elif kind == 4:
            del data[at : at + length]
        elif kind == 5:
            data[at:at] = data[max(0, at - length) : at]
        elif kind == 6:
            data[at : at + length] = rng.bytes(length)
        else:
            data[at:at] = rng.choice(
                [
                    b"[",
                    b"{",
                    b'"',
                    b"9" * 30,
                    b"null",
                    b"-",
                    b",",
                    b"\\u0000",
                    b"1e999",
                    b"NaN",
                    b"\xff",
                ]
            )
    return bytes(data)


@pytest.mark.parametrize("file", ["plain_file", "rich_file"])
def test_bytes(file, request, tmp_path):
    data, rng = request.getfixturevalue(file), np.random.default_rng(0)
    share = {"plain_file": 6, "rich_file": 2}[file]
    loads = sum(
        outcome(mutated(data, rng), tmp_path / "m") is not None
        for _ in range(MUTATIONS * share // 10)
    )
    assert loads > MUTATIONS // 1000  # some mutations are small enough to load


@pytest.mark.parametrize("file", ["plain_file", "rich_file"])
def test_every_truncation(file, request, tmp_path):
    data = request.getfixturevalue(file)
    assert not any(outcome(data[:length], tmp_path / "m") for length in range(len(data)))


SCALARS = [
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2,
        7,
        2**31,
        2**63,
        2**64,
        10**39,
        10**41,
        -(10**39),
        0.5,
        -0.5,
        1e300,
        1e-300,
        1e999,
        float("nan"),
    ),
    *(
        "",
        "relu",
        "Dense",
        "layers/Dense",
        "custom/Dense",
        "os.system",
        "../../etc/passwd",
        "http://x/y",
        "\x00",
        "\ud800",
        "a" * 20_000,
    ),
    *(
        [],
        {},
        [[]],
        [1],
        [None],
        {"float": "nan"},
        {"float": 1},
        {"float": []},
        {"function": "system"},
        {"function": ["x"]},
        {"is": 1},
    ),
    *(
        {"is": "layers/Layer"},
        {"is": "layers/Flatten"},
        {"is": "initializers/Zeros"},
        {"is": "Saved"},
        {"is": "layers/Flatten", "is ": 2},
    ),
    *({"is": "optimizers/Optax", "tx": 1, "learning_rate": 1}, [1] * 2000, {"x": {"x": {"x": 1}}}),
]
"""Values that replace a field."""


def places(value, path=()):
    """Yield the path of every value in a JSON tree."""
    yield path
    for key, item in (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    ):
        yield from places(item, (*path, key))


def meaning_mutated(tree, rng):
    """Return the tree with one value replaced, deleted, duplicated, nested or renamed."""
    tree = json.loads(json.dumps(tree))
    every = list(places(tree))
    path = every[rng.integers(1, len(every))]
    holder = tree
    for key in path[:-1]:
        holder = holder[key]
    key, kind = path[-1], rng.integers(10)
    other = tree
    for step in every[rng.integers(len(every))]:
        other = other[step]
    if kind <= 4:
        holder[key] = SCALARS[rng.integers(len(SCALARS))]
    elif kind == 5:
        del holder[key]
    elif kind == 6 and isinstance(holder, list):
        holder.insert(key, holder[key])
    elif kind == 6:
        holder[f"{key}x"] = holder.pop(key)
    elif kind == 7:
        holder[key] = json.loads(json.dumps(other))
    elif kind == 8:
        for _ in range(rng.integers(1, 100)):
            holder[key] = [holder[key]]
    elif isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
        holder[key] = (
            holder[key] * rng.choice([-1.0, 2.0, 0.5, 1e10])
            if rng.integers(2)
            else int(holder[key]) + int(rng.integers(-3, 4))
        )
    else:
        holder[key] = {
            "is": "layers/Residual",
            "name": None,
            "trainable": True,
            "layers": [holder[key]],
        }
    return tree


@pytest.mark.parametrize("file", ["plain_file", "rich_file"])
def test_what_the_bytes_mean(file, request, tmp_path):
    """Mutate the model's description, or the header's names, dtypes, shapes and offsets."""
    model, header, numbers = unpack(request.getfixturevalue(file))
    rng, loads = np.random.default_rng(1), 0
    for i in range(MUTATIONS // 10):
        if i % 3:
            data = pack(meaning_mutated(model, rng), header, numbers)
        else:
            data = pack(model, meaning_mutated(header, rng), numbers)
        loads += outcome(data, tmp_path / "m") is not None
    assert loads > MUTATIONS // 1000


KEYS = st.sampled_from(["is", "function", "float", "name", "units", "layers"]) | st.text(max_size=3)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(sorted(registry.by_tag())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)
quietly = settings(
    derandomize=True,
    max_examples=300,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@quietly
@given(
    JSON,
    st.sampled_from(
        [
            "layers",
            "input",
            "seed",
            "optimizer",
            "loss",
            "metrics",
            "epoch",
            "step",
            "rate",
            "intake",
            "past",
            "built",
        ]
    ),
)
def test_any_json_in_any_field(rich_file, tmp_path_factory, value, field):
    model, header, numbers = unpack(rich_file)
    outcome(pack(model | {field: value}, header, numbers), tmp_path_factory.getbasetemp() / "any")


@quietly
@given(JSON)
def test_any_json_as_the_model(rich_file, tmp_path_factory, value):
    _, header, numbers = unpack(rich_file)
    outcome(pack(value, header, numbers), tmp_path_factory.getbasetemp() / "any")


@quietly
@given(st.data())
def test_fields_of_a_part_in_any_kind(rich_file, tmp_path_factory, data):
    """Each known component with arbitrary values in its fields."""
    model, header, numbers = unpack(rich_file)
    name = data.draw(st.sampled_from(sorted(registry.by_tag())))
    part = {"is": name} | {key: data.draw(JSON) for key in registry.by_tag()[name].fields()}
    for field in ("layers", "optimizer", "loss", "intake"):
        outcome(
            pack(model | {field: [part] if field == "layers" else part}, header, numbers),
            tmp_path_factory.getbasetemp() / "any",
        )


@quietly
@given(st.binary(max_size=300))
def test_any_bytes(tmp_path_factory, data):
    assert outcome(data, tmp_path_factory.getbasetemp() / "any") is None
