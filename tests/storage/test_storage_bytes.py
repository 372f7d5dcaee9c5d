"""A model file in memory, as in a pickle, is validated like a file on disk.

Oracle: `gn.load` of the same bytes in a file.
"""

import re
import tracemalloc

import jax
import numpy as np
import pytest
from crafted import pack, small, unpack
from test_storage_pickles import blob

import glassnet as gn
from glassnet.errors import ModelFileError
from glassnet.layers import Dense, Input
from glassnet.storage import model_file


def swapped(model, data):
    """Unpickle the model with other bytes in place of its file."""
    twin = object.__new__(type(model))
    return twin.__setstate__(model.__getstate__() | {"file": data})


@pytest.mark.parametrize("length", [0, 7, 8, 100, 1500, -4, -1])
def test_a_pickle_cut_inside(length):
    model = small(optimizer="adam")
    with pytest.raises(
        ModelFileError,
        match=r"load: expected a safetensors file. Received: bytes=\d+. The file is damaged or of another kind",
    ):
        swapped(model, blob(model)[:length])


def test_bytes_of_another_kind():
    model = small()
    with pytest.raises(
        ModelFileError,
        match=r"Received: bytes=5000\. Keras, HDF5 and pickle files are not supported",
    ):
        swapped(model, b"\x89HDF\r\n\x1a\n" * 625)
    data = pack("{}", *unpack(blob(model))[1:]).replace(b"__metadata__", b"__metadatb__")
    with pytest.raises(ModelFileError, match="load: expected a safetensors file"):
        swapped(model, data)
    from safetensors.numpy import save

    arrays = {"dense_1/kernel": np.ones((2, 2), np.float32)}
    for metadata in (None, {"format": "pt"}):
        with pytest.raises(
            ModelFileError,
            match=r"load: expected a file that model\.save wrote. Received: bytes=\d+. It contains arrays",
        ):
            swapped(model, save(arrays, metadata))


HEADERS = [
    (lambda header: header | {"more/kernel": header["dense_1/kernel"]}, "load: expected"),
    (
        lambda header: {name: at for name, at in header.items() if name != "dense_1/bias"},
        "load: expected",
    ),
    (
        lambda header: header | {"dense_1/kernel": header["dense_1/kernel"] | {"shape": [1, 4]}},
        r"dense_1/kernel to have shape \(2, 2\)",
    ),
    (
        lambda header: header | {"dense_1/kernel": header["dense_1/kernel"] | {"dtype": "I32"}},
        "and dtype F32",
    ),
    (
        lambda header: (
            header
            | {"dense_1/kernel": header["dense_1/kernel"] | {"dtype": "BF16", "shape": [2, 4]}}
        ),
        "dtype='BF16'",
    ),
    (
        lambda header: (
            header | {"dense_1/kernel": header["dense_1/kernel"] | {"shape": [2**40, 2**40]}}
        ),
        "The file is damaged",
    ),
]


@pytest.mark.parametrize(("change", "says"), HEADERS)
def test_a_header_that_does_not_fit(change, says, tmp_path):
    """The error equals that of the same file on disk."""
    model = small()
    model_text, header, numbers = unpack(blob(model))
    data = pack(model_text, change(header), numbers)
    (tmp_path / "m").write_bytes(data)
    with pytest.raises(ModelFileError, match=says) as of_bytes:
        swapped(model, data)
    with pytest.raises(ModelFileError) as of_path:
        gn.load(tmp_path / "m")
    expected = str(of_path.value).replace(f"path={str(tmp_path / 'm')!r}", f"bytes={len(data)}")
    varying = r" header(?=:)|tensor `.*`"  # safetensors may name either of two tensors
    assert re.sub(varying, "", str(of_bytes.value)) == re.sub(varying, "", expected)


def test_every_flipped_byte_gives_the_same_model_or_error_as_in_a_file(tmp_path):
    """Only bytes of the header are flipped, since any array bytes are valid."""
    data = blob(gn.Sequential([Input(2), Dense(1)], seed=0))
    rng = np.random.default_rng(0)
    for place in rng.integers(0, int.from_bytes(data[:8], "little") + 8, 300):
        bad = bytearray(data)
        bad[place] ^= 1 << rng.integers(8)
        (tmp_path / "m").write_bytes(bad)
        outcomes = []
        for source in (tmp_path / "m", bytes(bad)):
            try:
                loaded = model_file.read_model(source)
                outcomes.append(
                    (loaded.spec, [a.tobytes() for a in jax.tree.leaves(loaded.arrays)])
                )
            except ModelFileError:
                outcomes.append(None)
        assert outcomes[0] == outcomes[1], place


def test_a_long_header_is_not_taken_in():
    data = (2**40).to_bytes(8, "little") + b"{}"
    with pytest.raises(ModelFileError, match=r"Received: bytes=10\. Keras, HDF5 and pickle"):
        model_file.read_model(data)


def test_bytes_take_their_own_size_and_little_more():
    """Oracle: `tracemalloc`, which counts the allocations of Python and NumPy."""
    data = blob(gn.Sequential([Input(1000), Dense(1000)], seed=0))
    model_file.read_model(data)
    tracemalloc.start()
    loaded = model_file.read_model(data)
    current, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert loaded.arrays.params[0]["kernel"].nbytes == 4_000_000
    assert 0.99 * len(data) < current <= peak < 1.05 * len(data)
