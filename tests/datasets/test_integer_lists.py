"""Files of lists of integers: what is read, and pickles that are refused.

Oracle: the lists that were saved, and NumPy's own reader of pickles for the honest files; for the
hostile ones a marker file that their code would create.
"""

import doctest
import io
import os
import pickle
import pickletools
import struct
import zipfile

import numpy as np
import pytest

from glassnet.datasets import integer_lists
from glassnet.datasets.integer_lists import read_integer_lists, read_npz
from glassnet.errors import DataError

TEXTS = [[1, 2, 70_000], [], [255, 256, 65_536, 2**31 + 1], [3]]


def object_array(rows):
    array = np.empty(len(rows), object)
    array[:] = rows
    return array


def test_the_example():
    assert doctest.testmod(integer_lists).failed == 0


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("package", [b"numpy._core", b"numpy.core"])
def test_lists_are_read(protocol, package):
    """NumPy 2 writes numpy._core, NumPy 1 numpy.core; np.save has used protocols 3 and 4."""
    raw = pickle.dumps(object_array(TEXTS), protocol)
    if protocol == 3:
        raw = raw.replace(b"numpy._core", package)
    assert read_integer_lists(raw, "test") == TEXTS


def test_lists_of_python_2_are_read():
    """The pickle that NumPy wrote under Python 2, with its opcodes spelt out."""
    raw = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85q\x03"
        b"U\x01bq\x04\x87q\x05Rq\x06(K\x01K\x02\x85q\x07cnumpy\ndtype\nq\x08U\x02O8q\tK\x00K\x01"
        b"\x87q\nRq\x0b(K\x03U\x01|q\x0cNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tq\rb\x89]q\x0e"
        b"(]q\x0f(K\x01M\x00\x01e]q\x10K\x07aetq\x11b."
    )
    assert pickle.loads(raw, encoding="latin1").tolist() == [[1, 256], [7]]
    assert read_integer_lists(raw, "test") == [[1, 256], [7]]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_archives_are_read(tmp_path, save):
    numbers = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    save(tmp_path / "a.npz", x=object_array(TEXTS), y=np.arange(4), z=numbers)
    x, y, z = read_npz(tmp_path / "a.npz", ["x", "y", "z"])
    assert x == TEXTS
    np.testing.assert_array_equal(y, np.arange(4), strict=True)
    np.testing.assert_array_equal(z, numbers, strict=True)
    y[0] = 5  # writable


class Runs:
    """An object whose pickle calls a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def array_pickle(elements):
    """Return an honest pickle of an array with these elements."""
    return pickle.dumps(object_array(elements), 4)


def global_of(module, name):
    return b"\x80\x02c" + f"{module}\n{name}\n".encode()


def with_build(opcodes):
    """Return a pickle that builds an array from these opcodes for its state."""
    start = global_of("numpy.core.multiarray", "_reconstruct")
    return start + b"cnumpy\nndarray\nK\x00\x85C\x01b\x87R" + opcodes + b"b."


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "posix.system",
        "builtins.eval",
        "builtins.exec",
        "builtins.getattr",
        "builtins.bytearray",
        "subprocess.Popen",
        "numpy.load",
        "numpy.memmap",
        "numpy.fromfile",
        "numpy.core.multiarray.scalar",
        "numpy._core.multiarray.fromfile",
        "numpy.ndarray.tofile",
        "numpy._core.multiarray._reconstruct.__globals__",
        "_codecs.encode",
        "copyreg._reconstructor",
        "glassnet.datasets.integer_lists._ListUnpickler",
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_names_are_refused(name, protocol):
    module, _, function = name.rpartition(".")
    if "_reconstruct." in name:
        module, function = "numpy._core.multiarray", "_reconstruct.__globals__"
    raw = global_of(module, function) + b"."
    if protocol == 4:
        words = b"".join(
            b"\x8c" + bytes([len(word)]) + word.encode() for word in (module, function)
        )
        raw = b"\x80\x04" + words + b"\x93."
    with pytest.raises(DataError, match="names nothing but NumPy's arrays") as caught:
        read_integer_lists(raw, "test")
    assert f"{module}.{function}" in str(caught.value)


@pytest.mark.parametrize("where", ["alone", "row", "number"])
def test_code_does_not_run(tmp_path, where):
    marker = tmp_path / "ran"
    hostile = Runs(os.mkdir, str(marker))
    raw = {
        "alone": pickle.dumps(hostile),
        "row": array_pickle([[1], hostile]),
        "number": array_pickle([[1], [2, hostile]]),
    }[where]
    with pytest.raises(DataError, match=r"name='(posix|nt).mkdir'"):
        read_integer_lists(raw, "test")
    assert not marker.exists()
    pickle.loads(raw)
    assert marker.exists()  # the pickle does run code in an ordinary reader


BUILDS = {
    "attributes of a stand-in": global_of("numpy", "dtype") + b"}U\x01aK\x01sb.",
    "slots of a stand-in": global_of("numpy", "dtype") + b"N}U\x09__class__K\x01s\x86b.",
    "a call of the array type": global_of("numpy", "ndarray") + b"K\x05\x85R.",
    "a new object of the array type": global_of("numpy", "ndarray") + b")\x81.",
    "an instance of the array type": b"(inumpy\nndarray\n.",
    "an array made again": with_build(b"(K\x01K\x00\x85NN]t")[:-1] + b"K\x05\x85R.",
    "a call of a number": b"\x80\x02K\x01)R.",
    "a persistent name": b"\x80\x02K\x01Q.",
    "an extension code": b"\x80\x02\x82\x01.",
    "an out-of-band buffer": b"\x80\x05\x97.",
    "a dtype of bytes": global_of("numpy", "dtype") + b"U\x02V8\x85R.",
    "a stack that is empty": b"\x80\x02.",
    "a missing memo": b"\x80\x02h\x05.",
    "an unknown opcode": b"\x80\x02\xff.",
    "a protocol of the future": b"\x80\x09K\x01.",
    "an end that is missing": b"\x80\x02K\x01",
    "no bytes": b"",
    "a text of 2 GB": b"\x80\x02T\xff\xff\xff\x7fabc.",
    "bytes of 8 EB": b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"abc.",
    "a frame of 8 EB": b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"K\x01.",
    "a state of two": with_build(b"K\x01K\x02\x86"),
    "a state with an array in place of a dtype": with_build(b"(K\x01K\x00\x85NI00\n]t"),
    "raw bytes in place of a list": with_build(
        b"(K\x01K\x01\x85cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R\x89C\x08AAAAAAAAt"
    ),
    "an array without a state": with_build(b"")[:-2] + b".",
}


@pytest.mark.parametrize("kind", BUILDS)
def test_other_pickles_are_refused(kind):
    with pytest.raises(DataError, match=r"test: expected an array of lists of integers|names noth"):
        read_integer_lists(BUILDS[kind], "test")
    assert not hasattr(integer_lists.STAND_INS["numpy", "dtype"], "a")


CONTENTS = {
    "texts": [["the", "film"]],
    "floats": [[1.0]],
    "bools": [[True]],
    "none": [[None]],
    "nested": [[[1]]],
    "tuples": [[1], (1, 2)],
    "dicts": [{1: 2}],
    "sets": [{1}],
    "strings": ["abc"],
    "a number": [1],
}


@pytest.mark.parametrize("kind", CONTENTS)
def test_only_lists_of_integers_are_accepted(kind):
    with pytest.raises(DataError, match="expected an array of lists of integers") as caught:
        read_integer_lists(array_pickle(CONTENTS[kind]), "test")
    assert "Download it again" in str(caught.value)


def test_a_list_that_is_named_many_times_is_refused():
    """300 bytes that would become 10,000 integers; the lists are one object."""
    row = list(range(100))
    raw = array_pickle([row] * 100)
    assert len(raw) < 1000
    with pytest.raises(DataError, match=r"different lists.*integers=10000"):
        read_integer_lists(raw, "test")


def test_a_list_that_contains_itself_is_refused():
    row = [1]
    row.append(row)
    with pytest.raises(DataError, match=r"types=\['int', 'list'\]"):
        read_integer_lists(array_pickle([row]), "test")


def test_deep_lists_are_refused():
    raw = with_build(
        b"(K\x01K\x01\x85cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R\x89]"
        + b"]" * 10**5
        + b"a" * 10**5
        + b"t"
    )
    with pytest.raises(DataError, match="types="):
        read_integer_lists(raw, "test")


def test_damaged_pickles_are_refused_or_differ_in_their_numbers():
    """Each byte of an honest pickle is replaced by others; no other error may leave the reader."""
    honest = array_pickle(TEXTS)
    rng = np.random.default_rng(0)
    n_refused = 0
    for i in range(len(honest)):
        for byte in rng.integers(0, 256, 4).tolist():
            raw = honest[:i] + bytes([byte]) + honest[i + 1 :]
            # Before Python 3.14, a large index of the memo takes memory; the published files are
            # read only if their checksum is right.
            if any(name == "r" or "LONG_BINPUT" in name for name in opcode_names(raw)):
                continue
            try:
                rows = read_integer_lists(raw, "test")
            except DataError:
                n_refused += 1
            else:
                assert all(type(n) is int for row in rows for n in row)
    assert n_refused > 100


def opcode_names(raw):
    try:
        return [opcode.name for opcode, _, _ in pickletools.genops(raw)]
    except Exception:  # damaged
        return ["LONG_BINPUT"] if b"r" in raw else []


def npy(header, data=b""):
    text = repr(header).encode() if isinstance(header, dict) else header
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def header(descr="<i8", shape=(2,)):
    return {"descr": descr, "fortran_order": False, "shape": shape}


ARRAYS = {
    "a size that is not there": (npy(header(shape=(10**15,)), bytes(16)), "bytes"),
    "more bytes than its shape": (npy(header(), bytes(24)), "16 bytes"),
    "texts": (npy(header("<U2"), bytes(16)), "numbers or lists of integers"),
    "a structure with objects": (npy(header([("a", "O")]), b"x"), "numbers or lists of integers"),
    "a header that is code": (npy(b"__import__('os').mkdir('x')"), "an archive of the arrays x"),
    "another version": (b"\x93NUMPY\x09\x00" + bytes(20), "an archive of the arrays x"),
    "no array": (b"hello", "an archive of the arrays x"),
    "another number of rows": (npy(header("|O", (3,)), array_pickle([[1]])), "one list per row"),
    "an object alone": (npy(header("|O", ()), array_pickle([[1]])), "one list per row"),
    "negative sizes": (npy(header(shape=(-2, -1)), bytes(16)), "an archive of the arrays x"),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_damaged_arrays_are_refused(tmp_path, kind):
    raw, words = ARRAYS[kind]
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", raw)
    with pytest.raises(DataError, match=f"expected {words}|expected [0-9,]* {words}"):
        read_npz(tmp_path / "a.npz", ["x"])


def test_damaged_archives_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    for raw in (b"", b"no archive", b"PK\x05\x06" + bytes(18)):
        path.write_bytes(raw)
        with pytest.raises(DataError, match=r"read_npz\(.*an archive of the arrays x"):
            read_npz(path, ["x"])
    with pytest.raises(DataError, match="an archive of the arrays x"):
        read_npz(tmp_path / "none.npz", ["x"])
    np.savez(path, y=np.arange(3))
    with pytest.raises(DataError, match=r"arrays x.*There is no item named"):
        read_npz(path, ["x"])
    monkeypatch.setattr(integer_lists, "MAX_ARRAY_SIZE", 100)
    with pytest.raises(DataError, match=r"at most 100 bytes. Received: bytes=152"):
        read_npz(path, ["y"])


def test_an_array_larger_than_its_entry_states(tmp_path):
    """The directory of the archive states 152 bytes; the compressed data hold 100 MB."""
    path = tmp_path / "a.npz"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(10**7))
    raw = buffer.getvalue().replace(struct.pack("<I", 10**7), struct.pack("<I", 152))
    path.write_bytes(raw)
    with pytest.raises(DataError, match="an archive of the arrays x"):
        read_npz(path, ["x"])
