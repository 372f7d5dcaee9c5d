"""Keras 2's functions that prepare images, sequences and texts, at the place where they were."""

from glassnet.keras.compat import export_aliases, register_module
from glassnet.keras.data.images import image_dataset_from_directory
from glassnet.keras.data.series import timeseries_dataset_from_array
from glassnet.keras.data.texts import text_dataset_from_directory
from glassnet.keras.image_generators import ImageDataGenerator
from glassnet.keras.images import array_to_img, img_to_array, load_img, save_img, smart_resize
from glassnet.keras.py_dataset import TimeseriesGenerator
from glassnet.keras.sequences import pad_sequences
from glassnet.keras.text_tokenizer import (
    Tokenizer,
    hashing_trick,
    one_hot,
    text_to_word_sequence,
    tokenizer_from_json,
)

image = register_module(
    f"{__name__}.image",
    "Functions for images.",
    {
        "ImageDataGenerator": ImageDataGenerator,
        "array_to_img": array_to_img,
        "image_dataset_from_directory": image_dataset_from_directory,
        "img_to_array": img_to_array,
        "load_img": load_img,
        "save_img": save_img,
        "smart_resize": smart_resize,
    },
)
sequence = register_module(
    f"{__name__}.sequence",
    "Functions for sequences.",
    {"TimeseriesGenerator": TimeseriesGenerator, "pad_sequences": pad_sequences},
)
text = register_module(
    f"{__name__}.text",
    "Functions for texts.",
    {
        "Tokenizer": Tokenizer,
        "hashing_trick": hashing_trick,
        "one_hot": one_hot,
        "text_dataset_from_directory": text_dataset_from_directory,
        "text_to_word_sequence": text_to_word_sequence,
        "tokenizer_from_json": tokenizer_from_json,
    },
)
timeseries = register_module(
    f"{__name__}.timeseries",
    "Batches of windows of a time series.",
    {"TimeseriesGenerator": TimeseriesGenerator},
)

__all__, __getattr__ = export_aliases(
    __name__,
    {
        "image": image,
        "image_dataset_from_directory": image_dataset_from_directory,
        "sequence": sequence,
        "text": text,
        "text_dataset_from_directory": text_dataset_from_directory,
        "timeseries": timeseries,
        "timeseries_dataset_from_array": timeseries_dataset_from_array,
    },
)
