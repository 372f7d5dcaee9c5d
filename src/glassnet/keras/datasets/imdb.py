"""Reviews of films as lists of word numbers, positive or negative."""

from __future__ import annotations

import numpy as np

from glassnet.datasets.integer_lists import read_npz
from glassnet.errors import require
from glassnet.keras.datasets.rows import (
    Split,
    add_start,
    check_text_options,
    leave_out_long,
    limit_words,
    read_word_index,
    shuffle_texts,
)
from glassnet.keras.downloads import fetch_dataset_file
from glassnet.suggestions import publish, suggest_arguments


@suggest_arguments
def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int | None = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> tuple[Split, Split]:
    """Load 50,000 reviews of films, half of them for training: 1 if positive, 0 if negative.

    Shapes:
        x (n,), an array of lists of ints; y (n,) int64.

    Args:
        path: name of the file in the folder imdb of the data folder, or in ~/.keras/datasets.
        num_words: replace numbers from this one on by `oov_char`; None for the largest number.
        skip_top: replace numbers below this one by `oov_char`.
        maxlen: leave out texts with this many numbers or more.
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

    Source: A. L. Maas and others, "Learning word vectors for sentiment analysis", ACL 2011; the
        file is Keras's. The authors ask to be cited; no license is stated.
    """
    check_text_options("imdb.load_data", num_words, skip_top, maxlen, seed)
    file = fetch_dataset_file("imdb", "imdb.npz", path)
    arrays = read_npz(file, ["x_train", "y_train", "x_test", "y_test"])
    parts, random = [], np.random.RandomState(seed)
    for x, y in (arrays[:2], arrays[2:]):
        texts, labels = shuffle_texts(x, y, random, file)
        parts.append(leave_out_long(add_start(texts, start_char, index_from), labels, maxlen))
    (texts, y), (texts_test, y_test) = parts
    expected = "a maxlen above the length of some training and test texts"
    require(texts and texts_test, "imdb.load_data", expected, maxlen=maxlen)
    words = limit_words(texts + texts_test, num_words, skip_top, oov_char)
    x, x_test = words[: len(texts)], words[len(texts) :]
    return (np.array(x, dtype=object), y), (np.array(x_test, dtype=object), y_test)


@suggest_arguments
def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """Return the rank of each word by frequency, from 1: the number in a text minus `index_from`.

    Args:
        path: name of the file, see `load_data`.
    """
    return read_word_index(fetch_dataset_file("imdb", "imdb_word_index.json", path))


__all__ = ["get_word_index", "load_data"]

publish(__name__, __all__)
