"""TextVectorization: words, bags of words, and models that take text."""

import re
from typing import Any

import numpy as np
import pandas
import pytest
from sklearn.feature_extraction.text import CountVectorizer

import glassnet as gn
from glassnet.errors import ConfigError, DataError, NotReadyError
from glassnet.layers import Dense, Embedding, GlobalAveragePooling1D, TextVectorization
from oracles import close

TEXTS = [
    "A good film.",
    "A bad film!",
    "A film",
    "Don't go, it's BAD; bad-bad",
    "über film 2",
    "",
    "good good good plot",
]
NEW = ["the good film was bad bad", "don't", "", "A plot 2 go it's unheard"]
SIX = {"output_sequence_length": 6}
WORDS = ["good", "film", "a", "bad", "über", "plot", "its", "go", "dont", "badbad", "2"]


@pytest.mark.parametrize(
    ("options", "vocabulary", "expected"),
    [
        (SIX, ["", "[UNK]", *WORDS], [[1, 2, 3, 1, 5, 5], [10, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [4, 7, 12, 9, 8, 1]]),
        (
            SIX | {"max_tokens": 6},
            ["", "[UNK]", *WORDS[:4]],
            [[1, 2, 3, 1, 5, 5], [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [4, 1, 1, 1, 1, 1]],
        ),
        ({"output_sequence_length": 3}, ["", "[UNK]", *WORDS], [[1, 2, 3], [10, 0, 0], [0, 0, 0], [4, 7, 12]]),
        (
            SIX | {"standardize": None},
            ["", "[UNK]", "good", "A", "film", "über", "plot", "it's", "go,", "film.", "film!", "bad-bad", "bad", "Don't", "BAD;", "2"],
            [[1, 2, 4, 1, 12, 12], [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [3, 6, 15, 1, 7, 1]],
        ),
        (
            {"output_mode": "count", "max_tokens": 5},
            ["[UNK]", *WORDS[:4]],
            [[2, 1, 1, 0, 2], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0], [5, 0, 0, 1, 0]],
        ),
        (
            {"output_mode": "multi_hot", "max_tokens": 5},
            ["[UNK]", *WORDS[:4]],
            [[1, 1, 1, 0, 1], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0], [1, 0, 0, 1, 0]],
        ),
        (
            {"output_mode": "tf_idf", "ngrams": 2, "max_tokens": 9},
            ["[UNK]", "good", "film", "a", "good good", "bad", "über film", "über", "plot"],
            [
                [9.02241, 1.20397, 0.87547, 0, 0, 2.40795, 0, 0, 0],
                [1.28892, *[0] * 8],
                [0] * 9,
                [11.60024, 0, 0, 1.0116, 0, 0, 0, 0, 1.50408],
            ],
        ),
    ],
    ids=["int", "few words", "short", "as it stands", "count", "multi-hot", "tf-idf of pairs"],
)  # fmt: skip
def test_what_keras_says(options, vocabulary, expected):
    """Oracle: results of Keras 3 on TensorFlow 2.21, which its layer needs, recorded once."""
    text = TextVectorization(**options).adapt(TEXTS)
    result = text(NEW)
    assert text.get_vocabulary() == vocabulary
    assert text == TextVectorization(**options).adapt(TEXTS)
    close(result, expected, 1e-5)
    assert result.shape == np.shape(expected)


@pytest.mark.parametrize("ngrams", [1, 2, (2, 3)], ids=str)
def test_counts_are_scikit_learns(ngrams):
    """Oracle: CountVectorizer on the same random words.

    Unknown words are counted separately.
    """
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(30)]
    seen, new = (
        [" ".join(rng.choice(words[:n], rng.integers(0, 12))) for _ in range(40)] for n in (25, 30)
    )
    ours = TextVectorization(ngrams=ngrams, output_mode="count").adapt(seen)
    span = (1, ngrams) if isinstance(ngrams, int) else ngrams
    theirs = CountVectorizer(
        ngram_range=span, token_pattern=r"\S+", vocabulary=ours.get_vocabulary()[1:]
    )
    np.testing.assert_array_equal(ours(new)[:, 1:], theirs.transform(new).toarray())
    all_of_them = (
        CountVectorizer(ngram_range=span, token_pattern=r"\S+").fit_transform(new).toarray().sum(1)
    )
    np.testing.assert_array_equal(ours(new).sum(1), all_of_them)
    learned = CountVectorizer(ngram_range=span, token_pattern=r"\S+").fit(seen)
    assert sorted(ours.get_vocabulary()[1:]) == sorted(learned.vocabulary_)


def test_bags_are_small():
    assert TextVectorization(output_mode="multi_hot").adapt(TEXTS)(NEW).dtype == np.uint8
    count = TextVectorization(output_mode="count").adapt(TEXTS)
    assert count(NEW).dtype == np.uint8
    assert count(["good " * 300])[0, 1] == 300
    assert TextVectorization().adapt(TEXTS)(NEW).dtype == np.int32


def test_other_ways_to_split():
    assert TextVectorization(split="character").adapt(["ab", "b c"]).get_vocabulary() == [
        "",
        "[UNK]",
        "b",
        "c",
        "a",
        " ",
    ]
    assert TextVectorization(split=None).adapt(["Rome, Italy", "Bonn"]).get_vocabulary() == [
        "",
        "[UNK]",
        "rome italy",
        "bonn",
    ]
    words = TextVectorization(vocabulary=["film", "good"], output_sequence_length=2)
    assert words(["Good film"]).tolist() == [[3, 2]]
    weighed = TextVectorization(
        output_mode="tf_idf", vocabulary=["film", "good"], idf_weights=[1, 3]
    )
    assert weighed(["good good x"]).tolist() == [[2.0, 0.0, 6.0]]


@pytest.mark.parametrize("mode", ["multi_hot", "count", "tf_idf", "int"])
def test_a_model_that_takes_text(tmp_path, mode):
    """Oracle: the same network without the layer, on encoded texts.

    Strings are a list, an array or a column. Saving keeps the layer.
    """
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, 6)) for _ in range(60)]
    y = np.array(["good" in text for text in texts], float)
    text = TextVectorization(output_mode=mode).adapt(texts[:40])

    def fitted(layers, encode):
        model = gn.Sequential(
            [
                *layers,
                Dense(4, activation="relu", name="a"),
                Dense(1, activation="sigmoid", name="b"),
            ],
            seed=0,
        )
        model.compile("adam", "binary_crossentropy", ["accuracy"])
        validation = (encode(texts[40:]), y[40:])
        return model, model.fit(
            encode(texts[:40]), y[:40], epochs=3, verbose=0, validation_data=validation
        ).history

    model, log = fitted([text], list)
    plain, plain_log = fitted([], text)
    assert log == plain_log
    expected = plain.predict(text(NEW))
    for texts_new in (NEW, np.array(NEW), np.array(NEW, object)[:, None], pandas.Series(NEW)):
        np.testing.assert_array_equal(model.predict(texts_new), expected)
    assert model.evaluate(texts, y) == plain.evaluate(text(texts), y)
    np.testing.assert_array_equal(model.trace(NEW[:1], [1]).x, np.float32(text(NEW[:1])))
    model.save(tmp_path / "text.glassnet")
    loaded = gn.load(tmp_path / "text.glassnet")
    np.testing.assert_array_equal(loaded.predict(NEW), expected)
    assert loaded.layers[0].get_vocabulary() == text.get_vocabulary()
    assert model.fit(texts, y, validation_split=0.2, verbose=0).epoch == [3]


LABELS = np.arange(7) % 2


def text_batches():
    """Return the texts and labels as batches of two."""
    pairs = [(TEXTS[i : i + 2], LABELS[i : i + 2]) for i in (0, 2, 4)]
    return [*pairs, (np.array(TEXTS[6:]), LABELS[6:])]


def text_classifier():
    """Return an untrained model of texts."""
    layers = [
        TextVectorization().adapt(TEXTS),
        Embedding(13, 2, mask_zero=True),
        GlobalAveragePooling1D(),
        Dense(1, activation="sigmoid"),
    ]
    return gn.Sequential(layers, seed=0)


def test_batches_of_texts(tmp_path):
    """Oracle: the same rows in one array.

    Batches are a list, a function or columns, for training, validation and evaluation.
    """
    want = text_classifier()
    log = want.fit(
        TEXTS, LABELS, batch_size=2, shuffle=False, verbose=0, validation_data=(TEXTS, LABELS)
    ).history
    score = pytest.approx(want.evaluate(TEXTS, LABELS), rel=1e-6)
    columns = [{"text": x, "label": labels} for x, labels in text_batches()]
    for batches in (text_batches(), lambda: iter(text_batches()), columns):
        model = text_classifier()
        history = model.fit(batches, verbose=0, validation_data=batches, target="label").history
        assert history["loss"] == log["loss"]
        assert history["val_loss"] == pytest.approx(log["val_loss"], rel=1e-6)
        predictions = model.predict(x for x, _ in text_batches())
        np.testing.assert_array_equal(predictions, want.predict(TEXTS))
        assert model.evaluate(batches, target="label") == score
    resumed = text_classifier()
    resumed.fit(text_batches(), verbose=0, resume=tmp_path / "run")
    np.testing.assert_array_equal(resumed.predict(TEXTS), want.predict(TEXTS))


def test_batches_that_are_not_texts():
    wrong = [*text_batches()[:2], ([None, "a"], LABELS[:2])]
    with pytest.raises(
        DataError, match=r"batch 3 of epoch 1: texts: expected text in every row\. Received: row=0"
    ):
        text_classifier().fit(wrong, verbose=0)
    with pytest.raises(
        DataError,
        match=r"batch 1 of epoch 1: x: expected numbers\. .*For sentences, use a TextVectorization layer",
    ):
        gn.Sequential([Dense(1)]).fit(text_batches(), verbose=0)


@pytest.mark.parametrize(("mode", "shape"), [("int", (5,)), ("count", (12,))])
def test_what_is_adapted_knows_its_shape(mode, shape, capsys):
    text = TextVectorization(output_mode=mode)
    assert text.shape is None
    assert text.adapt(TEXTS).shape == shape == text.adapt(TEXTS)(TEXTS).shape[1:]
    gn.Sequential([text.adapt(TEXTS), Dense(1)], seed=0).summary()
    assert f"input ({shape[0]},)" in capsys.readouterr().out
    assert TextVectorization(vocabulary=["a"]).shape is None
    with pytest.raises(
        NotReadyError,
        match=r"expected a model that knows its input's shape\. Adapt the TextVectorization, or fit",
    ):
        gn.Sequential([text, Dense(1)]).count_params()


def test_vocabulary_as_it_is_given():
    """With and without the padding and unknown tokens."""
    text = TextVectorization().adapt(TEXTS)
    assert text.get_vocabulary(include_special_tokens=False) == text.get_vocabulary()[2:]
    for vocabulary in (
        text.get_vocabulary(),
        text.get_vocabulary(include_special_tokens=False),
        np.array(text.get_vocabulary()),
    ):
        assert TextVectorization(vocabulary=vocabulary, output_sequence_length=5) == text


def test_a_large_vocabulary_is_kept(tmp_path):
    words = [f"word{i}" for i in range(30_000)]
    model = gn.Sequential(
        [TextVectorization(vocabulary=words, output_sequence_length=3), Dense(1)], seed=0
    )
    before = model.predict(["word7 word29999"])
    model.save(tmp_path / "large.glassnet")
    np.testing.assert_array_equal(
        gn.load(tmp_path / "large.glassnet").predict(["word7 word29999"]), before
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"max_tokens": 2},
            "TextVectorization: expected max_tokens to be an int > 2 or None. Received: max_tokens=2.",
        ),
        (
            {"max_tokens": 1, "output_mode": "count"},
            "expected max_tokens to be an int > 1 or None.",
        ),
        (
            {"standardize": "upper"},
            "TextVectorization: standardize: expected one of lower_and_strip_punctuation, lower",
        ),
        ({"split": 3}, "expected split to be one of whitespace, character."),
        ({"output_mode": None}, "expected output_mode to be one of int, multi_hot, count, tf_idf."),
        ({"output_mode": "tfidf"}, "Did you mean 'tf_idf'?"),
        ({"ngrams": 0}, "expected ngrams to be an int >= 1, lengths, or None. Received: ngrams=0."),
        (
            {"ngrams": ()},
            "expected ngrams to be an int >= 1, lengths, or None. Received: ngrams=().",
        ),
        ({"output_sequence_length": 0}, "expected output_sequence_length to be an int >= 1."),
        (
            {"output_sequence_length": 9, "output_mode": "count"},
            "A bag of words has no order and no length.",
        ),
        (
            {"vocabulary": ["a", "a"]},
            "expected each word once, and neither '[UNK]' nor ''. Received: words=['a'].",
        ),
        ({"vocabulary": ["", "a"]}, "Received: words=['']."),
        ({"vocabulary": [1]}, "expected a vocabulary of strings."),
        (
            {"vocabulary": "words.txt"},
            "expected a vocabulary as a list of words. Received: vocabulary='words.txt'.",
        ),
        ({"idf_weights": 3}, "expected a number as idf_weights for each of 0 words."),
        (
            {"idf_weights": [1.0]},
            "expected a number as idf_weights for each of 0 words. Received: idf_weights=[1.0].",
        ),
    ],
)
def test_arguments_out_of_range(options, text):
    with pytest.raises(ConfigError, match=re.escape(text)):
        TextVectorization(**options)


def test_what_is_no_text():
    text = TextVectorization().adapt(TEXTS)
    model = gn.Sequential([text, Dense(1)], seed=0)
    refused: dict[str, Any] = {
        "texts: expected a list of texts, not one. Received: received='good'. Write ['good'].": "good",
        "texts: expected text in every row. Received: row=1, received=None. Replace missing texts with": [
            "a",
            None,
        ],
        "texts: expected text in every row. Received: row=0, received=3.": [3, 4],
        "texts: expected one text per row. Received: shape=(1, 2).": [["a", "b"]],
    }
    for message, texts in refused.items():
        with pytest.raises(DataError, match=re.escape(message)):
            model.predict(texts)
    with pytest.raises(
        DataError, match=r"adapt: expected texts with a word in them\. Received: texts=2\."
    ):
        TextVectorization().adapt(["", "..."])


def test_a_table_where_texts_are_taken():
    table = pandas.DataFrame({"text": TEXTS, "label": range(7)})
    model = gn.Sequential([TextVectorization().adapt(TEXTS), Dense(1)], seed=0)
    with pytest.raises(
        ConfigError,
        match=r"fit: expected arrays, since TextVectorization is the first layer.*Write fit\(table\[\"review\"\], table",
    ):
        model.fit(table, target="label", verbose=0)
    model.fit(table["text"], table["label"], verbose=0)
    model.fit(table[["text"]], table["label"], verbose=0)


def test_text_where_none_is_taken():
    with pytest.raises(
        NotReadyError,
        match=r"TextVectorization: expected a vocabulary\. Write TextVectorization\(\.\.\.\)\.adapt",
    ):
        gn.Sequential([TextVectorization(), Dense(1)]).fit(TEXTS, np.zeros(7), verbose=0)
    with pytest.raises(NotReadyError, match="TextVectorization: expected idf_weights with tf_idf"):
        TextVectorization(output_mode="tf_idf", vocabulary=["a"])(["a"])
    with pytest.raises(
        DataError,
        match=r"x: expected numbers\. .*For sentences, use a TextVectorization layer",
    ):
        gn.Sequential([Dense(1)]).fit(TEXTS, np.zeros(7), verbose=0)
    for before in (Dense(1), gn.layers.Input(3)):
        with pytest.raises(
            ConfigError, match="Sequential: expected TextVectorization before all other layers"
        ):
            gn.Sequential([before, TextVectorization()])
