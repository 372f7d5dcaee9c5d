"""Model files taken apart and put together again, as somebody with a hex editor would."""

import json

import numpy as np

import glassnet as gn
from glassnet.layers import BatchNormalization, Dense, Input

NUMBERS = {"F32": np.float32, "I32": np.int32, "F64": np.float64, "BOOL": np.bool_}


def apart(data):
    """(what the file says of its model, the header without it, the numbers' bytes)."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    return json.loads(header.pop("__metadata__")["glassnet"]), header, data[8 + length :]


def together(model, header, numbers):
    """The file of those three; a model that is text goes in as it is."""
    text = model if isinstance(model, str) else json.dumps(model)
    whole = json.dumps({"__metadata__": {"glassnet": text}} | header).encode()
    return len(whole).to_bytes(8, "little") + whole + numbers


def arrays(data):
    """The arrays by name, read without safetensors."""
    _, header, numbers = apart(data)
    return {
        name: np.frombuffer(numbers[slice(*said["data_offsets"])], NUMBERS[said["dtype"]]).reshape(
            said["shape"]
        )
        for name, said in header.items()
    }


def changed(path, change, to=None):
    """Let `change` alter what a file says of its model, in place; the result is written to `to`."""
    model, header, numbers = apart(path.read_bytes())
    model = change(model) or model
    (to or path).write_bytes(together(model, header, numbers))
    return to or path


def small(layers=None, optimizer="sgd", seed=0):
    """A model of a few numbers that has been trained."""
    model = gn.Sequential(
        [Input(2), *(layers or [Dense(2, activation="relu"), BatchNormalization(), Dense(1)])],
        seed=seed,
    )
    model.compile(optimizer, "mean_squared_error")
    model.fit(np.float32([[0, 1], [1, 0], [2, 2]]), np.float32([1, 2, 3]), epochs=2, verbose=0)
    return model


def saved(model, path):
    """The path, the model being saved there."""
    model.save(path)
    return path


def again(model, path, custom_objects=None):
    """The model after it has been in a file."""
    return gn.load(saved(model, path), custom_objects)
