"""Rows of Keras's datasets: their order, their checks, and texts as lists of word numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.datasets.integer_lists import FIX, read_npz
from glassnet.errors import DataError, is_int, is_number, require, wrap_errors
from glassnet.keras.downloads import fetch_dataset_file

Split = tuple[np.ndarray, np.ndarray]
"""Examples and targets."""


def check_fraction(who: str, test_split: Any) -> None:
    """Refuse a fraction of test rows that is not from 0 to below 1."""
    is_fraction = is_number(test_split) and 0 <= test_split < 1
    require(is_fraction, who, "test_split from 0 to below 1", test_split=test_split)


def check_text_options(
    who: str, num_words: int | None, skip_top: int, maxlen: int | None, seed: int | None
) -> None:
    """Refuse arguments of a dataset of texts that cannot work."""
    fits = num_words is None or is_int(num_words, 0)
    require(fits, who, "num_words to be None or an int", num_words=num_words)
    require(is_int(skip_top, 0), who, "skip_top to be an int >= 0", skip_top=skip_top)
    fits = maxlen is None or is_int(maxlen, 0)
    require(fits, who, "maxlen to be None or an int", maxlen=maxlen)
    check_seed(who, seed)


def check_seed(who: str, seed: Any) -> None:
    """Refuse what is no seed of NumPy's `RandomState`."""
    fits = seed is None or is_int(seed, 0, 2**32 - 1)
    require(fits, who, "seed to be None or an int from 0 to below 2**32", seed=seed)


def shuffle_rows(n: int, random: np.random.RandomState) -> np.ndarray:
    """Return the numbers of n rows in Keras's order."""
    rows = np.arange(n)
    random.shuffle(rows)
    return rows


def shuffle_texts(
    texts: Any, labels: Any, random: np.random.RandomState, file: Path
) -> tuple[list[list[int]], np.ndarray]:
    """Return the rows in Keras's order."""
    fits = isinstance(texts, list) and isinstance(labels, np.ndarray)
    require(
        fits and labels.shape == (len(texts),),
        f"load_data({str(file)!r})",
        "texts as lists of integers, and as many labels",
        error=DataError,
        fix=FIX,
    )
    rows = shuffle_rows(len(texts), random)
    return [texts[i] for i in rows], labels[rows]


def add_start(texts: list[list[int]], start: int | None, index_from: int | None) -> list[list[int]]:
    """Return the texts with a first number and with `index_from` added to the others."""
    first, shift = [] if start is None else [start], index_from or 0
    return [first + [word + shift for word in text] for text in texts]


def leave_out_long(
    texts: list[list[int]], labels: np.ndarray, maxlen: int | None
) -> tuple[list[list[int]], np.ndarray]:
    """Return the rows whose texts have fewer than `maxlen` numbers."""
    if not maxlen:
        return texts, labels
    rows = [i for i, text in enumerate(texts) if len(text) < maxlen]
    return [texts[i] for i in rows], labels[rows]


def limit_words(
    texts: list[list[int]], num_words: int | None, skip_top: int, oov: int | None
) -> list[list[int]]:
    """Replace or remove numbers outside skip_top <= number < num_words."""
    most = num_words or max(max(text, default=0) for text in texts)
    if oov is None:
        return [[word for word in text if skip_top <= word < most] for text in texts]
    return [[word if skip_top <= word < most else oov for word in text] for text in texts]


def read_word_index(path: Path) -> dict[str, int]:
    """Return the number of each word in a JSON file."""
    who, expected = f"get_word_index({str(path)!r})", "a JSON object of words and their numbers"
    with wrap_errors(who, expected, fix=FIX):
        index = json.loads(path.read_text(encoding="utf-8"))
        is_index = isinstance(index, dict) and all(type(n) is int for n in index.values())
        require(is_index, who, expected, error=DataError, fix=FIX)
        return dict(index)


def load_table(
    who: str,
    folder: str,
    file: str,
    path: str,
    test_split: float,
    seed: int | None,
    rows: int | None = None,
) -> tuple[Split, Split]:
    """Return shuffled training rows and test rows of x and y in a file of arrays."""
    check_fraction(who, test_split)
    check_seed(who, seed)
    x, y = read_npz(fetch_dataset_file(folder, file, path), ["x", "y"])
    fits = isinstance(x, np.ndarray) and isinstance(y, np.ndarray) and x.ndim == 2
    expected = "rows and as many targets"
    require(fits and y.shape == x.shape[:1], who, expected, error=DataError)
    x, y = x[:rows], y[:rows]
    order = shuffle_rows(len(x), np.random.RandomState(seed))
    n = int(len(x) * (1 - test_split))
    train, test = order[:n], order[n:]
    return (x[train], y[train]), (x[test], y[test])
