"""TextVectorization: strings to numbers, on the host, before the network."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from glassnet.errors import DataError, NotReadyError, is_float32, is_int, lookup, message, require
from glassnet.layers.layer import Layer
from glassnet.types import Array, Shape

PUNCTUATION = re.compile(r"""[!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']""")
STANDARDIZATIONS = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
SPLITS = ("whitespace", "character")
OUTPUT_MODES = ("int", "multi_hot", "count", "tf_idf")
UNKNOWN_TOKEN = "[UNK]"


@dataclass(frozen=True)
class TextVectorization(Layer):
    """Conversion of strings to numbers by a vocabulary, as the first layer of a model.

    `adapt` learns the vocabulary. The model then takes strings. With output_mode "int" a text
    becomes the index of each of its words: 1 for unknown words, 0 for padding at the end. The other
    modes return one number per word of the vocabulary, the first for all unknown words:
    "multi_hot" (whether the word occurs), "count" (how often) or "tf_idf" (count times
    log(1 + N / (1 + n)), if n of N texts have the word).

    Shapes:
        strings (n,) to (n, output_sequence_length) with "int", else to (n, words).

    Args:
        max_tokens: largest size of the vocabulary, including the padding and unknown tokens. The
            most frequent words are used. None uses all.
        standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation", a function from
            one text to another, or None.
        split: "whitespace", "character", a function from one text to the list of its words, or None
            for the text as one word.
        ngrams: n for n-grams of 1 to n words, or the lengths: (2, 3).
        output_mode: "int", "multi_hot", "count" or "tf_idf".
        output_sequence_length: numbers per text with "int". Longer texts are cut and shorter texts
            padded. None uses the longest text of `adapt`.
        vocabulary: words, most frequent first. None learns them by `adapt`.
        idf_weights: weight of each word, for "tf_idf". None learns them by `adapt`.

    Raises:
        ConfigError: an argument is out of range.
        NotReadyError: called before `adapt`.
        DataError: an input is not a text.

    Example:
        >>> text = TextVectorization(output_sequence_length=4)
        >>> text = text.adapt(["A good film.", "A bad film!", "A film"])
        >>> text.get_vocabulary()
        ['', '[UNK]', 'film', 'a', 'good', 'bad']
        >>> text(["a good day"]).tolist()
        [[3, 4, 1, 0]]

    Source: Keras's TextVectorization, which without a length pads to the longest text of each
        batch.
    """

    max_tokens: int | None = None
    standardize: str | Callable[[str], Any] | None = "lower_and_strip_punctuation"
    split: str | Callable[[str], Any] | None = "whitespace"
    ngrams: Any = None
    output_mode: str = "int"
    output_sequence_length: int | None = None
    vocabulary: tuple[str, ...] | None = field(default=None, repr=False)
    idf_weights: tuple[float, ...] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._check_choices()
        special = len(self._special_tokens)
        require(
            self.max_tokens is None or is_int(self.max_tokens, least=special + 1),
            "TextVectorization",
            f"max_tokens to be an int > {special} or None",
            max_tokens=self.max_tokens,
        )
        object.__setattr__(self, "ngrams", _ngram_sizes(self.ngrams))
        self._check_length()
        if self.vocabulary is not None:
            words = _clean_vocabulary(self.vocabulary, self._special_tokens)
            object.__setattr__(self, "vocabulary", words)
        if self.idf_weights is not None:
            weights, n = self.idf_weights, len(self.vocabulary or ())
            require(
                isinstance(weights, tuple | list | np.ndarray)
                and len(weights) == n
                and all(map(is_float32, weights)),
                "TextVectorization",
                f"a number as idf_weights for each of {n} words",
                idf_weights=weights,
            )
            object.__setattr__(self, "idf_weights", tuple(map(float, weights)))

    def _check_choices(self) -> None:
        who = "TextVectorization"
        for name, choices in (
            ("standardize", STANDARDIZATIONS),
            ("split", SPLITS),
            ("output_mode", OUTPUT_MODES),
        ):
            value = getattr(self, name)
            is_own = value is None or (callable(value) and not isinstance(value, type))
            if is_own and name != "output_mode":
                continue
            require(
                isinstance(value, str),
                who,
                f"{name} to be one of {', '.join(choices)}",
                **{name: value},
            )
            lookup(f"{who}: {name}", value, dict.fromkeys(choices))

    def _check_length(self) -> None:
        length = self.output_sequence_length
        require(
            length is None or is_int(length, least=1),
            "TextVectorization",
            "output_sequence_length to be an int >= 1",
            output_sequence_length=length,
        )
        require(
            length is None or self.output_mode == "int",
            "TextVectorization",
            'output_mode="int" with an output_sequence_length',
            output_mode=self.output_mode,
            fix="A bag of words has no order and no length.",
        )

    @property
    def _special_tokens(self) -> tuple[str, ...]:
        return ("", UNKNOWN_TOKEN) if self.output_mode == "int" else (UNKNOWN_TOKEN,)

    def unfold(self) -> tuple[Layer, ...]:
        """Return no links, because it runs before the network."""
        return ()

    def adapt(self, texts: Any) -> TextVectorization:
        """Return a copy of this layer with the vocabulary of the texts.

        Words are sorted by frequency, equally frequent ones from z to a.

        Args:
            texts: training texts, without validation and test texts.

        Raises:
            DataError: there are no texts, or all are empty.
        """
        tokenized = [list(self._tokenize(text)) for text in as_texts(texts)]
        counts, document_counts = Counter[str](), Counter[str]()
        for words in tokenized:
            counts.update(words)
            document_counts.update(set(words))
        require(
            counts,
            "TextVectorization.adapt",
            "texts with a word in them",
            error=DataError,
            texts=len(tokenized),
            fix="standardize=None does not remove punctuation.",
        )
        size = None if self.max_tokens is None else self.max_tokens - len(self._special_tokens)
        by_frequency = sorted(sorted(counts, reverse=True), key=counts.__getitem__, reverse=True)
        vocabulary = tuple(by_frequency[:size])
        idf = longest = None
        if self.output_mode == "tf_idf":
            n = len(tokenized)
            idf = tuple(float(np.log1p(n / (1 + document_counts[word]))) for word in vocabulary)
        if self.output_mode == "int":
            longest = max(map(len, tokenized))
        return replace(
            self,
            vocabulary=vocabulary,
            idf_weights=idf,
            output_sequence_length=self.output_sequence_length or longest,
        )

    @property
    def shape(self) -> Shape | None:
        """Output shape of one text, or None before `adapt` has learned vocabulary and length."""
        if self.vocabulary is None:
            return None
        length = self.output_sequence_length
        if self.output_mode != "int":
            length = len(self._special_tokens) + len(self.vocabulary)
        return None if length is None else (length,)

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """Return the words in the order of their indices.

        Args:
            include_special_tokens: whether to include the padding and unknown tokens.

        Raises:
            NotReadyError: there is no vocabulary yet.
        """
        special = self._special_tokens if include_special_tokens else ()
        return [*special, *self._require_vocabulary()]

    def vocabulary_size(self) -> int:
        """Return the number of words, with the padding and unknown tokens."""
        return len(self.get_vocabulary())

    def __call__(self, texts: Any) -> np.ndarray:
        """Convert strings (n,) to numbers: int32 for "int", else uint8 or float32.

        Raises:
            NotReadyError: there is no vocabulary yet.
            DataError: an input is not a text.
        """
        special = len(self._special_tokens)
        index = {word: i for i, word in enumerate(self._require_vocabulary(), special)}
        ids = [
            [index.get(word, special - 1) for word in self._tokenize(text)]
            for text in as_texts(texts)
        ]
        if self.output_mode == "int":
            length = self.output_sequence_length or max(map(len, ids), default=1) or 1
            padded = np.zeros((len(ids), length), np.int32)
            for row, row_ids in zip(padded, ids, strict=True):
                row[: len(row_ids)] = row_ids[:length]
            return padded
        bags = np.zeros((len(ids), 1 + len(index)), np.float32)
        for bag, row_ids in zip(bags, ids, strict=True):
            np.add.at(bag, row_ids, 1)
        if self.output_mode == "multi_hot":
            return (bags > 0).astype(np.uint8)
        if self.output_mode == "count":
            return bags.astype(np.uint8) if bags.max(initial=0) < 256 else bags
        if self.idf_weights is None:
            fix = "Pass idf_weights, or learn them with the vocabulary by adapt(texts)."
            raise NotReadyError(message("TextVectorization", "idf_weights with tf_idf", fix=fix))
        return bags * np.array([np.mean(self.idf_weights), *self.idf_weights], np.float32)

    def _require_vocabulary(self) -> tuple[str, ...]:
        if self.vocabulary is None:
            fix = "Write TextVectorization(...).adapt(texts), with the training texts."
            raise NotReadyError(message("TextVectorization", "a vocabulary", fix=fix))
        return self.vocabulary

    def _tokenize(self, text: str) -> Iterator[str]:
        text = self._standardize(text)
        if callable(self.split):
            words = as_texts(_to_plain(self.split(text)))
        elif self.split == "whitespace":
            words = text.split()
        else:
            words = list(text) if self.split == "character" else [text]
        for size in self.ngrams:
            yield from (" ".join(words[i : i + size]) for i in range(len(words) - size + 1))

    def _standardize(self, text: str) -> str:
        if callable(self.standardize):
            return as_texts([_to_plain(self.standardize(text))])[0]
        if self.standardize and "lower" in self.standardize:
            text = text.lower()
        if self.standardize and "strip" in self.standardize:
            text = PUNCTUATION.sub("", text)
        return text

    def formula(self) -> str:
        words = len(self._special_tokens) + len(self.vocabulary or ())
        return f"text to {self.output_mode} of {words:,} words"


MAX_NGRAM = 1000
"""Maximum number of words in an n-gram."""


def _ngram_sizes(ngrams: Any) -> tuple[int, ...]:
    if isinstance(ngrams, tuple | list):
        sizes = tuple(ngrams)
    else:
        sizes = (1 if ngrams is None else ngrams,)
    require(
        sizes and all(is_int(n, least=1) for n in sizes),
        "TextVectorization",
        "ngrams to be an int >= 1, lengths, or None",
        ngrams=ngrams,
    )
    expected = f"ngrams of at most {MAX_NGRAM:,} words"
    require(max(sizes) <= MAX_NGRAM, "TextVectorization", expected, ngrams=max(sizes))
    return sizes if isinstance(ngrams, tuple | list) else tuple(range(1, sizes[0] + 1))


def _clean_vocabulary(vocabulary: Any, special_tokens: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words without leading special tokens, after checking them."""
    who = "TextVectorization"
    require(
        isinstance(vocabulary, tuple | list | np.ndarray),
        who,
        "a vocabulary as a list of words",
        vocabulary=vocabulary,
    )
    words = tuple(vocabulary)
    if words[: len(special_tokens)] == special_tokens:
        words = words[len(special_tokens) :]
    require(
        all(isinstance(word, str) for word in words),
        who,
        "a vocabulary of strings",
        vocabulary=words[:5],
    )
    invalid = [
        word for word, count in Counter(words).items() if count > 1 or word in ("", UNKNOWN_TOKEN)
    ]
    require(
        not invalid,
        who,
        f"each word once, and neither {UNKNOWN_TOKEN!r} nor ''",
        words=invalid[:5],
    )
    return words


def _to_plain(value: Any) -> Any:
    """Return the NumPy value of a tensor; any other value is unchanged."""
    return value.numpy() if hasattr(value, "numpy") else value


def as_texts(texts: Any) -> Sequence[str]:
    """Return texts, (n,) or (n, 1), as a list; bytes are decoded as UTF-8.

    Raises:
        DataError: `texts` is a single string, or a row is not a string.
    """
    fix = f"Write [{texts[:20]!r}]." if isinstance(texts, str) else ""
    require(
        not isinstance(texts, str),
        "texts",
        "a list of texts, not one",
        error=DataError,
        received=str(texts)[:40],
        fix=fix,
    )
    array: Array = np.asarray(texts, object)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    require(array.ndim == 1, "texts", "one text per row", error=DataError, shape=array.shape)
    rows = [text.decode(errors="replace") if isinstance(text, bytes) else text for text in array]
    bad = next((i for i, text in enumerate(rows) if not isinstance(text, str)), None)
    require(
        bad is None,
        "texts",
        "text in every row",
        error=DataError,
        row=bad,
        received=None if bad is None else rows[bad],
        fix='Replace missing texts with "".',
    )
    return rows
