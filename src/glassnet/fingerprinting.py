"""Fingerprints of arrays: a short text for a whole array, and eight bytes for each of its rows."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np


def _short_hash(data: Any) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def array_fingerprint(array: Any) -> str:
    """Return the fingerprint of an array.

    Example:
        >>> array_fingerprint(np.zeros((2, 3), np.float32))
        'float32 (2, 3) 9d908ecfb6b256de'
    """
    array = np.ascontiguousarray(array)
    data = array.view(np.uint8) if array.size else b""
    return f"{array.dtype} {array.shape} {_short_hash(data)}"


def tree_fingerprint(tree: Any) -> str:
    """Return one fingerprint of all arrays of a tree."""
    return _short_hash("".join(map(array_fingerprint, jax.tree.leaves(tree))).encode())


def combined_fingerprint(arrays: Mapping[str, Any], *texts: str) -> str:
    """Return one fingerprint of named arrays and texts."""
    return _short_hash(json.dumps([fingerprint_by_name(arrays), *texts], sort_keys=True).encode())


def fingerprint_by_name(arrays: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the fingerprint of each array; None stays None."""
    return {
        name: None if array is None else array_fingerprint(array) for name, array in arrays.items()
    }


MAX_ROWS = 200_000
"""Maximum number of training rows that a model keeps fingerprints of."""

BLOCK_BYTES = 2**21
"""Size of the blocks in which rows are hashed: small enough for a core's cache."""

PARALLEL_BYTES = 2**24
"""Size from which rows are hashed by several threads."""

HALF = np.uint64(32)
"""Number of bits by which the upper half of a 64-bit word is shifted down."""


@dataclass(frozen=True)
class RowFingerprints:
    """Fingerprints of the rows that a model was trained on.

    Attributes:
        salt: 64 bits, which differ between models, so that their fingerprints differ too.
        data: the bytes of the hashes, sorted and different; None if some rows were not hashed.
    """

    salt: int
    data: bytes | None = b""

    @property
    def hashes(self) -> np.ndarray:
        """The hashes, (n,) uint64; empty if some rows were not hashed."""
        return np.frombuffer(self.data or b"", np.uint64)

    def add(self, hashes: np.ndarray | None) -> RowFingerprints:
        """Return the fingerprints with those of more rows; None if they were not hashed.

        If there are more than `MAX_ROWS` different rows, none are stored.
        """
        if self.data is None or hashes is None:
            return RowFingerprints(self.salt, None)
        new = hashes[~self.contains(hashes)]
        if not len(new):
            return self
        united = np.union1d(self.hashes, new)
        return RowFingerprints(self.salt, united.tobytes() if len(united) <= MAX_ROWS else None)

    def contains(self, hashes: np.ndarray) -> np.ndarray:
        """Return which rows equal a training row, (n,) booleans."""
        known = self.hashes
        if not len(known):
            return np.zeros(len(hashes), bool)
        positions = np.searchsorted(known, hashes)
        equal: np.ndarray = known[np.minimum(positions, len(known) - 1)] == hashes
        return equal


def make_salt(*parts: Any) -> int:
    """Return 64 bits that follow from the text of the parts."""
    digest = hashlib.blake2b(json.dumps(list(map(str, parts))).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def hash_rows(x: np.ndarray, salt: int) -> np.ndarray:
    """Return 64 bits for each row, computed from its values as float32.

    Equal rows have equal hashes: 0.0 equals -0.0, and an integer equals the same float. Two rows
    that differ have the same hash with a probability of about 2^-64. It is 2^-33 if they differ
    only in signs, and only in columns that are all even or all odd.

    A row is read as 32-bit words u. With random 64-bit weights w, the hash combines two sums of
    u w, modulo 2^64.

    Shapes:
        x: (n, ...); result (n,) uint64.

    Example:
        >>> hashes = hash_rows(np.array([[1.0, -0.0], [1.0, 0.0], [0.0, 1.0]]), salt=7)
        >>> bool(hashes[0] == hashes[1]), bool(hashes[0] == hashes[2])
        (True, False)
    """
    rows = x.reshape(len(x), -1)
    width = rows.shape[1] + rows.shape[1] % 2
    counts = np.arange(1, width + 1, dtype=np.uint64)
    weights = mix_bits(counts * np.uint64(0x9E3779B97F4A7C15) + np.uint64(salt))
    sums = np.empty(len(rows), np.uint64)

    def hash_part(part: slice) -> None:
        padded = np.zeros((max(1, BLOCK_BYTES // (4 * width)), width), np.float32)
        for start in range(part.start, part.stop, len(padded)):
            block = slice(start, min(start + len(padded), part.stop))
            floats = padded[: block.stop - block.start]
            np.add(rows[block], np.float32(0), out=floats[:, : rows.shape[1]], casting="unsafe")
            floats[:, rows.shape[1] :] = 0
            sums[block] = _sum_words(floats.view(np.uint64), weights)

    n_parts = (os.cpu_count() or 1) if 4 * len(rows) * width > PARALLEL_BYTES else 1
    parts = list(_iter_parts(len(rows), -(-len(rows) // n_parts)))
    if len(parts) == 1:
        hash_part(parts[0])
    else:
        with ThreadPoolExecutor(n_parts) as pool:
            list(pool.map(hash_part, parts))
    return mix_bits(sums)


def hash_columns(columns: Mapping[str, np.ndarray], salt: int) -> np.ndarray:
    """Return 64 bits for each row of named columns, in any order of the columns.

    Args:
        columns: 64-bit words (n,) by name, at least one: see `words_of_numbers` and
            `words_of_texts`.
        salt: see `RowFingerprints`.

    Example:
        >>> age, size = np.array([1, 2], np.uint64), np.array([5, 5], np.uint64)
        >>> hashes = hash_columns({"age": age, "size": size}, salt=7)
        >>> bool(np.all(hashes == hash_columns({"size": size, "age": age}, salt=7)))
        True
    """
    weights = np.array(
        [make_salt(salt, name, half) for name in columns for half in (0, 1)], np.uint64
    )
    words = list(columns.values())
    sums = np.empty(len(words[0]), np.uint64)
    for block in _iter_parts(len(sums), max(1, BLOCK_BYTES // (8 * len(words)))):
        block_words = np.stack([column[block] for column in words], axis=1)
        sums[block] = _sum_words(block_words, weights)
    return mix_bits(sums)


def words_of_numbers(x: np.ndarray) -> np.ndarray:
    """Return a 64-bit word for each number, equal for equal numbers; NaN equals NaN.

    Fractions are rounded to float32, so that 0.1 in a column of float32 equals 0.1 in a file.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        numbers = np.where(x == np.rint(x), x, x.astype(np.float32).astype(np.float64)) + 0.0
    numbers[np.isnan(numbers)] = np.nan
    return numbers.view(np.uint64)


def words_of_texts(texts: Iterable[str]) -> np.ndarray:
    """Return a 64-bit word for each text: the first 8 bytes of its BLAKE2b hash."""
    digests = (
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        for text in texts
    )
    return np.frombuffer(b"".join(digests), np.uint64)


def mix_bits(words: np.ndarray) -> np.ndarray:
    """Return 64-bit words whose bits each depend on all bits of the argument, one to one.

    Source: the finalizer of SplitMix64 (G. Steele, D. Lea, C. Flood, 2014).
    """
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = words ^ (words >> np.uint64(31))
    return mixed


def _iter_parts(n: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def _sum_words(words: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return two sums in one: of each row's words, and of their upper halves, times weights.

    A product depends little on the upper bits of a word, so these are added as words of their own.
    The words are overwritten.

    Shapes:
        words: (n, k) uint64. weights: (2 k,) uint64. Result: (n,).
    """
    sums = mix_bits(np.einsum("ij,j->i", words, weights[::2].copy()))
    np.right_shift(words, HALF, out=words)
    total: np.ndarray = sums + np.einsum("ij,j->i", words, weights[1::2].copy())
    return total
