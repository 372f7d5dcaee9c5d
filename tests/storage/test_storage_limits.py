"""Every field of every part has a bound, and what a file says about its data fits its network.

Oracle: an error of Glassnet's own, or a part that works; memory as the operating system counts it.
"""

import json
import os
import subprocess
import sys
import warnings
from dataclasses import fields, replace
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from crafted import edit_file, pack, saved, small, unpack
from test_contract_layers import EXAMPLES
from test_storage_parts import PARTS

import glassnet as gn
from glassnet.data import time_series
from glassnet.data.time_index import TimeIndex
from glassnet.errors import GlassnetError, ModelFileError
from glassnet.layers import Dense, Flatten, Input, TextVectorization
from glassnet.optimizers import SGD, Adagrad, Optimizer
from glassnet.preprocessing import encoder, targets
from glassnet.schedules import CosineDecay, PiecewiseConstantDecay, Schedule
from glassnet.storage import json_codec, model_file
from peak_memory import PEAK_MEMORY

BAD = [
    *(10**39, -(10**39), 10**400, 10**5000, -1, 0, 1.5, 2**31, 2**63),
    *(1e39, -1e39, 1e-46, float("nan"), float("inf"), float("-inf")),
    *("x" * 10**6, "", "\0", None, True, (), ((((),),),), (10**39,) * 3, ("x",), {}, object),
]
"""Values that are put into each field."""


def one_of_each():
    """Return one part of each class, and the shape of an example for layers."""
    parts = [(layer, shape) for layer, shape in EXAMPLES] + [(part, None) for _, part in PARTS]
    return list({type(part): (part, shape) for part, shape in parts}.values())


def use(part, shape):
    """Do what training would do with the part, without compiling it."""
    if isinstance(part, Schedule):
        for step in (0, 5, jnp.int32(7)):
            part(step)
    elif isinstance(part, Optimizer) and not isinstance(part.learning_rate, Schedule):
        w = np.ones(2, np.float32)
        part.update(w, part.init(w), w, np.float32(0.1))


@pytest.mark.parametrize(("part", "shape"), one_of_each(), ids=lambda value: type(value).__name__)
def test_each_field_of_each_part_is_checked_when_it_is_constructed(part, shape):
    for field in fields(part):
        if not field.init or field.name in ("function", "tx"):
            continue
        for value in BAD:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    use(replace(part, **{field.name: value}), shape)
            except GlassnetError:
                continue
            except Exception as error:
                raise AssertionError(f"{field.name}: {type(value)}") from error


def places(value, path=()):
    """Yield the path of every value in a JSON tree; of long lists, the first two items."""
    yield path
    items = value.items() if isinstance(value, dict) else ()
    items = list(enumerate(value))[:2] if isinstance(value, list) else items
    for key, item in items:
        yield from places(item, (*path, key))


def put(tree, path, value):
    tree = json.loads(json.dumps(tree))
    holder = tree
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return tree


PLAIN = [
    *(10**39, -1, 0, 1e39, 2**31, 2**27, 1e-46, {"float": "nan"}, {"float": "-inf"}),
    *("x" * 10**5, "", None, True, [], [[1]], [[[[[[]]]]]], ["x"] * 3, 1.5),
]
"""JSON that is put into each place of a file."""


def make_table(path):
    """Save a model of a table with a column of each type, and return what it predicts."""
    rng = np.random.default_rng(0)
    dates = np.datetime64("2024-01-01") + np.arange(60).astype("timedelta64[D]")
    table = {
        "age": rng.normal(size=60).tolist(),
        "port": rng.choice(["A", "B", "C"], 60).tolist(),
        "paid": (rng.random(60) > 0.5).tolist(),
        "day": dates.astype(str).tolist(),
        "y": rng.choice(["no", "yes"], 60).tolist(),
    }
    model = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    model.fit(table, target="y", derive={"twice": "age * 2"}, epochs=1, verbose=0)
    model.save(path)
    row = {name: column[:2] for name, column in table.items()}
    return lambda loaded: (loaded.predict(row), loaded.predict_labels(row))


def make_series(path):
    table = {"month": [f"{1950 + i // 12}-{i % 12 + 1:02}" for i in range(60)]}
    table["sales"] = (np.arange(60.0) + 10 * (np.arange(60) % 12)).tolist()
    series = time_series.series(table, "sales", "month", horizon=3, length=4)
    model = gn.Sequential([Flatten(), Dense(3)], seed=0)
    model.fit(series, epochs=1, verbose=0)
    model.save(path)
    return lambda loaded: str(loaded.forecast(5))


def make_text(path):
    text = TextVectorization(output_sequence_length=3).adapt(["a good film", "a bad one"])
    model = gn.Sequential([text, gn.layers.Embedding(7, 2), Flatten(), Dense(1)], seed=0)
    model.compile("adam", "mse")
    model.fit(["a good film", "a bad one"], np.float32([1, 0]), epochs=1, verbose=0)
    model.save(path)
    return lambda loaded: loaded.predict(["a film"])


@pytest.mark.slow
@pytest.mark.parametrize("make", [make_table, make_series, make_text])
def test_each_field_of_a_file_is_checked_when_it_is_loaded(make, tmp_path):
    """What loads can be used, or is refused there in Glassnet's words."""
    path = tmp_path / "m"
    predict = make(path)
    tree, header, numbers = unpack(path.read_bytes())
    predict(gn.load(path))
    accepted = refused = tried = 0
    for place in places(tree):
        if not place or place[0] in ("version", "run"):
            continue
        for value in PLAIN:
            path.write_bytes(pack(put(tree, place, value), header, numbers))
            tried += 1
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    loaded = gn.load(path)
                    predict(loaded)
                    repr(loaded.history)
                accepted += 1
            except GlassnetError as error:
                refused += 0 < len(str(error)) < 1500
            except Exception as error:
                raise AssertionError(f"{place}={str(value)[:40]}") from error
    assert accepted + refused == tried
    assert 50 < accepted < refused / 5


COLUMN = encoder.NumericColumn("age", 0.0, 1.0, 0.0, False)
CITY = encoder.CategoricalColumn("city", ("a", "b"), (0.5, 0.5), False)


@pytest.mark.parametrize(
    ("part", "change", "says"),
    [
        (
            COLUMN,
            {"scale": 0.0},
            "column 'age': expected a finite mean and median, and a scale > 0",
        ),
        (COLUMN, {"scale": float("nan")}, "scale=nan"),
        (COLUMN, {"mean": float("inf")}, "mean=inf"),
        (COLUMN, {"median": float("nan")}, "median=nan"),
        (
            encoder.BooleanColumn("b", 0.0, False),
            {"median": 0.5},
            "column 'b': expected a median of",
        ),
        (CITY, {"categories": ("a",)}, "a frequency for each. Received: categories=1, different=1"),
        (CITY, {"categories": ("a", "a")}, "categories that differ"),
        (CITY, {"categories": (), "frequencies": ()}, "categories=0"),
        (CITY, {"frequencies": (0.5, 2.0)}, "column 'city': expected frequencies from 0 to 1"),
        (
            encoder.DateColumn("d", ()),
            {"parts": (COLUMN,)},
            "column 'd': part: expected one of day",
        ),
        (
            encoder.DateColumn("d", ()),
            {"date_format": "x"},
            "column 'd': expected a date format such",
        ),
        (
            targets.ClassTarget("y", (0, 1)),
            {"labels": ()},
            "target 'y': expected labels that differ",
        ),
        (targets.ClassTarget("y", (0, 1)), {"labels": ("a", "a")}, "labels=2, different=1"),
        (
            targets.NumericTarget("y"),
            {"scale": 0.0},
            "target 'y': expected a finite mean and a scale",
        ),
        (targets.NumericTarget("y"), {"mean": float("nan")}, "mean=nan"),
        (TimeIndex(("t",), "month", 0.0, 1.0), {"step": 0.0}, "TimeIndex: expected a step > 0"),
    ],
)
def test_what_is_learned_about_data_is_checked(part, change, says):
    with pytest.raises(GlassnetError) as error:
        replace(part, **change)
    assert says in str(error.value)


def set_in(*path, value):
    def change(tree):
        for key in path[:-1]:
            tree = tree[key]
        tree[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("make", "change", "says"),
    [
        (
            make_series,
            set_in("intake", "target", "horizon", value=3000),
            "horizon to be the number",
        ),
        (
            make_series,
            set_in("intake", "target", "horizon", value=1),
            "Received: horizon=1, outputs=",
        ),
        (
            make_table,
            set_in("intake", "target", "labels", value=["a", "b", "c"]),
            "labels=3, outputs=",
        ),
        (
            make_table,
            set_in("intake", "encoder", "columns", value=[]),
            "Received: numbers=0, inputs=",
        ),
        (
            make_text,
            set_in("layers", 0, "output_sequence_length", value=9),
            "output_sequence_length",
        ),
    ],
)
def test_what_a_file_says_about_its_data_fits_its_network(make, change, says, tmp_path):
    """Forecasts would be cut, labels read out of range, columns encoded as other numbers."""
    make(tmp_path / "m")
    edit_file(tmp_path / "m", change)
    with pytest.raises(ModelFileError, match=says):
        gn.load(tmp_path / "m")


def test_images_fit_their_network(tmp_path):
    from glassnet.errors import ConfigError
    from glassnet.preprocessing.images import ImagePreprocessor

    images = ImagePreprocessor((4, 6), 3, targets.ClassTarget("class", ("a", "b")))
    images.check_shapes((4, 6, 3), (2,))
    images.check_shapes((4, 6, 3), (1,))
    with pytest.raises(ConfigError, match=r"images: expected size and channels to be those of the"):
        images.check_shapes((6, 4, 3), (2,))
    with pytest.raises(
        ConfigError, match=r"target 'class': expected as many labels as the network"
    ):
        images.check_shapes((4, 6, 3), (3,))


MEASURED = f"""{PEAK_MEMORY}
import json, resource, sys
import glassnet as gn
from glassnet.errors import ModelFileError
resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, 4 << 30))
found = []
for path in [sys.argv[1], *sys.argv[1:]]:
    before = peak_memory()
    try:
        gn.load(path)
        says = ""
    except ModelFileError as error:
        says = str(error)
    found.append([says, peak_memory() - before])
print(json.dumps(found[1:]))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="counts memory")
def test_a_small_file_takes_little_memory(tmp_path):
    """n-grams as a number, and optimizers whose state would be larger than the file."""
    make_text(tmp_path / "text")
    paths = [saved(small([Dense(1)]), tmp_path / "plain")]
    for i, n in enumerate((2**27, 2**31 - 1, 10**30)):
        paths.append(
            edit_file(tmp_path / "text", set_in("layers", 0, "ngrams", value=n), tmp_path / f"n{i}")
        )
    for name in ("adagrad", "adam", "rmsprop", "lion"):
        saved(small([Dense(2), Dense(1)], optimizer=name), tmp_path / name)
        for units in (2**26, 2**27):
            path = tmp_path / f"{name}{units}"
            paths.append(
                edit_file(tmp_path / name, set_in("layers", 0, "units", value=units), path)
            )
    process = subprocess.run(
        [sys.executable, "-c", MEASURED, *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
    )
    (plain, _), *found = json.loads(process.stdout)
    assert plain == ""
    for path, (says, megabytes) in zip(paths[1:], found, strict=True):
        assert says, path
        assert megabytes < 64, path


@pytest.mark.parametrize("steps", [2**31, 10**39, -1])
def test_schedules_count_steps_as_int32(steps):
    with pytest.raises(GlassnetError, match="decay_steps to be an int >= 1"):
        CosineDecay(0.01, decay_steps=steps)
    with pytest.raises(GlassnetError, match="boundaries to be integers >= 0 in increasing order"):
        PiecewiseConstantDecay([steps], [0.1, 0.2])


def test_numbers_beyond_float32_are_refused():
    for make in (lambda: SGD(1e39), lambda: SGD(10**39), lambda: Adagrad(10**400)):
        with pytest.raises(GlassnetError, match="learning_rate to be a number > 0"):
            make()
    with pytest.raises(GlassnetError, match="clipnorm"):
        SGD(clipnorm=1e39)


@pytest.mark.parametrize("to", [4096, 200, 0])
def test_a_file_that_is_cut_while_it_is_read(to, tmp_path, monkeypatch):
    """Another program shortens it between the header and the arrays: an error, not a bus error."""
    path = saved(gn.Sequential([Input(300), Dense(300)], seed=0), tmp_path / "m")
    check = model_file.check_header

    def cut(*arguments):
        os.truncate(path, to)
        return check(*arguments)

    monkeypatch.setattr(model_file, "check_header", cut)
    with pytest.raises(ModelFileError, match="the file became shorter while it was read"):
        gn.load(path)


def test_a_file_that_changes_while_it_is_read(tmp_path, monkeypatch):
    path = saved(small(), tmp_path / "m")
    check = model_file.check_header

    def change(*arguments):
        data = path.read_bytes()
        path.write_bytes(data)
        os.utime(path, (1, 1))
        return check(*arguments)

    monkeypatch.setattr(model_file, "check_header", change)
    with pytest.raises(ModelFileError, match="the file changed while it was read"):
        gn.load(path)


def test_a_file_that_is_replaced_while_it_is_read(tmp_path, monkeypatch):
    """The open file is the old one, whole."""
    path, other = saved(small(), tmp_path / "m"), saved(small(seed=7), tmp_path / "other")
    expected, check = small().get_weights(), model_file.check_header

    def swap(*arguments):
        if other.exists():
            os.replace(other, path)
        return check(*arguments)

    monkeypatch.setattr(model_file, "check_header", swap)
    for a, b in zip(gn.load(path).get_weights(), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_headers_that_overlap_or_leave_a_gap(tmp_path):
    """Oracle: safetensors itself refuses them, too."""
    from safetensors import SafetensorError, safe_open

    tree, header, numbers = unpack(saved(small([Dense(1)]), tmp_path / "m").read_bytes())
    names = sorted(header, key=lambda name: header[name]["data_offsets"])
    last = header[names[-1]]["data_offsets"]
    for offsets in ([last[0] - 4, last[1] - 4], [last[0] + 4, last[1] + 4], [last[1], last[0]]):
        broken = header | {names[-1]: header[names[-1]] | {"data_offsets": offsets}}
        Path(tmp_path / "m").write_bytes(pack(tree, broken, numbers))
        with pytest.raises(SafetensorError):
            safe_open(tmp_path / "m", "numpy").__enter__()
        with pytest.raises(ModelFileError, match="The file is damaged or of another kind"):
            gn.load(tmp_path / "m")


def test_json_that_is_encoded_is_bounded():
    for value in (10**41, "x" * 10_001):
        with pytest.raises(ModelFileError):
            json_codec.dumps({"x": value}, {})
