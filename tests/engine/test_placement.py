"""Arrays on the device: copied once, never the user's memory, and aligned so that JAX takes them."""

from pathlib import Path

import jax
import numpy as np
import pytest

import glassnet as gn
from glassnet.engine import placement
from glassnet.engine.placement import ALIGNMENT, copy_aligned, empty_aligned, to_device
from glassnet.engine.train_step import Data

on_cpu = pytest.mark.skipif(jax.default_backend() != "cpu", reason="host memory is used on CPU")
ROWS = np.random.default_rng(0).normal(size=(50, 7)).astype(np.float32)
INDEX = np.array([0, 3, 49, 3])


def address(array):
    return array.unsafe_buffer_pointer()


def unaligned(array):
    """Return a copy four bytes after a multiple of 64."""
    memory = empty_aligned((array.size + 1,), array.dtype)
    memory[1:] = array.ravel()
    return memory[1:].reshape(array.shape)


@pytest.fixture
def copies(monkeypatch):
    """Collect the copies that are made."""
    made = []

    def copy(array, index=None):
        made.append(copy_aligned(array, index))
        return made[-1]

    monkeypatch.setattr(placement, "copy_aligned", copy)
    return made


@pytest.mark.parametrize("shape", [(), (5,), (50, 7), (2, 3, 4)])
@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int32, np.bool_])
def test_empty_arrays_are_aligned(shape, dtype):
    array = empty_aligned(shape, np.dtype(dtype))
    assert (array.shape, array.dtype) == (shape, dtype)
    assert array.ctypes.data % ALIGNMENT == 0
    assert array.flags.c_contiguous


@pytest.mark.parametrize("array", [ROWS, ROWS[::3], ROWS.T, np.asfortranarray(ROWS), ROWS > 0])
def test_aligned_copies_equal_numpys(array):
    """Oracle: NumPy's copy and its indexing."""
    index = INDEX % len(array)
    for copy, expected in (
        (copy_aligned(array), array),
        (copy_aligned(array, index), array[index]),
    ):
        np.testing.assert_array_equal(copy, expected)
        assert copy.ctypes.data % ALIGNMENT == 0
        assert not np.shares_memory(copy, array)


@on_cpu
def test_an_aligned_array_becomes_the_device_array():
    """Oracle: the address of the memory. Elsewhere than at a multiple of 64, JAX copies again."""
    aligned, shifted = copy_aligned(ROWS), unaligned(ROWS)
    assert address(to_device(aligned, copy=False)) == aligned.ctypes.data
    assert address(to_device(shifted, copy=False)) != shifted.ctypes.data


@on_cpu
@pytest.mark.parametrize("place", [copy_aligned, unaligned])
def test_arrays_are_copied_once(copies, place):
    """Oracle: the address of the one copy, which is not the caller's array."""
    rows, device_row = place(ROWS), jax.device_put(ROWS[0])
    x, same, missing = to_device((rows, device_row, None))
    assert [address(x)] == [copy.ctypes.data for copy in copies]
    assert address(x) != rows.ctypes.data
    assert same is device_row
    assert missing is None
    rows[...] = 0
    np.testing.assert_array_equal(x, ROWS)


@on_cpu
def test_selected_rows_are_copied_once(copies):
    """Oracle: NumPy's indexing, and the addresses of the only copies: those of `take_rows`."""
    rows = placement.take_rows(Data(ROWS, np.arange(50), None), INDEX)
    placed = to_device(rows, copy=False)
    assert address(placed.x) == copies[0].ctypes.data
    assert len(copies) == 2
    np.testing.assert_array_equal(placed.x, ROWS[INDEX])
    np.testing.assert_array_equal(placed.y, INDEX)


@on_cpu
@pytest.mark.parametrize("options", [{}, {"validation_split": 0.2}])
def test_fit_copies_the_rows_once(copies, options):
    """Oracle: counting. Of all copies in a fit, one has as many rows as train."""
    model = gn.Sequential([gn.layers.Dense(1)], seed=0)
    history = model.fit(ROWS, ROWS[:, 0], epochs=2, verbose=0, **options)
    n = history.params["rows"]
    assert len([copy for copy in copies if copy.shape == (n, 7)]) == 1


def test_one_module_puts_arrays_on_devices():
    package = Path(gn.__file__).parent
    users = [path for path in package.rglob("*.py") if "device_put" in path.read_text("utf-8")]
    assert users == [package / "engine" / "placement.py"]
