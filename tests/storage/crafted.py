"""Helpers that take model files apart and put them together again."""

import json

import numpy as np

import glassnet as gn
from glassnet.layers import BatchNormalization, Dense, Input

NUMBERS = {"F32": np.float32, "I32": np.int32, "I64": np.int64, "F64": np.float64, "BOOL": np.bool_}


def unpack(data):
    """Split a file into (model description, header without metadata, bytes of the arrays)."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    return json.loads(header.pop("__metadata__")["glassnet"]), header, data[8 + length :]


def pack(model, header, numbers):
    """Join the results of `unpack` into a file; a string is used as the description unchanged."""
    text = model if isinstance(model, str) else json.dumps(model)
    json_header = json.dumps({"__metadata__": {"glassnet": text}} | header).encode()
    return len(json_header).to_bytes(8, "little") + json_header + numbers


def arrays(data):
    """Read the arrays by name without safetensors."""
    _, header, numbers = unpack(data)
    return {
        name: np.frombuffer(
            numbers[slice(*entry["data_offsets"])], NUMBERS[entry["dtype"]]
        ).reshape(entry["shape"])
        for name, entry in header.items()
    }


def edit_file(path, change, to=None):
    """Apply `change` to a file's model description and write the result to `to` or in place."""
    model, header, numbers = unpack(path.read_bytes())
    model = change(model) or model
    (to or path).write_bytes(pack(model, header, numbers))
    return to or path


def small(layers=None, optimizer="sgd", seed=0):
    """Return a small trained model."""
    model = gn.Sequential(
        [Input(2), *(layers or [Dense(2, activation="relu"), BatchNormalization(), Dense(1)])],
        seed=seed,
    )
    model.compile(optimizer, "mean_squared_error")
    model.fit(np.float32([[0, 1], [1, 0], [2, 2]]), np.float32([1, 2, 3]), epochs=2, verbose=0)
    return model


def saved(model, path):
    """Save a model and return the path."""
    model.save(path)
    return path


def reload(model, path, custom_objects=None):
    """Save and load a model."""
    return gn.load(saved(model, path), custom_objects)
