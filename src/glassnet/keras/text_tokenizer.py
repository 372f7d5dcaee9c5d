"""Keras 2's functions for texts: words, numbers of words, and matrices of counts."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from glassnet.errors import ConfigError, DataError, NotReadyError, is_int, lookup, require
from glassnet.suggestions import suggest_arguments

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
"""Characters that separate words."""

MODES = dict.fromkeys(("binary", "count", "freq", "tfidf"))


@suggest_arguments
def text_to_word_sequence(
    input_text: str, filters: str = FILTERS, lower: bool = True, split: str = " "
) -> list[str]:
    """Split a text into its words.

    Args:
        input_text: the text.
        filters: characters that separate words, as `split` does.
        lower: whether to write all words in lower case.
        split: what separates words.

    Example:
        >>> text_to_word_sequence("To be, or not to be?")
        ['to', 'be', 'or', 'not', 'to', 'be']

    Source: Keras 2's text_to_word_sequence.
    """
    text = input_text.lower() if lower else input_text
    words = text.translate({ord(character): split for character in filters}).split(split)
    return [word for word in words if word]


@suggest_arguments
def hashing_trick(
    text: str,
    n: int,
    hash_function: str | Callable[[str], int] | None = None,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], list[str]] | None = None,
) -> list[int]:
    """Number the words of a text by a hash: 1 + hash(word) mod (n - 1).

    Different words can have the same number.

    Args:
        text: the text.
        n: the numbers are from 1 to n - 1.
        hash_function: "md5", the same in every process; None for Python's `hash`, which differs
            between processes; or a function.
        filters: see `text_to_word_sequence`.
        lower: see `text_to_word_sequence`.
        split: see `text_to_word_sequence`.
        analyzer: a function that splits a text into words; None for `text_to_word_sequence`.

    Raises:
        ConfigError: if n is not an int >= 2, or the hash function has another name.

    Example:
        >>> hashing_trick("To be, or not to be?", 50, "md5")
        [15, 5, 8, 36, 15, 5]

    Source: Keras 2's hashing_trick.
    """
    require(is_int(n, least=2), "hashing_trick", "n to be an int >= 2", n=n)
    if isinstance(hash_function, str):
        hash_function = lookup("hashing_trick: hash_function", hash_function, {"md5": _md5})
    number = hash_function or hash
    words = analyzer(text) if analyzer else text_to_word_sequence(text, filters, lower, split)
    return [number(word) % (n - 1) + 1 for word in words]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


@suggest_arguments
def one_hot(
    input_text: str,
    n: int,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], list[str]] | None = None,
) -> list[int]:
    """Number the words of a text by Python's `hash`: see `hashing_trick`.

    The numbers differ between processes, as in Keras.

    Args:
        input_text: the text.
        n: the numbers are from 1 to n - 1.
        filters: see `text_to_word_sequence`.
        lower: see `text_to_word_sequence`.
        split: see `text_to_word_sequence`.
        analyzer: see `hashing_trick`.

    Example:
        >>> first, second, third = one_hot("to be to", 50)
        >>> first == third, 1 <= second < 50
        (True, True)

    Source: Keras 2's one_hot.
    """
    return hashing_trick(input_text, n, hash, filters, lower, split, analyzer)


class Tokenizer:
    """Words of texts by number: the most frequent word is 1. Number 0 is for padding.

    Args:
        num_words: only words with a number below this one are used; None for all.
        filters: see `text_to_word_sequence`.
        lower: see `text_to_word_sequence`.
        split: see `text_to_word_sequence`.
        char_level: whether each character is a word.
        oov_token: a word for all that are not in the vocabulary; it has the number 1. None leaves
            such words out.
        analyzer: a function that splits a text into words; None for `text_to_word_sequence`.

    Attributes:
        word_counts: how often each word occurred.
        word_docs: in how many texts each word occurred.
        index_docs: the same, by the word's number.
        word_index: the number of each word.
        index_word: the word of each number.
        document_count: the number of texts.

    Example:
        >>> tokenizer = Tokenizer()
        >>> tokenizer.fit_on_texts(["A rose is a rose.", "A rose!"])
        >>> tokenizer.word_index
        {'a': 1, 'rose': 2, 'is': 3}
        >>> tokenizer.texts_to_sequences(["Is a lily a rose?"])
        [[3, 1, 1, 2]]

    Source: Keras 2's Tokenizer. `keras.layers.TextVectorization` does the same inside a model.
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Callable[[str], list[str]] | None = None,
    ):
        is_valid = num_words is None or is_int(num_words, least=1)
        expected = "num_words to be an int >= 1 or None"
        require(is_valid, "Tokenizer", expected, num_words=num_words)
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.analyzer = char_level, oov_token, analyzer
        self.word_counts: OrderedDict[str, int] = OrderedDict()
        self.word_docs: defaultdict[str, int] = defaultdict(int)
        self.index_docs: defaultdict[int, int] = defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}
        self.document_count = 0

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Count the words of texts, and number them by their frequency.

        Args:
            texts: texts, or lists of words.
        """
        require(
            not isinstance(texts, str),
            "Tokenizer: fit_on_texts",
            "a list of texts",
            fix="Put the text in a list: [text].",
            error=DataError,
            type="str",
        )
        for text in texts:
            words = list(self._split(text))
            self.document_count += 1
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in set(words):
                self.word_docs[word] += 1
        by_count = sorted(self.word_counts, key=lambda word: -self.word_counts[word])
        vocabulary = by_count if self.oov_token is None else [self.oov_token, *by_count]
        self.word_index = {word: i for i, word in enumerate(vocabulary, 1)}
        self.index_word = {i: word for word, i in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Any) -> None:
        """Count in how many sequences each number occurs, for the mode "tfidf"."""
        self.document_count += len(sequences)
        for sequence in sequences:
            for index in set(sequence):
                self.index_docs[index] += 1

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """Return the numbers of the words of each text."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """Yield the numbers of the words of each text."""
        for text in texts:
            indices = (self.word_index.get(word) for word in self._split(text))
            yield self._replace_rare(indices)

    def sequences_to_texts(self, sequences: Iterable[Any]) -> list[str]:
        """Return the words of each sequence of numbers, separated by spaces."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Any]) -> Iterator[str]:
        """Yield the words of each sequence of numbers, separated by spaces."""
        for sequence in sequences:
            indices = (int(index) if int(index) in self.index_word else None for index in sequence)
            yield " ".join(self.index_word[index] for index in self._replace_rare(indices))

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> np.ndarray:
        """Return a row for each text and a column for each word.

        Args:
            texts: the texts.
            mode: see `sequences_to_matrix`.
        """
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Any, mode: str = "binary") -> np.ndarray:
        """Return a row for each sequence and a column for each word number; column 0 is empty.

        Args:
            sequences: numbers of words.
            mode: "binary": 1 for a word that occurs; "count": how often it occurs; "freq": its
                share of the words; "tfidf": (1 + log count) log(1 + texts / (1 + texts with it)).

        Raises:
            ConfigError: if the mode is unknown.
            NotReadyError: if the number of columns, or of texts, is not known yet.
        """
        lookup("Tokenizer: mode", mode, MODES)
        n_columns = self.num_words or (len(self.word_index) + 1 if self.word_index else 0)
        is_ready = n_columns > 0 and (mode != "tfidf" or self.document_count > 0)
        expected = "texts to count the words of"
        fix = "Call fit_on_texts first."
        require(is_ready, "Tokenizer", expected, error=NotReadyError, fix=fix, mode=mode)
        matrix = np.zeros((len(sequences), n_columns))
        for row, sequence in zip(matrix, sequences, strict=True):
            for index, count in Counter(i for i in sequence if i < n_columns).items():
                row[index] = self._weigh(mode, index, count, len(sequence))
        return matrix

    def get_config(self) -> dict[str, Any]:
        """Return the settings and the counts as a dict of plain values."""
        settings = ("num_words", "filters", "lower", "split", "char_level", "oov_token")
        config = {name: getattr(self, name) for name in (*settings, "document_count")}
        return config | {name: json.dumps(getattr(self, name)) for name in COUNTS}

    def to_json(self, **options: Any) -> str:
        """Return the settings and the counts as JSON, for `tokenizer_from_json`."""
        return json.dumps({"class_name": "Tokenizer", "config": self.get_config()}, **options)

    def _split(self, text: Any) -> Iterable[str]:
        if self.char_level or isinstance(text, list):
            if not self.lower:
                return text  # type: ignore[no-any-return]
            is_list = isinstance(text, list)
            return [word.lower() for word in text] if is_list else text.lower()
        if self.analyzer:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def _replace_rare(self, indices: Iterable[int | None]) -> list[int]:
        """Replace None and numbers not below `num_words` by that of `oov_token`, or drop them."""
        oov = None if self.oov_token is None else self.word_index.get(self.oov_token)
        limit = self.num_words or math.inf
        used = (index if index is not None and index < limit else oov for index in indices)
        return [index for index in used if index is not None]

    def _weigh(self, mode: str, index: int, count: int, n_words: int) -> float:
        if mode == "tfidf":
            texts_with_it = 1 + self.index_docs.get(index, 0)
            return (1 + math.log(count)) * math.log(1 + self.document_count / texts_with_it)
        return {"binary": 1, "count": count, "freq": count / n_words}[mode]


COUNTS = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """Return the tokenizer that `to_json` wrote.

    Raises:
        DataError: if the text is not such JSON.
    """
    try:
        config = dict(json.loads(json_string)["config"])
        counts = {name: json.loads(config.pop(name)) for name in COUNTS}
        document_count = config.pop("document_count")
        tokenizer = Tokenizer(**config)
    except (ValueError, KeyError, TypeError, ConfigError) as error:
        expected = "JSON that Tokenizer.to_json wrote"
        require(False, "tokenizer_from_json", expected, error=DataError, cause=str(error))
        raise
    tokenizer.document_count = document_count
    for name in ("index_docs", "index_word"):
        counts[name] = {int(index): value for index, value in counts[name].items()}
    vars(tokenizer).update(counts)
    return tokenizer
