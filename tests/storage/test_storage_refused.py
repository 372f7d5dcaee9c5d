"""Error messages for invalid files, each constructed or damaged by hand."""

import json
import os
from dataclasses import dataclass

import numpy as np
import pytest
from crafted import edit_file, pack, reload, saved, small, unpack

import glassnet as gn
from glassnet.errors import ModelFileError
from glassnet.layers import Dense, Input, Layer, Parallel, Residual
from glassnet.storage import model_file
from nets import same_bits


@pytest.fixture
def path(tmp_path):
    return saved(small(optimizer="adam"), tmp_path / "m.glassnet")


def refuses(path, says, custom_objects=None):
    with pytest.raises(ModelFileError, match=says) as caught:
        gn.load(path, custom_objects)
    assert len(str(caught.value)) < 1500


def test_no_file(tmp_path):
    refuses(tmp_path / "gone", "load: expected a file that exists. Received: path='.*gone'")
    refuses(tmp_path, "load: expected a file that exists")
    with pytest.raises(ModelFileError, match="load_weights: expected a file that exists"):
        small().load_weights(tmp_path / "gone")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    refuses(tmp_path / "pipe", "load: expected a file that exists")


@pytest.mark.parametrize("length", [0, 7, 8, 100, 1500, -4, -1])
def test_truncated(path, length):
    path.write_bytes(path.read_bytes()[:length])
    refuses(path, "load: expected a safetensors file. .* The file is damaged or of another kind: ")


def test_longer_than_it_says(path):
    path.write_bytes(path.read_bytes() + b"\0")
    refuses(path, "load: expected a safetensors file. .* The file is damaged")


def test_foreign_safetensors(tmp_path):
    from safetensors.numpy import save_file

    save_file({"w": np.ones(2, np.float32)}, tmp_path / "w", {"format": "pt"})
    refuses(
        tmp_path / "w",
        r"load: expected a file that model\.save wrote. .* It contains arrays but no model. Use model\.load_w",
    )


def test_renamed(path):
    """The name of a file does not matter."""
    model = gn.load(path)
    assert same_bits(gn.load(path.rename(path.with_suffix(".h5"))), model)


def test_newer_format(path):
    edit_file(path, lambda model: model | {"format": 2, "version": "7.1.0", "more": {"a": [1]}})
    says = r"load: expected a file of format 1 or lower. Received: format=2. It was written by Glassnet 7.1.0. Install that release or a"
    refuses(path, says)


@pytest.mark.parametrize("version", [None, "1", 0, -1, 1.0, True, [1]])
def test_strange_format(path, version):
    edit_file(path, lambda model: model | {"format": version})
    refuses(path, "load: expected an integer >= 1 as format. Received: format=")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "model: expected strict JSON. Received: problem="),
        ('{"format": 1', "model: expected strict JSON"),
        ('{"format": 1e999}', "1e999 is out of range for float64"),
        ('{"format": NaN}', "NaN is not valid JSON"),
        ('{"format": 1, "format": 1}', "an object contains a name twice"),
        ("[" * 100_000, "model: expected strict JSON"),
        ('{"format": ' + "1" * 41 + "1}", "an integer of more than 40 digits"),
        ('{"format": {"float": 1}}', "float must be nan, inf or -inf"),
        ("3", "load: expected an integer >= 1 as format"),
        ('{"format": 1}', r"model: expected a model. Received: \{'format': 1\}"),
    ],
)
def test_text_that_is_no_model(path, text, says):
    _, header, numbers = unpack(path.read_bytes())
    path.write_bytes(pack(text, header, numbers))
    refuses(path, says)


def put(*keys):
    """Return a change that sets the value at a path; the last argument is the value."""

    def change(model):
        *steps, key, value = keys
        for step in steps:
            model = model[step]
        model[key] = value

    return change


FAULTS = [
    (
        put("layers", 0, "is", "layers/Dense2"),
        r"model.layers\[0\]: expected a known class. Received: 'layers/Dense2'",
    ),
    (
        put("layers", 0, "is", "custom/Mine"),
        r"model.layers\[0\]: .* a known class. Received: 'custom/Mine'. Pass custom_objects=\{'Mine'",
    ),
    (
        put("layers", 0, "is", "optimizers/SGD"),
        r"model.layers\[0\]: expected a layer. Received: \{",
    ),
    (
        put("layers", 0, "more", 1),
        r"model.layers\[0\] \(layers/Dense\): expected only the fields name, .* Received: \['more'\]",
    ),
    (
        lambda model: model["layers"][0].__delitem__("units"),
        r"model.layers\[0\] \(layers/Dense\): expected all fields. .*'units'",
    ),
    (
        put("layers", 0, "units", 2.0),
        r"model.layers\[0\].units: expected an integer. Received: 2.0",
    ),
    (
        put("layers", 0, "units", True),
        r"model.layers\[0\].units: expected an integer. Received: True",
    ),
    (
        put("layers", 0, "units", -2),
        r"model.layers\[0\]: Dense: expected units to be an int >= 1. Received: units=-2",
    ),
    (
        put("layers", 0, "units", 2**30),
        "expected no integer above 134,217,728 in a layer. Received: number=1073741824",
    ),
    (
        put("layers", 0, "activation", "relux"),
        r"model.layers\[0\]: activation: .* Did you mean 'relu'",
    ),
    (
        put("layers", 0, "activation", {"function": "f"}),
        r"model.layers\[0\].activation: .* a function in custom_objects. Received: 'f'. Pass",
    ),
    (
        put("layers", 0, "activation", {"is": "initializers/Zeros"}),
        r"activation: expected text or a function or nothing",
    ),
    (
        put("layers", 0, "kernel_initializer", 3),
        r"kernel_initializer: expected text or an initializer",
    ),
    (
        put("layers", 1, "momentum", {"float": "nan"}),
        r"BatchNormalization: expected momentum from 0",
    ),
    (
        put("layers", 0, "name", "../../etc/passwd"),
        "layer: expected a name of letters, .* Received: name='../../etc/passwd/kernel'",
    ),
    (
        put("layers", 0, "name", "dense_2"),
        "load: expected layers that fit together. Sequential: expected a unique name for each layer",
    ),
    (put("layers", {}), r"model.layers: expected a list. Received: \{\}"),
    (put("layers", []), "model: expected layers and an input shape if there are weights"),
    (
        put("input", [0]),
        "model: expected examples of 1 to 134,217,728 numbers on at most 32 axes. Received: input='.0,.'",
    ),
    (put("input", []), "model: expected examples of 1 to"),
    (put("input", [1] * 33), "model: expected examples of 1 to"),
    (put("input", [2**20, 2**20]), "model: expected examples of 1 to"),
    (put("input", None), "model: expected layers and an input shape if there are weights"),
    (put("input", [None] * 33), "model: expected examples of 1 to"),
    (put("input", [None, -1]), "model: expected examples of 1 to"),
    (
        put("input", [None]),
        "load: expected layers that fit together. dense_1: expected an input of known size",
    ),
    (
        put("input", [3]),
        r"load: expected dense_1/kernel to have shape \(3, 2\) and dtype F32. Received: shape=\(2, 2\)",
    ),
    (
        put("built", False),
        "model: expected weights and an optimizer if there is an optimizer state",
    ),
    (
        put("optimizer", None),
        "model: expected weights and an optimizer if there is an optimizer state",
    ),
    (
        put("remembers", False),
        "load: expected only arrays of the model. Received: unexpected=.*@optimizer/",
    ),
    (put("seed", -1), "model: expected a seed from 0 to"),
    (put("step", 2**31), "model: expected epoch and step from 0"),
    (put("epoch", -1), "model: expected epoch and step from 0"),
    (put("rate", {"float": "inf"}), "model: expected a rate >= 0 within the range of float32"),
    (put("rate", 10**39), "model: expected a rate >= 0 within the range of float32"),
    (
        put("past", "params", {"is": 1}),
        "model.past.params: expected the name of a class or a function. Received: .'is': 1",
    ),
    (
        put("metrics", [[]]),
        r"model.metrics\[0\]: expected text or a metric or a function. Received: \[\]",
    ),
    (put("past", "history", 3), "model.past.history: expected an object. Received: 3"),
    (
        put("past", "history", {"loss": ["x"]}),
        r"model.past.history.loss\[0\]: expected a number. Received: 'x'",
    ),
    (
        put("past", "stopped", "x" * 10_001),
        "model.past.stopped: expected text of at most 10,000 characters. Received: 'xxx",
    ),
    (
        put("layers", [{"is": "layers/Input", "name": "i", "trainable": True, "shape": [2]}]),
        "model: expected no Input among the layers",
    ),
    (
        put("intake", {"is": "data/Encoder", "columns": [], "derive": [["a"]]}),
        "model.intake: expected a preprocessor or nothing",
    ),
]


@pytest.mark.parametrize(("change", "says"), FAULTS)
def test_a_field_that_is_not_as_it_must_be(path, change, says):
    refuses(edit_file(path, change), says)


def test_pairs_have_two_values(tmp_path):
    model = gn.Sequential([Dense(1)], seed=0)
    model.fit({"a": [1.0, 2.0], "y": [2.0, 4.0]}, target="y", derive={"b": "a + a"}, verbose=0)
    path = edit_file(
        saved(model, tmp_path / "m"), put("intake", "encoder", "derive", [["a", "b", "c"]])
    )
    refuses(
        path, r"model.intake.encoder.derive\[0\]: expected 2 values. Received: \['a', 'b', 'c'\]"
    )


def test_nested_too_deep(path):
    def deep(model):
        for _ in range(70):
            model["layers"][0] = {
                "is": "layers/Residual",
                "name": None,
                "trainable": True,
                "layers": [model["layers"][0]],
            }

    refuses(edit_file(path, deep), "expected values nested at most 64 deep")


HEADERS = [
    (
        lambda header: header.pop("dense_1/bias"),
        "safetensors file. .* The file is damaged",
    ),  # unused bytes
    (
        lambda header: header.update(other=header.pop("dense_1/bias")),
        "load: expected all arrays of the model. .*missing=.'dense_1/bias'",
    ),
    (
        lambda header: header["dense_1/bias"].update(shape=[1, 2]),
        r"load: expected dense_1/bias to have shape \(2,\) .* shape=\(1, 2\), dtype=",
    ),
    (
        lambda header: header["dense_1/bias"].update(dtype="I32"),
        r"load: expected dense_1/bias to have shape \(2,\) and dtype F32.* dtype='I32'",
    ),
    (
        lambda header: header["dense_1/bias"].update(shape=[2**40]),
        "safetensors file. .* The file is damaged",
    ),
    (
        lambda header: header["dense_1/bias"].update(shape=[2**63, 2**63]),
        "safetensors file. .* The file is damaged",
    ),
    (
        lambda header: header["dense_1/bias"].update(data_offsets=[0, 2**40]),
        "safetensors file. .* The file is damaged",
    ),
    (
        lambda header: header["dense_1/bias"].update(data_offsets=[-8, 0]),
        "safetensors file. .* The file is damaged",
    ),
]


@pytest.mark.parametrize(("change", "says"), HEADERS)
def test_a_header_that_is_not_as_it_must_be(path, change, says):
    model, header, numbers = unpack(path.read_bytes())
    change(header)
    path.write_bytes(pack(model, header, numbers))
    refuses(path, says)


def test_one_array_under_two_names(path):
    """Two names for the same bytes."""
    model, header, numbers = unpack(path.read_bytes())
    header["twin/kernel"] = header["dense_1/kernel"]
    path.write_bytes(pack(model, header, numbers))
    refuses(path, "safetensors file. .* The file is damaged")


def test_a_name_that_stands_twice_in_the_header(path):
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = data[8 : 8 + length].rstrip()
    twice = header[:-1] + b',"dense_1/bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    path.write_bytes(len(twice).to_bytes(8, "little") + twice + data[8 + length :])
    with pytest.raises(ModelFileError):
        gn.load(path)


def test_a_description_beyond_the_limit(tmp_path):
    _, header, numbers = unpack(saved(small(), tmp_path / "m").read_bytes())
    (tmp_path / "m").write_bytes(pack(" " * 2**23, header, numbers))
    refuses(
        tmp_path / "m",
        "load: expected a model description of less than 8,388,608 bytes. Received: bytes=8388608",
    )


def test_what_is_too_large_to_load_is_not_saved(tmp_path, monkeypatch):
    model = small()
    model.history.history["many"] = [0.1] * 100
    monkeypatch.setattr(model_file, "MAX_TEXT_BYTES", 1000)
    with pytest.raises(
        ModelFileError,
        match=r"save: expected a model description of less than 1,000 bytes\. Received: bytes=",
    ):
        model.save(tmp_path / "m")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layers", "says"),
    [
        (
            [Dense(1)] * 2001,
            "model: expected at most 2,000 layers and lists of layers. Received: layers=2001",
        ),
        (
            [Parallel([[]] * 500), Parallel([[]] * 500)],
            "model: expected at most 2,000 layers and lists of layers",
        ),
        (
            [Parallel([[]] * 2001)],
            "model: expected lists of at most 2,000 values in a layer. Received: values=2001",
        ),
        ([Dense(2**27 + 1)], "model: expected no integer above 134,217,728 in a layer"),
    ],
)
def test_limits_hold_when_saving_too(tmp_path, layers, says):
    with pytest.raises(ModelFileError, match=says):
        gn.Sequential(layers).save(tmp_path / "m")


def test_composites_too_deep_to_load_are_not_saved(tmp_path):
    layer = Dense(2)
    for _ in range(30):
        layer = Residual(layer)
    loaded = reload(gn.Sequential([Input(2), layer], seed=0), tmp_path / "m")
    assert loaded.predict(np.eye(2)).shape == (2, 2)
    loaded.save(tmp_path / "m")
    assert same_bits(gn.load(tmp_path / "m"), loaded)  # an array's name contains 31 layer names
    with pytest.raises(ModelFileError, match="expected values nested at most 64 deep"):
        gn.Sequential([Residual(Residual(layer))]).save(tmp_path / "m")


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("is", 1, "model.past.params: expected string keys other than is, function, float"),
        (1, 1, "model.past.params: expected string keys"),
        ("a", 10**40, "model.past.params.a: expected integers of at most 40 digits"),
        ("a", "x" * 10_001, "model.past.params.a: expected text of at most 10,000 characters"),
        (
            "a",
            np.ones(3),
            "model.past.params.a: expected something that can be saved. Received: type='ndarray'",
        ),
    ],
)
def test_a_history_that_cannot_be_saved(tmp_path, key, value, says):
    model = small()
    model.history.params[key] = value
    with pytest.raises(ModelFileError, match=says):
        model.save(tmp_path / "m")


@pytest.mark.parametrize(
    "name", ["a b/../c", "../up", "/root", "a\nb", "<b>", "@optimizer", "x" * 201, "."]
)
def test_layers_whose_names_no_file_may_hold(tmp_path, name):
    model = gn.Sequential([Input(1), Dense(1, name=name)])
    model.count_params()
    for save in (model.save, model.save_weights):
        with pytest.raises(ModelFileError, match="layer: expected a name of letters, digits and"):
            save(tmp_path / "m")


def test_names_that_would_fall_together(tmp_path):
    model = gn.Sequential([Input(2), Residual(Dense(2), name="a"), Dense(2, name="a/dense_1")])
    model.count_params()
    with pytest.raises(
        ModelFileError,
        match=r"layer: expected a unique name for each array\. Received: duplicate='a/dense_1/kernel'",
    ):
        model.save(tmp_path / "m")


@dataclass(frozen=True)
class Odd(Layer):
    """Layer with a dtype that files do not support."""

    def init_state(self, shape):
        return {"odd": np.zeros(2, np.complex64)}


@dataclass(frozen=True)
class Scale(Layer):
    start: float = 1.0
    mine: "int | None" = None

    def __post_init__(self):
        if self.start > 5:
            raise TypeError("too much")

    def init(self, rng, shape):
        return {"scale": np.full(shape, self.start, np.float32)}

    def __call__(self, params, x):
        return x * params["scale"]


def own_loss(y, out):
    return abs(y - out).mean(-1)


def test_kinds_of_numbers_that_files_do_not_hold(tmp_path):
    model = gn.Sequential([Input(1), Odd()])
    model.count_params()
    with pytest.raises(
        ModelFileError,
        match=r"odd_1/odd: expected a dtype out of F16, .* Received: dtype='complex64'",
    ):
        model.save(tmp_path / "m")


def test_a_custom_object_that_was_not_given(tmp_path):
    model = gn.Sequential([Input(2), Scale(2.0), Dense(1)], seed=0)
    model.compile("sgd", own_loss)
    path = saved(model, tmp_path / "m")
    refuses(
        path,
        r"model.layers\[0\]: .* Received: 'custom/Scale'. Pass custom_objects=\{'Scale': ...\}",
    )
    refuses(path, r"model.layers\[0\]: .* 'custom/Scale'. Pass custom_objects", {"scale": Scale})
    refuses(path, r"model.layers\[0\]: .* 'custom/Scale'. Pass custom_objects", {"Scale": Scale()})
    refuses(path, r"model.layers\[0\]: .* 'custom/Scale'. Pass custom_objects", {"Scale": int})
    refuses(path, r"model.layers\[0\]: expected a layer", {"Scale": gn.optimizers.SGD})
    refuses(
        path,
        r"model.layers\[0\] \(custom/Scale\): expected only the fields",
        {"Scale": Residual},
    )
    refuses(
        path,
        r"model.loss.function: .* a function in custom_objects. Received: 'own_loss'. Pass custom_objects=\{'own_loss': ...\}",
        {"Scale": Scale},
    )
    refuses(
        path,
        r"load: expected custom_objects to be a dict. Received: type='list'. Write custom_objects=\{",
        [Scale, own_loss],
    )
    assert gn.load(path, {"Scale": Scale, "own_loss": own_loss})._loss.function is own_loss


@pytest.mark.parametrize("field", ["units", "name", "use_bias", "kernel_initializer"])
def test_a_function_stands_only_where_one_is_expected(path, field):
    edit_file(path, put("layers", 0, field, {"function": "own_loss"}))
    refuses(
        path,
        rf"model.layers\[0\].{field}: expected .* Received: .'function': 'own_loss'",
        {"own_loss": own_loss},
    )


def test_two_functions_of_one_name(tmp_path):
    """`custom_objects` could contain only one of them."""

    def other(y, out):
        return (y - out).mean(-1) ** 2

    other.__name__ = "own_loss"
    model = gn.Sequential([Dense(1)])
    model.compile("sgd", own_loss, [other])
    with pytest.raises(
        ModelFileError,
        match=r"model.metrics\[0\]: expected a unique name for each custom class and function. Received: 'own_loss'",
    ):
        model.save(tmp_path / "m")
    model.compile("sgd", own_loss, [own_loss])
    assert reload(model, tmp_path / "m", {"own_loss": own_loss})._metrics == (own_loss,)


def test_a_custom_object_that_refuses_what_the_file_says(tmp_path):
    path = edit_file(
        saved(gn.Sequential([Scale()]), tmp_path / "m"), put("layers", 0, "start", 9.0)
    )
    refuses(path, r"model.layers\[0\]: too much", {"Scale": Scale})


def test_weights_of_another_architecture(tmp_path):
    small([Dense(3), Dense(1)]).save_weights(tmp_path / "w")
    other = small([Dense(2), Dense(1)])
    before = other.get_weights()
    with pytest.raises(
        ModelFileError,
        match=r"load_weights: expected dense_1/kernel to have shape \(2, 2\) .* Received: shape=\(2, 3\)",
    ):
        other.load_weights(tmp_path / "w")
    for more in ([Dense(1)], [Dense(2), Dense(1), Dense(1)]):
        with pytest.raises(
            ModelFileError, match=r"load_weights: expected (only|all) arrays of the model"
        ):
            small(more).load_weights(tmp_path / "w")
    (tmp_path / "w").write_bytes(b"PK\3\4 and more")
    with pytest.raises(
        ModelFileError,
        match=r"load_weights: expected a safetensors file. .* Keras, HDF5 and pickle files are not supported",
    ):
        other.load_weights(tmp_path / "w")
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_header_is_json_of_text_alone(path):
    """The description is plain ASCII JSON that any program can read."""
    length = int.from_bytes(path.read_bytes()[:8], "little")
    header = path.read_bytes()[8 : 8 + length]
    assert header.isascii()
    assert json.loads(json.loads(header)["__metadata__"]["glassnet"])["is"] == "Saved"
