"""Text in: the stage before the network that makes numbers of strings, on the host."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from glassnet.errors import DataError, NotReadyError, is_int, is_number, lookup, message, require
from glassnet.layers.layer import Layer
from glassnet.types import Array, Shape

PUNCTUATION = re.compile(r"""[!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']""")
STANDARDIZATIONS = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
OUTPUT_MODES = ("int", "multi_hot", "count", "tf_idf")
UNKNOWN_TOKEN = "[UNK]"


@dataclass(frozen=True)
class TextVectorization(Layer):
    """Strings to numbers, by a vocabulary that `adapt` learns; first in a model, which then takes
    strings.

    "int": the number of each word in the vocabulary, in the order of the text, 1 for a word that it
    lacks, 0 behind the last. Of a whole text, with a number for each word of the vocabulary (the
    first for all that it lacks): "multi_hot", whether it occurs; "count", how often; "tf_idf", how
    often times log(1 + N / (1 + n)), n of N texts having the word.

    Shapes:
        strings (n,) to (n, output_sequence_length), or to (n, words).

    Args:
        max_tokens: the size of the vocabulary at most, with what stands for padding and for unknown
            words: the most frequent ones are kept; None for all.
        standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation" or None.
        split: "whitespace", "character", or None for the text as one word.
        ngrams: n for runs of up to n words besides the words; (2, 3) for those lengths alone.
        output_mode: "int", "multi_hot", "count" or "tf_idf".
        output_sequence_length: numbers per text with "int": longer ones are cut, shorter ones
            padded. None for `adapt` to take the longest.
        vocabulary: the words, most frequent first, where they are known; `adapt` learns them.
        idf_weights: of each word, with "tf_idf"; `adapt` learns them.

    Raises:
        ConfigError: an argument out of range.
        NotReadyError: strings before `adapt`.
        DataError: something that is no text.

    Example:
        >>> text = TextVectorization(output_sequence_length=4).adapt(["A good film.", "A bad film!", "A film"])
        >>> text.get_vocabulary()
        ['', '[UNK]', 'film', 'a', 'good', 'bad']
        >>> text(["a good day"]).tolist()
        [[3, 4, 1, 0]]

    Source: Keras's TextVectorization, which pads to the longest text of each batch where no length
        is given.
    """

    max_tokens: int | None = None
    standardize: str | None = "lower_and_strip_punctuation"
    split: str | None = "whitespace"
    ngrams: Any = None
    output_mode: str = "int"
    output_sequence_length: int | None = None
    vocabulary: tuple[str, ...] | None = field(default=None, repr=False)
    idf_weights: tuple[float, ...] | None = field(default=None, repr=False)

    def __post_init__(self):
        who = "TextVectorization"
        for name, known in (
            ("standardize", STANDARDIZATIONS),
            ("split", ("whitespace", "character")),
            ("output_mode", OUTPUT_MODES),
        ):
            value = getattr(self, name)
            if value is not None or name == "output_mode":
                require(
                    isinstance(value, str),
                    who,
                    f"{name} to be one of {', '.join(known)}",
                    **{name: value},
                )
                lookup(f"{who}: {name}", value, dict.fromkeys(known))
        special = len(self._special_tokens)
        most = self.max_tokens is None or is_int(self.max_tokens, least=special + 1)
        require(
            most, who, f"max_tokens to be an int > {special} or None", max_tokens=self.max_tokens
        )
        given = (
            tuple(self.ngrams)
            if isinstance(self.ngrams, tuple | list)
            else (1 if self.ngrams is None else self.ngrams,)
        )
        require(
            given and all(is_int(n, least=1) for n in given),
            who,
            "ngrams to be an int >= 1, lengths, or None",
            ngrams=self.ngrams,
        )
        object.__setattr__(
            self,
            "ngrams",
            given if isinstance(self.ngrams, tuple | list) else tuple(range(1, given[0] + 1)),
        )
        length, ints = self.output_sequence_length, self.output_mode == "int"
        require(
            length is None or is_int(length, least=1),
            who,
            "output_sequence_length to be an int >= 1",
            output_sequence_length=length,
        )
        fix = "A bag of words has no order, and no length."
        require(
            length is None or ints,
            who,
            'output_mode="int" with an output_sequence_length',
            output_mode=self.output_mode,
            fix=fix,
        )
        if self.vocabulary is not None:
            listed = isinstance(self.vocabulary, tuple | list | np.ndarray)
            require(listed, who, "a vocabulary as a list of words", vocabulary=self.vocabulary)
            words = tuple(self.vocabulary)
            words = words[special:] if words[:special] == self._special_tokens else words
            object.__setattr__(self, "vocabulary", words)
            require(
                all(isinstance(word, str) for word in words),
                who,
                "a vocabulary of strings",
                vocabulary=words[:5],
            )
            twice = [
                word
                for word, times in Counter(words).items()
                if times > 1 or word in ("", UNKNOWN_TOKEN)
            ]
            require(
                not twice,
                who,
                f"each word once, and neither {UNKNOWN_TOKEN!r} nor ''",
                words=twice[:5],
            )
        if self.idf_weights is not None:
            weights, n = self.idf_weights, len(self.vocabulary or ())
            right = (
                isinstance(weights, tuple | list | np.ndarray)
                and len(weights) == n
                and all(map(is_number, weights))
            )
            require(
                right, who, f"a number as idf_weights for each of {n} words", idf_weights=weights
            )
            object.__setattr__(self, "idf_weights", tuple(map(float, weights)))

    @property
    def _special_tokens(self) -> tuple[str, ...]:
        return ("", UNKNOWN_TOKEN) if self.output_mode == "int" else (UNKNOWN_TOKEN,)

    def unfold(self) -> tuple[Layer, ...]:
        """No links: it runs before the network."""
        return ()

    def adapt(self, texts: Any) -> TextVectorization:
        """A layer like this one that has learned its vocabulary from texts: most frequent first,
        those as frequent from z to a.

        Args:
            texts: those to train on; what is held out would lend its words.

        Raises:
            DataError: nothing but empty texts, or no texts.
        """
        split = [list(self._tokenize(text)) for text in as_texts(texts)]
        counts, inside = Counter[str](), Counter[str]()
        for words in split:
            counts.update(words)
            inside.update(set(words))
        fix = "With standardize=None signs stay."
        require(
            counts,
            "TextVectorization.adapt",
            "texts with a word in them",
            error=DataError,
            texts=len(split),
            fix=fix,
        )
        room = None if self.max_tokens is None else self.max_tokens - len(self._special_tokens)
        kept = tuple(
            sorted(sorted(counts, reverse=True), key=counts.__getitem__, reverse=True)[:room]
        )
        idf = (
            tuple(float(np.log1p(len(split) / (1 + inside[word]))) for word in kept)
            if self.output_mode == "tf_idf"
            else None
        )
        longest = max(map(len, split)) if self.output_mode == "int" else None
        return replace(
            self,
            vocabulary=kept,
            idf_weights=idf,
            output_sequence_length=self.output_sequence_length or longest,
        )

    @property
    def shape(self) -> Shape | None:
        """Of one text's numbers; None where a vocabulary or a length has to be learned first."""
        if self.vocabulary is None:
            return None
        length = (
            self.output_sequence_length
            if self.output_mode == "int"
            else len(self._special_tokens) + len(self.vocabulary)
        )
        return None if length is None else (length,)

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The words by their numbers, with what stands for padding and for unknown words, or
        without.

        Raises:
            NotReadyError: there is none yet.
        """
        return [
            *(self._special_tokens if include_special_tokens else ()),
            *self._require_vocabulary(),
        ]

    def __call__(self, texts: Any) -> np.ndarray:
        """Strings (n,) as numbers: int32 for words by their numbers, uint8 or float32 otherwise.

        Raises:
            NotReadyError: there is no vocabulary yet.
            DataError: something that is no text.
        """
        number = {
            word: i for i, word in enumerate(self._require_vocabulary(), len(self._special_tokens))
        }
        split = [
            [number.get(word, len(self._special_tokens) - 1) for word in self._tokenize(text)]
            for text in as_texts(texts)
        ]
        if self.output_mode == "int":
            length = self.output_sequence_length or max(map(len, split), default=1) or 1
            out = np.zeros((len(split), length), np.int32)
            for row, ids in zip(out, split, strict=True):
                row[: len(ids)] = ids[:length]
            return out
        bags = np.zeros((len(split), 1 + len(number)), np.float32)
        for bag, ids in zip(bags, split, strict=True):
            np.add.at(bag, ids, 1)
        if self.output_mode == "multi_hot":
            return (bags > 0).astype(np.uint8)
        if self.output_mode == "count":
            return bags.astype(np.uint8) if bags.max(initial=0) < 256 else bags
        if self.idf_weights is None:
            fix = "Give idf_weights, or learn them with the vocabulary by adapt(texts)."
            raise NotReadyError(message("TextVectorization", "idf_weights with tf_idf", fix=fix))
        return bags * np.array([np.mean(self.idf_weights), *self.idf_weights], np.float32)

    def _require_vocabulary(self) -> tuple[str, ...]:
        if self.vocabulary is None:
            fix = "Write TextVectorization(...).adapt(texts), the texts being those to train on."
            raise NotReadyError(message("TextVectorization", "a vocabulary", fix=fix))
        return self.vocabulary

    def _tokenize(self, text: str) -> Iterator[str]:
        if self.standardize and "lower" in self.standardize:
            text = text.lower()
        if self.standardize and "strip" in self.standardize:
            text = PUNCTUATION.sub("", text)
        words = text.split() if self.split == "whitespace" else list(text) if self.split else [text]
        for size in self.ngrams:
            yield from (" ".join(words[i : i + size]) for i in range(len(words) - size + 1))

    def formula(self) -> str:
        return f"text to {self.output_mode} of {len(self._special_tokens) + len(self.vocabulary or ()):,} words"


def as_texts(texts: Any) -> Sequence[str]:
    """Texts as a list: (n,) or (n, 1) of them.

    Raises:
        DataError: one string alone, or something that is no text.
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
    require(array.ndim == 1, "texts", "one text a row", error=DataError, shape=array.shape)
    bad = next((i for i, text in enumerate(array) if not isinstance(text, str)), None)
    fix = 'Fill gaps with "".'
    require(
        bad is None,
        "texts",
        "text in every row",
        error=DataError,
        row=bad,
        received=None if bad is None else array[bad],
        fix=fix,
    )
    return array.tolist()
