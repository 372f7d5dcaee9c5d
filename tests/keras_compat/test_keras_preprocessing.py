"""Functions that prepare sequences, texts and images. Oracle: Keras's own, on the same input."""

import importlib
import inspect
import io

import numpy as np
import pytest
from PIL import Image

from glassnet import keras
from glassnet.errors import ConfigError, DataError, NotReadyError
from oracles import EXACT, close, import_keras

SEQUENCES = [[1], [2, 3], [], [4, 5, 6, 7]]
TEXTS = [
    "The cat sat on the mat.",
    "A dog, a cat & the bird!",
    "Birds   fly;\tcats don't.",
    "",
]
NEW_TEXTS = ["the dog sat", "an unknown cat", ""]
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (7, 5, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def real():
    return import_keras()


@pytest.fixture(scope="module")
def old(real):
    """Keras 2's preprocessing, which Keras 3 still has under another name."""
    return importlib.import_module("keras._tf_keras.keras.preprocessing")


def same(got, want):
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    np.testing.assert_array_equal(got, want)


@pytest.mark.live_keras
@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize("maxlen", [None, 1, 3, 6])
def test_pad_sequences(real, padding, truncating, maxlen):
    arguments = {"maxlen": maxlen, "padding": padding, "truncating": truncating, "value": -1}
    same(
        keras.utils.pad_sequences(SEQUENCES, **arguments),
        real.utils.pad_sequences(SEQUENCES, **arguments),
    )


@pytest.mark.live_keras
@pytest.mark.parametrize(
    ("sequences", "arguments"),
    [
        ([[[1.5, 2]], [[3, 4], [5, 6]]], {"dtype": "float32", "value": 0.5}),
        ([[1.7], [2.2, 3.9]], {}),
        (np.arange(6).reshape(2, 3), {"maxlen": 2}),
        ([["a"], ["b", "c"]], {"dtype": object, "value": "pad"}),
        ([np.array([1, 2]), (3,)], {"dtype": "int64", "maxlen": 4}),
        ([[], []], {}),
    ],
)
def test_pad_sequences_of_other_kinds(real, sequences, arguments):
    same(
        keras.utils.pad_sequences(sequences, **arguments),
        real.utils.pad_sequences(sequences, **arguments),
    )


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"sequences": SEQUENCES, "padding": "left"}, ConfigError, "padding: expected one of pre"),
        ({"sequences": SEQUENCES, "truncating": "p"}, ConfigError, "truncating: expected one of"),
        ({"sequences": SEQUENCES, "maxlen": 0}, ConfigError, "maxlen to be an int >= 1 or None"),
        ({"sequences": SEQUENCES, "value": "x"}, ConfigError, "For texts, pass dtype=object"),
        ({"sequences": 3}, DataError, "expected a list of sequences"),
        ({"sequences": [[1], 2]}, DataError, "Received: sequence=1, received=2"),
        ({"sequences": [[[1]], [2]]}, DataError, r"items of shape \(1,\).*sequence=1, shape=\(\)"),
        ({"sequences": [], "paddin": "pre"}, TypeError, "padding"),
    ],
)
def test_errors_of_pad_sequences(arguments, error, words):
    with pytest.raises(error, match=words):
        keras.utils.pad_sequences(**arguments)


def test_to_categorical_has_the_parameter_dtype_of_keras_2():
    """Oracle: the rows, by hand. Keras 2's default was float32, Keras 3's is float64."""
    rows = keras.utils.np_utils.to_categorical([[1], [0]], 3, dtype="float32")
    same(rows, np.array([[0, 1, 0], [1, 0, 0]], np.float32))
    assert keras.utils.to_categorical([1, 0]).dtype == np.float64


@pytest.mark.live_keras
@pytest.mark.parametrize("options", [{}, {"lower": False}, {"filters": "!"}, {"split": "a"}])
def test_text_to_word_sequence(old, options):
    for text in TEXTS:
        ours = keras.preprocessing.text.text_to_word_sequence(text, **options)
        assert ours == old.text.text_to_word_sequence(text, **options)


@pytest.mark.live_keras
def test_hashed_words(old):
    for n in (2, 50):
        ours, theirs = keras.preprocessing.text, old.text
        assert ours.hashing_trick(TEXTS[0], n, "md5") == theirs.hashing_trick(TEXTS[0], n, "md5")
        assert ours.one_hot(TEXTS[0], n) == theirs.one_hot(TEXTS[0], n)
        assert ours.hashing_trick(TEXTS[0], n, len, analyzer=list) == theirs.hashing_trick(
            TEXTS[0], n, len, analyzer=list
        )


TOKENIZERS = {
    "default": {},
    "num_words": {"num_words": 5},
    "oov_token": {"oov_token": "<OOV>"},
    "both": {"num_words": 5, "oov_token": "<OOV>"},
    "char_level": {"char_level": True},
    "upper": {"lower": False, "filters": ""},
    "analyzer": {"analyzer": str.split},
}


def fitted(module, name, texts=TEXTS):
    tokenizer = module.text.Tokenizer(**TOKENIZERS[name])
    tokenizer.fit_on_texts(texts)
    return tokenizer


@pytest.mark.live_keras
@pytest.mark.parametrize("name", TOKENIZERS)
def test_tokenizer(old, name):
    ours, theirs = fitted(keras.preprocessing, name), fitted(old, name)
    names = ("word_index", "index_word", "word_counts", "word_docs", "index_docs")
    for attribute in (*names, "document_count", "num_words"):
        assert getattr(ours, attribute) == getattr(theirs, attribute), attribute
    assert list(ours.word_index) == list(theirs.word_index)
    for texts in (TEXTS, NEW_TEXTS):
        sequences = theirs.texts_to_sequences(texts)
        assert ours.texts_to_sequences(texts) == sequences
        assert ours.sequences_to_texts([*sequences, [0, 99]]) == theirs.sequences_to_texts(
            [*sequences, [0, 99]]
        )
        for mode in ("binary", "count", "freq", "tfidf"):
            close(
                ours.texts_to_matrix(texts, mode), theirs.texts_to_matrix(texts, mode=mode), 1e-12
            )
    restored = keras.preprocessing.text.tokenizer_from_json(ours.to_json())
    assert restored.texts_to_sequences(NEW_TEXTS) == sequences
    close(restored.texts_to_matrix(NEW_TEXTS, "tfidf"), ours.texts_to_matrix(NEW_TEXTS, "tfidf"), 0)
    if name != "analyzer":
        assert ours.to_json() == theirs.to_json()


@pytest.mark.live_keras
def test_tokenizer_of_lists_of_words_and_in_two_fits(old):
    tokenizers = [module.text.Tokenizer() for module in (keras.preprocessing, old)]
    for tokenizer in tokenizers:
        tokenizer.fit_on_texts([["A", "b"], ["b", ""]])
        tokenizer.fit_on_texts(["c b c"])
        tokenizer.fit_on_sequences([[1, 2, 2]])
    assert tokenizers[0].get_config() == tokenizers[1].get_config()
    assert tokenizers[0].texts_to_sequences([["B", "", "z"]]) == tokenizers[1].texts_to_sequences(
        [["B", "", "z"]]
    )


def test_errors_of_the_tokenizer():
    tokenizer = keras.preprocessing.text.Tokenizer()
    with pytest.raises(NotReadyError, match="Call fit_on_texts first"):
        tokenizer.texts_to_matrix(["a"])
    with pytest.raises(DataError, match=r"Put the text in a list: \[text\]"):
        tokenizer.fit_on_texts("a text")
    tokenizer.fit_on_texts(["a text"])
    with pytest.raises(ConfigError, match="mode: expected one of binary, count, freq, tfidf"):
        tokenizer.texts_to_matrix(["a"], mode="share")
    with pytest.raises(ConfigError, match="num_words to be an int >= 1 or None"):
        keras.preprocessing.text.Tokenizer(0)
    with pytest.raises(ConfigError, match="n to be an int >= 2"):
        keras.preprocessing.text.one_hot("a", 1)
    with pytest.raises(ConfigError, match="hash_function: expected one of md5"):
        keras.preprocessing.text.hashing_trick("a", 5, "sha")
    with pytest.raises(DataError, match=r"expected JSON that Tokenizer\.to_json wrote"):
        keras.preprocessing.text.tokenizer_from_json("{}")


@pytest.mark.live_keras
@pytest.mark.parametrize(
    "arguments",
    [
        {"length": 3},
        {"length": 4, "sampling_rate": 2, "stride": 3, "batch_size": 2},
        {"length": 2, "start_index": 3, "end_index": 9, "batch_size": 3, "reverse": True},
        {"length": 3, "shuffle": True, "batch_size": 5},
    ],
)
def test_timeseries_generator(old, arguments):
    """A shuffled generator draws from NumPy's global generator, as Keras's does."""
    data, targets = RNG.normal(size=(15, 2)), np.arange(15)
    batches = []
    for module in (keras.preprocessing.sequence, old.sequence):
        np.random.seed(3)  # noqa: NPY002
        generator = module.TimeseriesGenerator(data, targets, **arguments)
        batches.append([generator[i] for i in range(len(generator))])
    for ours, theirs in zip(*batches, strict=True):
        for got, want in zip(ours, theirs, strict=True):
            same(got, want)


def test_a_model_is_fitted_to_a_timeseries_generator():
    """Oracle: the squared error of a forecast of 0 for the targets 2, 3, 4 is 29 / 3."""
    series = np.arange(5.0)[:, None]
    windows = keras.preprocessing.timeseries.TimeseriesGenerator(series, series, 2)
    model = keras.Sequential(
        [
            keras.Input((2, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(1, kernel_initializer="zeros"),
        ]
    )
    model.compile("sgd", "mse")
    close(model.evaluate(windows, verbose=0), 29 / 3, 1e-6)
    assert len(model.fit(windows, epochs=2, verbose=0).epoch) == 2


def test_errors_of_the_timeseries_generator():
    make = keras.preprocessing.sequence.TimeseriesGenerator
    with pytest.raises(DataError, match=r"one target for each step.*data=3, targets=2"):
        make([1, 2, 3], [1, 2], 1)
    with pytest.raises(DataError, match=r"start_index \+ length <= end_index.*length=3"):
        make([1, 2, 3], [1, 2, 3], 3)
    with pytest.raises(ConfigError, match="stride to be an int >= 1"):
        make([1, 2, 3], [1, 2, 3], 1, stride=0)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(PIXELS).save(path)
    return path


@pytest.mark.live_keras
@pytest.mark.parametrize("color_mode", ["rgb", "rgba", "grayscale"])
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"target_size": (4, 9)},
        {"target_size": (3, 3), "interpolation": "bilinear"},
        {"target_size": (3, 6), "interpolation": "lanczos", "keep_aspect_ratio": True},
        {"target_size": (7, 5), "interpolation": "box"},
    ],
)
def test_load_img(real, photo, color_mode, arguments):
    images = [k.utils.load_img(photo, color_mode, **arguments) for k in (keras, real)]
    assert images[0].mode == images[1].mode
    same(*(k.utils.img_to_array(image) for k, image in zip((keras, real), images, strict=True)))


@pytest.mark.live_keras
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_load_img_of_other_modes(real, tmp_path, mode):
    path = tmp_path / "image.png"
    deep = Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 200)
    (deep if mode == "I;16" else Image.fromarray(PIXELS).convert(mode)).save(path)
    for color_mode in ("rgb", "grayscale"):
        images = [k.utils.load_img(str(path), color_mode) for k in (keras, real)]
        same(*map(np.asarray, images))


def test_load_img_of_an_open_file_and_of_bytes(photo):
    for path in (io.BytesIO(photo.read_bytes()), bytes(photo)):
        same(np.asarray(keras.utils.load_img(path)), PIXELS)


@pytest.mark.live_keras
@pytest.mark.parametrize("data_format", [None, "channels_last", "channels_first"])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("scale", [True, False])
def test_arrays_and_images(real, data_format, channels, scale):
    x = RNG.uniform(0, 255, (4, 6, channels)).astype(np.float32)
    x = x.transpose(2, 0, 1) if data_format == "channels_first" else x
    images = [k.utils.array_to_img(x, data_format, scale) for k in (keras, real)]
    assert images[0].mode == images[1].mode
    arrays = [k.utils.img_to_array(images[1], data_format) for k in (keras, real)]
    same(*arrays)
    same(*map(np.asarray, images))
    same(*(k.utils.img_to_array(images[1], dtype="uint8") for k in (keras, real)))


@pytest.mark.live_keras
@pytest.mark.parametrize("name", ["image.png", "image.jpg", "image.bmp"])
def test_save_img(real, tmp_path, name):
    pixels = []
    for k in (keras, real):
        k.preprocessing.image.save_img(tmp_path / name, PIXELS / 255)
        pixels.append(np.asarray(Image.open(tmp_path / name)))
    same(*pixels)
    keras.utils.save_img(tmp_path / "other", PIXELS, file_format="png", scale=False)
    same(np.asarray(Image.open(tmp_path / "other")), PIXELS)


def test_save_img_without_transparency(tmp_path):
    with pytest.warns(UserWarning, match="JPEG has no transparency"):
        keras.utils.save_img(str(tmp_path / "image.jpeg"), np.ones((2, 2, 4)))
    assert keras.utils.load_img(tmp_path / "image.jpeg", "rgba").getextrema()[3] == (255, 255)


def test_constant_and_deep_images():
    """Oracle: a constant image has no range, so nothing is divided; 300 does not fit into 8 bits."""
    assert np.asarray(keras.utils.array_to_img(np.full((1, 2, 1), 7.0))).tolist() == [[0, 0]]
    deep = keras.utils.array_to_img(np.array([[[300.0], [1.0]]]), scale=False)
    assert (deep.mode, np.asarray(deep).tolist()) == ("I", [[300, 1]])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda path: keras.utils.load_img(path, "bgr"), ConfigError, "color_mode: expected one"),
        (
            lambda path: keras.utils.load_img(path, interpolation="area"),
            ConfigError,
            "nearest, bil",
        ),
        (lambda path: keras.utils.img_to_array(np.zeros(3)), DataError, r"shape=\(3,\)"),
        (lambda path: keras.utils.array_to_img(np.zeros((2, 2))), DataError, "1, 3 or 4 channels"),
        (lambda path: keras.utils.array_to_img(np.zeros((2, 2, 2))), DataError, r"\(2, 2, 2\)"),
        (lambda path: keras.utils.img_to_array(path, "last"), ConfigError, "'channels_first'"),
        (lambda path: keras.utils.load_img(f"{path}x"), FileNotFoundError, "photo.pngx"),
    ],
)
def test_errors_of_image_functions(photo, call, error, words):
    with pytest.raises(error, match=words):
        call(photo)


@pytest.mark.live_keras
@pytest.mark.parametrize(
    ("shape", "size", "arguments"),
    [
        ((7, 5, 3), (3, 3), {}),
        ((2, 7, 5, 3), (4, 2), {"interpolation": "nearest"}),
        ((3, 7, 5), (6, 9), {"data_format": "channels_first"}),
        ((7, 5, 1), (1, 40), {"interpolation": "bicubic"}),
    ],
)
def test_smart_resize(real, shape, size, arguments):
    x = RNG.uniform(0, 255, shape).astype(np.float32)
    images = [k.preprocessing.image.smart_resize(x, size, **arguments) for k in (keras, real)]
    assert images[0].shape == images[1].shape
    close(*images, 1e-5)


def test_errors_of_smart_resize():
    with pytest.raises(ConfigError, match=r"size \(height, width\)\. Received: shape=\(3,\)"):
        keras.preprocessing.image.smart_resize(np.zeros(3), (1, 1))


HOMES = {
    "image": "array_to_img img_to_array load_img save_img smart_resize",
    "sequence": "TimeseriesGenerator pad_sequences",
    "text": "Tokenizer hashing_trick one_hot text_to_word_sequence tokenizer_from_json",
}


@pytest.mark.live_keras
@pytest.mark.parametrize("home", HOMES)
def test_parameters_of_the_old_home(old, home):
    """Keras 2's parameters come first, in its order and with its defaults."""
    for name in HOMES[home].split():
        theirs = inspect.signature(getattr(getattr(old, home), name)).parameters.values()
        ours = inspect.signature(getattr(getattr(keras.preprocessing, home), name)).parameters
        wanted = [(p.name, p.default) for p in theirs if p.kind is not p.VAR_KEYWORD]
        assert [(p.name, p.default) for p in ours.values()][: len(wanted)] == wanted


def test_old_and_new_homes_have_the_same_functions():
    from glassnet.keras.preprocessing.image import load_img
    from glassnet.keras.preprocessing.sequence import pad_sequences

    from glassnet.keras.preprocessing import image, sequence

    assert load_img is image.load_img is keras.utils.load_img
    assert pad_sequences is sequence.pad_sequences is keras.utils.pad_sequences
    close(keras.utils.pad_sequences([[1]]), [[1]], EXACT)
