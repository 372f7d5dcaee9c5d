"""Newswires as lists of word numbers, with their topics."""

from __future__ import annotations

import numpy as np

from glassnet.datasets.integer_lists import read_npz
from glassnet.errors import require
from glassnet.keras.datasets.rows import (
    Split,
    add_start,
    check_fraction,
    check_text_options,
    leave_out_long,
    limit_words,
    read_word_index,
    shuffle_texts,
)
from glassnet.keras.downloads import fetch_dataset_file
from glassnet.suggestions import publish, suggest_arguments

TOPICS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves "
    "ship cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin "
    "strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem "
    "dlr gas silver wpi hog lead"
)
"""Topics of the newswires, in the order of their numbers."""


@suggest_arguments
def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int | None = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> tuple[Split, Split]:
    """Load 11,228 newswires of 1987 with one of 46 topics.

    Shapes:
        x (n,), an array of lists of ints; y (n,) int64.

    Args:
        path: name of the file in the folder reuters of the data folder, or in ~/.keras/datasets.
        num_words: replace numbers from this one on by `oov_char`; None for the largest number.
        skip_top: replace numbers below this one by `oov_char`.
        maxlen: leave out texts with this many numbers or more.
        test_split: fraction of the rows for the test, the last ones.
        seed: shuffles the rows; None for another order at every call.
        start_char: first number of each text; None for none.
        oov_char: number for words that are left out; None to remove them.
        index_from: added to the number of each word.

    Returns:
        ((x, y), (x_test, y_test)).

    Raises:
        ConfigError: an argument is out of range, or `maxlen` leaves out all texts.
        DownloadError: the file is not on this machine and cannot be downloaded.
        DataError: the file is damaged.

    Source: D. D. Lewis, "Reuters-21578 text categorization test collection"; the file is Keras's.
        The texts are free for research only.
    """
    who = "reuters.load_data"
    check_text_options(who, num_words, skip_top, maxlen, seed)
    check_fraction(who, test_split)
    file = fetch_dataset_file("reuters", "reuters.npz", path)
    x, y = read_npz(file, ["x", "y"])
    texts, labels = shuffle_texts(x, y, np.random.RandomState(seed), file)
    texts, labels = leave_out_long(add_start(texts, start_char, index_from), labels, maxlen)
    require(texts, who, "a maxlen above the length of some texts", maxlen=maxlen)
    words = limit_words(texts, num_words, skip_top, oov_char)
    n = int(len(words) * (1 - test_split))
    x, x_test = np.array(words[:n], dtype=object), np.array(words[n:], dtype=object)
    return (x, labels[:n]), (x_test, labels[n:])


@suggest_arguments
def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """Return the rank of each word by frequency, from 1: the number in a text minus `index_from`.

    Args:
        path: name of the file, see `load_data`.
    """
    return read_word_index(fetch_dataset_file("reuters", "reuters_word_index.json", path))


def get_label_names() -> tuple[str, ...]:
    """Return the topics of the newswires in the order of their numbers."""
    return tuple(TOPICS.split())


__all__ = ["get_label_names", "get_word_index", "load_data"]

publish(__name__, __all__)
