"""A file cannot run code, import, open files, connect, or allocate more memory than its size.

Oracles: Python's audit events, the memory use reported by the system, and an object that leaves a
trace if it is unpickled. There is one test for each class of vulnerability that Keras's loaders had
from 2024 to 2026.
"""

import builtins
import json
import pickle
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from crafted import edit_file, pack, saved, small, unpack
from test_storage_models import TABLE

import glassnet as gn
from glassnet.activations import ACTIVATIONS
from glassnet.callbacks import Callback
from glassnet.errors import ModelFileError
from glassnet.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Flatten,
    Input,
    LayerNormalization,
    Maxout,
    MaxPooling2D,
    Normalization,
    Parallel,
    PReLU,
    RepeatVector,
    Reshape,
    Residual,
    UpSampling2D,
    ZeroPadding2D,
)
from glassnet.storage import json_codec, model_file, registry
from peak_memory import PEAK_MEMORY

HERE = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
MOST = 2**27


def to_plain(part):
    """Return the plain JSON of a component."""
    return json.loads(json_codec.dumps(part, registry.by_class()))


def python(code, *arguments):
    """Run code in a new process and parse its output as JSON."""
    line = f"import sys; sys.path += {HERE}\n{code}"
    process = subprocess.run(
        [sys.executable, "-c", line, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(process.stdout)


WATCHED = """
import json, sys
import glassnet as gn
from glassnet.errors import ModelFileError
def load(path):
    try:
        gn.load(path)
    except ModelFileError:
        pass
for path in sys.argv[1:]:
    load(path)
seen = []
sys.addaudithook(lambda event, arguments: seen.append((event, str(arguments[0]) if arguments else "")))
for path in sys.argv[1:]:
    load(path)
OTHER = ("object.__getattr__", "object.__setattr__", "sys._getframe", "builtins.id", "gc.", "code.__new__", "cpython.")
print(json.dumps([pair for pair in seen if not pair[0].startswith(OTHER)]))
"""


@pytest.mark.slow
def test_a_load_opens_its_file_and_nothing_else(tmp_path):
    """Loading valid, table and invalid files causes no import, socket, process or compilation."""
    rich = saved(
        small(
            [
                Residual([Dense(2, activation="tanh"), BatchNormalization()]),
                Normalization(),
                Dense(1),
            ],
            "adam",
        ),
        tmp_path / "rich",
    )
    table = gn.Sequential([Dense(1)], seed=0)
    table.fit(
        TABLE,
        target="price",
        column_types={"port": "category"},
        derive={"twice": "age * 2"},
        verbose=0,
    )
    paths = [rich, saved(table, tmp_path / "table")]
    for i, name in enumerate(
        ("os.system", "custom/os.system", "../../x", "http://x/y", "layers/Lambda")
    ):
        paths.append(
            edit_file(
                rich,
                lambda model, name=name: model["layers"][1].update({"is": name}),
                tmp_path / f"bad{i}",
            )
        )
    (tmp_path / "cut").write_bytes(rich.read_bytes()[:500])
    (tmp_path / "pickle").write_bytes(pickle.dumps({"a": 1}))
    paths += [tmp_path / "cut", tmp_path / "pickle"]
    events = python(WATCHED, *paths)
    assert {name for _, name in events} <= {str(path) for path in paths}
    assert {event for event, _ in events} == {"open"}


@pytest.mark.slow
def test_the_hook_would_have_seen_it(tmp_path):
    """The same audit hook reports a load that imports and opens files."""
    path = saved(small([Dense(1)]), tmp_path / "m")
    spy = "from glassnet.storage import model_file; old = model_file._read_spec"
    spy += "\ndef new(*given):\n import colorsys; open('/dev/null').close(); return old(*given)\n"
    events = python(
        WATCHED.replace("seen = []", f"seen = []\n{spy}model_file._read_spec = new"), path
    )
    assert {"open", "import"} <= {event for event, _ in events}


def nested(layer, times):
    for _ in range(times):
        layer = Residual(layer)
    return layer


BOMBS = {
    "two Denses": ([Dense(4_000_000)] * 2, [2]),
    "the largest Denses": ([Dense(MOST)] * 2, [2]),
    "Maxout": ([Maxout(MOST, pieces=MOST)], [2]),
    "what follows a Dense": (
        [
            Dense(MOST),
            *(kind() for kind in (BatchNormalization, Normalization, LayerNormalization, PReLU)),
        ],
        [2],
    ),
    "copies of copies": (
        [
            RepeatVector(MOST),
            Flatten(),
            RepeatVector(MOST),
            Flatten(),
            RepeatVector(MOST),
            Flatten(),
            Dense(1),
        ],
        [2],
    ),
    "a large Flatten": ([RepeatVector(2**26), Flatten(), BatchNormalization(), Dense(2**26)], [2]),
    "a Reshape of many axes": ([Reshape((2, *[1] * 1000))], [2]),
    "a large input": ([Dense(MOST)], [MOST]),
    "an input of many axes": ([Dense(1)], [99_999] * 300_000),
    "a large kernel": ([Conv2D(2, MOST, padding="same")], [4, 4, 2]),
    "the largest filters": ([Conv2D(MOST, 3), Conv2DTranspose(MOST, 3)], [8, 8, 2]),
    "a large image": (
        [
            ZeroPadding2D(2**26),
            AveragePooling2D(3, 1, "same"),
            UpSampling2D(MOST),
            Conv2D(1, 3),
            MaxPooling2D(2),
        ],
        [4, 4, 2],
    ),
    "large windows": (
        [MaxPooling2D(2**20, 1, "same"), AveragePooling2D(MOST, padding="same"), Dense(2)],
        [4, 4, 2],
    ),
    "many convolutions": ([Conv2D(1, 11, padding="same")] * 150, [16, 16, 1]),
    "many layers": ([Flatten()] * 2000, [2]),
    "too many layers": ([Activation("softmax")] * 20_000, [2]),
    "Parallels of Parallels": ([Parallel([[]] * 30)] * 30, [2]),
    "nested": ([nested(Dense(2), 30)], [2]),
    "nested too deep": ([nested(Dense(2), 60)], [2]),
    "nested and wide": ([nested(Residual([Dense(2)] * 700), 28)], [2]),
}

MEASURED = f"""{PEAK_MEMORY}
import json, sys, time
import glassnet as gn
from glassnet.errors import ModelFileError
first, found = True, dict()
for path in [sys.argv[1], *sys.argv[1:]]:
    before, start = peak_memory(), time.perf_counter()
    try:
        gn.load(path)
        says = ""
    except ModelFileError as error:
        says = str(error)
    found[path] = says, peak_memory() - before, time.perf_counter() - start
print(json.dumps(found))
"""


def bomb(path, layers, shape, file):
    """Replace the layers of `file`, including layers that are too deep to encode in one piece."""
    model, header, numbers = unpack(file)
    sys.setrecursionlimit(10_000)
    path.write_bytes(
        pack(model | {"layers": [deep(layer) for layer in layers], "input": shape}, header, numbers)
    )
    return path


def deep(layer):
    """Return the plain JSON of a layer nested to any depth."""
    if isinstance(layer, Residual):
        return {
            "is": "layers/Residual",
            "name": None,
            "trainable": True,
            "layers": [deep(inner) for inner in layer.layers],
        }
    return to_plain(layer)


@pytest.mark.slow
def test_shapes_take_no_memory(tmp_path):
    """CVE-2026-0897: a file's shape causes an allocation of that size.

    Here shapes of terabytes may take at most 64 MB and 5 s.
    """
    file = saved(small([Dense(1)]), tmp_path / "m").read_bytes()
    paths = {
        name: bomb(tmp_path / name.replace(" ", "_"), *described, file)
        for name, described in BOMBS.items()
    }
    measured = python(MEASURED, tmp_path / "m", *paths.values())
    for name, path in paths.items():
        says, megabytes, seconds = measured[str(path)]
        assert says, name
        assert megabytes < 64, name
        assert seconds < 5, name


def test_an_example_stays_within_the_limit_after_every_layer(tmp_path):
    """Layers without weights, whose large outputs no array's shape reveals."""
    model = gn.Sequential([Input(2), RepeatVector(3), Flatten()])
    model.count_params()
    path = edit_file(saved(model, tmp_path / "m"), lambda plain: plain["layers"][0].update(n=2**27))
    refused(
        path,
        r"load: expected at most 134,217,728 numbers per example after every layer. Received: shape=\(134217728, 2\)",
    )


def test_a_load_takes_what_the_file_does(tmp_path):
    """Loading 24 MB of weights allocates them once, plus at most 4 MB."""
    model = gn.Sequential([Input(2000), Dense(3000), Dense(1)], seed=0)
    model.count_params()
    path = saved(model, tmp_path / "m")
    small_one = saved(small([Dense(1)]), tmp_path / "small")
    gn.load(small_one)
    tracemalloc.start()
    gn.load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size < peak < path.stat().st_size + 4e6


def test_a_history_of_100000_epochs_loads_in_no_time(tmp_path):
    """Lists of numbers are checked at once; checking each number takes 5 s."""
    import time

    model = small([Dense(1)])
    model.history.history["loss"] = model.history.seconds = (
        np.random.default_rng(0).uniform(size=100_000).tolist()
    )
    path = saved(model, tmp_path / "m")
    start = time.perf_counter()
    assert gn.load(path).history.history == model.history.history
    assert time.perf_counter() - start < 1


@pytest.fixture
def file(tmp_path):
    return saved(small([Dense(2, activation="relu", name="d"), Dense(1)]), tmp_path / "m")


def layer_is(file, part):
    return edit_file(file, lambda model: model["layers"].__setitem__(0, part))


def refused(path, says):
    with pytest.raises(ModelFileError, match=says):
        gn.load(path)


def test_code_in_a_config(file):
    """CVE-2024-3660, CVE-2025-9905, CVE-2025-9906: a Lambda layer contains marshalled bytecode.

    No component has a field for code, and no flag allows it: functions are looked up in
    `custom_objects`.
    """
    import base64
    import marshal

    code = base64.b64encode(marshal.dumps(compile("open('stolen', 'w')", "x", "eval"))).decode()
    for part in ("layers/Lambda", "Lambda", "custom/Lambda"):
        refused(
            layer_is(
                file, {"is": part, "name": "d", "trainable": True, "function": [code, None, None]}
            ),
            "a known class",
        )
    for function in (
        [code, None, None],
        {"function": code},
        {"function": [code]},
        {"class_name": "__lambda__", "config": {"code": code}},
    ):
        refused(
            layer_is(file, to_plain(Activation("relu")) | {"activation": function}),
            r"model.layers\[0\].activation: expected",
        )
    with pytest.raises(TypeError):
        gn.load(file, safe_mode=False)
    with pytest.raises(TypeError):
        gn.load(file, allow_pickle=True)


GADGETS = ["os.system", "builtins.exec", "keras.utils.get_file", "keras.models.load_model", "keras.config.enable_unsafe_deserialization",
           "subprocess.Popen", "glassnet.storage.atomic_write.write", "numpy.load", "__import__", "eval"]  # fmt: skip


@pytest.mark.parametrize("name", GADGETS)
def test_gadgets_by_name(file, name, monkeypatch):
    """CVE-2025-1550, CVE-2025-8747: the loader imports and calls functions by name.

    Here names are keys of fixed tables, and a load imports nothing beyond its usual modules.
    """
    module, _, function = name.rpartition(".")
    own = unpack(file.read_bytes())[0]["layers"][0]
    variants = [
        {"is": name},
        own | {"is": f"custom/{name}"},
        own | {"module": module, "class_name": function, "config": {"arguments": ["id"]}},
        own | {"activation": {"function": name}},
        own | {"activation": name},
        own
        | {"kernel_initializer": {"module": module, "class_name": "function", "config": function}},
        own | {"kernel_initializer": {"is": f"initializers/{name}"}},
    ]
    seen, original = [], builtins.__import__
    monkeypatch.setattr(
        builtins, "__import__", lambda name, *more: seen.append(name) or original(name, *more)
    )
    gn.load(file)
    usual = set(seen)
    for part in variants:
        with pytest.raises(ModelFileError):
            gn.load(layer_is(file, part))
    assert set(seen) <= usual | {"json", "pathlib"}  # imported by this test itself


def test_the_tables_hold_parts_of_glassnet_alone():
    """Files can name only frozen dataclasses of this package, and no callbacks."""
    assert len(registry.by_tag()) == len(registry.by_class()) == len(registry.TAGS)
    for _name, kind, _ in registry.TAGS:
        assert kind.__module__.startswith("glassnet.")
        assert kind.__dataclass_params__.frozen
        assert not issubclass(kind, Callback)
    assert not any("allback" in name or "/CSV" in name for name in registry.by_tag())


@pytest.mark.parametrize("tag", model_file.all_tags().values(), ids=lambda tag: tag.name)
def test_every_field_that_says_what_a_part_is_has_a_key(tag):
    """A field without a key would be lost in a file. Oracle: the fields of the class."""
    assert sorted(tag.fields().values()) == sorted(json_codec.config_fields(tag.kind))
    assert all(isinstance(name, str) for name in ACTIVATIONS)


def test_archives_are_not_unpacked(tmp_path, monkeypatch):
    """CVE-2025-12060, CVE-2025-12638: a path in an archive leads out of its folder.

    Archives are rejected before anything is unpacked.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inner").mkdir()
    with zipfile.ZipFile(tmp_path / "inner" / "m.keras", "w") as archive:
        archive.writestr("../stolen", "x")
        archive.writestr("config.json", json.dumps({"module": "keras", "class_name": "Sequential"}))
    refused(tmp_path / "inner" / "m.keras", "load: expected a safetensors file")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["m.keras"]


def test_no_path_and_no_url_is_followed(file, tmp_path):
    """Text in a file is never used as a path or URL.

    CVE-2025-12058: a vocabulary's path or URL is read into the model. CVE-2026-1669: external links
    of HDF5. CVE-2026-1462: the path of another model.
    """
    secret = tmp_path / "secret"
    secret.write_bytes(b"the secret")
    model, header, numbers = unpack(file.read_bytes())
    for where in (str(secret), secret.as_uri(), "http://169.254.169.254/latest"):
        for field in (
            {"vocabulary": where},
            {"filepath": where},
            {"kernel_initializer": where},
            {"activation": where},
        ):
            refused(layer_is(file, model["layers"][0] | field), r"model.layers\[0\]")
        linked = {"d/kernel": header["d/kernel"] | {"external": where}}
        file.write_bytes(pack(model, header | linked, numbers))
        try:
            loaded = gn.load(file)
        except ModelFileError:
            continue
        assert b"secret" not in b"".join(weight.tobytes() for weight in loaded.get_weights())


@pytest.mark.parametrize(
    "name", ["../d", "/etc/d", "a/../../d", "..", "c:\\d", "d\0", "~/d", "http://x", ""]
)
def test_names_of_layers_are_no_paths(file, name):
    """Layer names are dictionary keys and are never joined into a path."""
    model, header, numbers = unpack(file.read_bytes())
    model["layers"][0]["name"] = name
    header = {
        key.replace("d/", f"{name}/", 1) if key.startswith("d/") else key: value
        for key, value in header.items()
    }
    file.write_bytes(pack(model, header, numbers))
    with pytest.raises(ModelFileError):
        gn.load(file)


class Thief:
    """Object that writes a file when it is unpickled."""

    def __reduce__(self):
        return Path.write_text, (Path("stolen"), "x")


@pytest.mark.parametrize(
    "ending", ["glassnet", "h5", "hdf5", "keras", "pkl", "pt", "npz", "npy", "safetensors"]
)
def test_nothing_is_unpickled_and_no_older_way_is_tried(tmp_path, monkeypatch, ending):
    """CVE-2025-49655 (torch.load inside a layer), CVE-2025-9905 (the HDF5 loader skips the checks).

    No file name enables another format, and there is no second loader to fall back on.
    """
    monkeypatch.chdir(tmp_path)
    kinds = [pickle.dumps(Thief(), protocol) for protocol in range(6)] + [
        b"\x89HDF\r\n\x1a\n" + bytes(600),
        b"\x93NUMPY\x01\x00v\x00" + bytes(200),
    ]
    for data in kinds:
        path = tmp_path / f"model.{ending}"
        path.write_bytes(data)
        refused(path, "load: expected a safetensors file")
        with pytest.raises(ModelFileError, match="load_weights: expected a safetensors file"):
            small().load_weights(path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    pickle.loads(kinds[2])
    assert (tmp_path / "stolen").exists()  # the trap works
