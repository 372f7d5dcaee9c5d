"""TextVectorization as Keras's notebooks use it.

Oracle: arithmetic in comments, and the numbers of TensorFlow's Keras 3.15 for the same calls.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.errors import DataError, ModelFileError

TEXTS = ["A good film.", "A bad <br/> film!", "film film"]


def without_tags(text):
    return re.sub("<.*?>", " ", text.lower()).replace(".", "")


def by_dashes(text):
    return text.split("-")


def test_one_text_bytes_and_tensors():
    """film 4 times, a 2 times, then good, br and bad from z to a: 2, 3, 4, 5, 6."""
    layer = keras.layers.TextVectorization()
    layer.adapt(TEXTS)
    assert layer.get_vocabulary() == ["", "[UNK]", "film", "a", "good", "br", "bad"]
    assert layer.get_vocabulary(include_special_tokens=False)[0] == "film"
    assert layer.vocabulary_size() == 7
    length = layer("a film").shape[0]
    assert layer("a film").numpy().tolist() == [3, 2] + [0] * (length - 2)
    for one in (b"a film", np.array("a film"), np.array(b"a film", object)):
        assert np.array_equal(layer(one), layer("a film"))
    for batch in ([b"a film"], np.array([b"a film"]), np.array([["a film"]])):
        assert np.array_equal(layer(batch), layer(["a film"]))
    with pytest.raises(DataError, match="text in every row"):
        layer([3])


@pytest.mark.parametrize("batches", [
    lambda: iter([TEXTS[:2], TEXTS[2:]]),
    lambda: iter([np.array(TEXTS[:1], object), np.array([text.encode() for text in TEXTS[1:]])]),
    lambda: iter(TEXTS),
    lambda: iter([np.array(text.encode(), object) for text in TEXTS]),
])  # fmt: skip
def test_adapted_on_batches_and_on_single_texts(batches):
    layer = keras.layers.TextVectorization(max_tokens=4)
    layer.adapt(batches())
    assert layer.get_vocabulary() == ["", "[UNK]", "film", "a"]


def test_functions_standardize_and_split(tmp_path):
    layer = keras.layers.TextVectorization(standardize=without_tags, output_sequence_length=3)
    layer.adapt(TEXTS)
    assert layer.get_vocabulary() == ["", "[UNK]", "film", "a", "good", "film!", "bad"]
    words = keras.layers.TextVectorization(standardize=None, split=by_dashes)
    words.adapt(["a-b", "b-c c"])
    assert words.get_vocabulary() == ["", "[UNK]", "b", "c c", "a"]
    model = keras.Sequential([layer, keras.layers.Embedding(7, 2), keras.layers.Flatten()])
    model.add(keras.layers.Dense(1))
    model.compile("sgd", "mse")
    model.fit(np.array(TEXTS), np.zeros(3), verbose=0)
    model.save(tmp_path / "model.keras")
    twin = gn.load(tmp_path / "model.keras", {"without_tags": without_tags})
    np.testing.assert_array_equal(model.predict(np.array(TEXTS), verbose=0), twin.predict(TEXTS))
    nameless = keras.layers.TextVectorization(standardize=lambda text: text)
    nameless.adapt(TEXTS)
    model = keras.Sequential([nameless, keras.layers.Embedding(9, 2), keras.layers.Flatten()])
    model.predict(np.array(TEXTS), verbose=0)
    with pytest.raises(ModelFileError, match=r"standardize: .*Use a named function"):
        model.save(tmp_path / "nameless.keras")
