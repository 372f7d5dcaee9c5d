"""`text_dataset_from_directory`: text files in folders as batches."""

from __future__ import annotations

from typing import Any

from glassnet.errors import is_int, require
from glassnet.keras.data.directories import DirectoryOptions
from glassnet.keras.data.elements import TensorSpec
from glassnet.suggestions import suggest_arguments

WHO = "text_dataset_from_directory"


@suggest_arguments
def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Return a `Dataset` of batches of the text files (.txt) in a folder.

    The files, their order before shuffling, their labels and their parts are Keras's, also for the
    same seed. Texts are bytes: `text.numpy().decode()`; `TextVectorization` accepts them.

    Shapes:
        texts (batch,); labels as `image_dataset_from_directory` returns them.

    Args:
        directory: a folder with a folder for each class.
        labels: see `image_dataset_from_directory`.
        label_mode: see `image_dataset_from_directory`.
        class_names: see `image_dataset_from_directory`.
        batch_size: number of texts per batch; None for single texts.
        max_length: number of bytes after which texts are cut; None for whole texts.
        shuffle: see `image_dataset_from_directory`.
        seed: see `image_dataset_from_directory`.
        validation_split: see `image_dataset_from_directory`.
        subset: see `image_dataset_from_directory`.
        follow_links: whether links to folders are followed.
        format: "tf" (the only value): the result has the methods of `tf.data.Dataset`.
        verbose: whether the number of files is printed.

    Raises:
        ConfigError: arguments that do not fit together.
        DataError: no folder, or no texts.
    """
    require(format == "tf", WHO, 'format="tf" (no other value is supported)', format=format)
    fits = max_length is None or is_int(max_length, least=1)
    require(fits, WHO, "max_length to be an int >= 1", max_length=max_length)
    options = DirectoryOptions(
        WHO,
        labels,
        label_mode,
        class_names,
        shuffle,
        seed,
        validation_split,
        subset,
        follow_links,
        verbose,
    )

    def load(path: str) -> bytes:
        with open(path, "rb") as file:
            return file.read(-1 if max_length is None else max_length)

    return options.make_datasets(directory, (".txt",), batch_size, load, TensorSpec((), "string"))
