"""The job for a folder of images."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from glassnet.cli.jobs.base import Job, TrainOptions, describe_sizes

if TYPE_CHECKING:
    import numpy as np
    import pandas

    from glassnet.data.images import Images
    from glassnet.layers import Layer
    from glassnet.models.sequential import Sequential
    from glassnet.reporting.run_data import RunData
    from glassnet.training.history import History

MAX_SIDE = 96
"""The longer side of images in pixels, unless `--size` is set; smaller images keep their size."""

MAX_SAMPLED_FILES = 200
"""Maximum number of files that are opened to find the usual size."""

AUGMENT_BELOW = 2000
"""With fewer training images, augmentation is on by default."""

MAX_FLATTENED_POSITIONS = 16
"""Maximum number of positions after the convolutions for which the network flattens them.

Flattening keeps where a feature is, which helps with digits. Otherwise a global maximum keeps
whether it is anywhere, which helps with photos.
"""

TRAIN_FOLDERS, TEST_FOLDERS, VALIDATION_FOLDERS = (
    ("train", "training"),
    ("test", "testing"),
    ("validation", "valid", "val"),
)
"""Names of subfolders that are splits, not classes."""


@dataclass(frozen=True, eq=False)
class ImageJob(Job):
    """Training and test images with their classes.

    Attributes:
        name: the name of the folder.
        train: the training images.
        test: the test images, or None.
        augment: augment the training images at random.
        messages: lines to print about how the images were read.
        validation_data: the images of a validation folder, or None.
        dropout: the default of `--dropout`.
        training_steps: the number of steps that the default of `--epochs` aims at.
    """

    name: str
    train: Images
    test: Images | None
    augment: bool
    messages: tuple[str, ...] = ()
    validation_data: Images | None = None
    dropout: float = 0.5
    training_steps: int = 300

    @property
    def layers(self) -> tuple[int, ...]:
        """The default of `--layers`: the filters of up to three convolutions.

        Before each halving, the image is at least 4 pixels wide.
        """
        return (32, 64, 128)[: max(1, min(self.train.x.shape[1:3]).bit_length() - 2)]

    @property
    def batch_size(self) -> int:
        """The default of `--batch-size`: 32, or less for few images.

        An epoch then has about sixteen steps, enough for ten epochs to show progress.
        """
        power = round(math.log2(len(self.train) / 16))
        return min(32, max(4, 1 << max(power, 0)))

    @property
    def n_samples(self) -> int:
        return len(self.train)

    @property
    def description(self) -> str:
        n_test, n_classes = len(self.test or ()), len(self.train.class_names)
        return describe_sizes(self.n_samples, n_test, "images", f"{n_classes} classes")

    def build_model(self, settings: Mapping[str, Any], adapt: bool = False) -> Sequential:
        from glassnet.cli import default_models
        from glassnet.layers import (
            Conv2D,
            Dense,
            Dropout,
            Flatten,
            GlobalMaxPooling2D,
            Input,
            MaxPooling2D,
            Rescaling,
        )
        from glassnet.models.default_layers import classification_head

        layers: list[Layer] = [
            Input(self.train.x.shape[1:]),
            Rescaling(1 / 255),
            *(self._augmentation_layers() if self.augment else []),
        ]
        for filters in settings["layers"]:
            layers += [
                Conv2D(filters, 3, padding="same", activation=settings["activation"]),
                MaxPooling2D(2),
            ]
        dropout = [Dropout(settings["dropout"])] if settings["dropout"] else []
        height, width = (side >> len(settings["layers"]) for side in self.train.x.shape[1:3])
        if settings["layers"] and height * width <= MAX_FLATTENED_POSITIONS:
            layers += [
                Flatten(),
                *dropout,
                Dense(settings["layers"][-1], activation=settings["activation"]),
            ]
        else:
            layers += (
                [GlobalMaxPooling2D(), *dropout] if settings["layers"] else [Flatten(), *dropout]
            )
        last, loss = classification_head(len(self.train.class_names))
        return default_models.compile_model([*layers, *last], loss, ["accuracy"], settings)

    def _augmentation_layers(self) -> list[Layer]:
        """Return the augmentation; grayscale images are not mirrored, as they may show writing."""
        from glassnet.layers import RandomFlip, RandomTranslation

        flips: list[Layer] = [RandomFlip("horizontal")] if self.train.x.shape[-1] == 3 else []
        return [*flips, RandomTranslation(0.1, 0.1)]

    def model_inputs(self, model: Sequential) -> np.ndarray:
        return self.train.x

    def example(self, i: int) -> tuple[Any, Any]:
        return self.train.x[i : i + 1], self.train.y[i : i + 1]

    def target_text(self, i: int) -> str:
        return f"{self.train.files[i].name}, {self.train.class_names[self.train.y[i]]}"

    def prepare_model(self, model: Sequential, **fit_options: Any) -> None:
        """Do nothing: the network is already built."""

    @property
    def fit_arguments(self) -> dict[str, Any]:
        return {"x": self.train}

    def fit(self, model: Sequential, **fit_options: Any) -> History:
        return super().fit(model, validation_data=self.validation_data, **fit_options)

    @property
    def run_data(self) -> RunData:
        from glassnet.reporting.run_data import Rows, RunData

        return RunData(self.name, Rows(self.train), Rows(self.test) if self.test else None)

    @property
    def target_name(self) -> str:
        return "class"

    def to_frame(self) -> pandas.DataFrame:
        """Return the file and the class of each image."""
        import numpy as np
        import pandas

        names = np.array(self.train.class_names)[self.train.y]
        return pandas.DataFrame({"file": list(map(str, self.train.files)), "class": names})

    def describe_learned(self, model: Sequential) -> dict[str, Any]:
        train, test = self.train, self.test
        skipped = [
            {"file": str(path), "reason": reason}
            for path, reason in (*train.skipped, *(test.skipped if test else ()))
        ]
        return {
            "classes": train.class_names,
            "size": train.x.shape[1:3],
            "channels": train.x.shape[3],
            "skipped": skipped,
            "augmented": self.augment,
        }


def is_image_path(name: str) -> bool:
    """Return whether a name is a folder or an image file; names of datasets come first."""
    from glassnet.data.image_files import IMAGE_SUFFIXES
    from glassnet.datasets import names

    path = Path(name)
    return name not in names() and (
        os.path.isdir(path) or name.endswith(("/", os.sep)) or path.suffix.lower() in IMAGE_SUFFIXES
    )


def require_no_image_options(name: str, size: tuple[int, int] | None, augment: bool | None) -> None:
    """Refuse `--size` and `--augment` for a name that is not a folder of images.

    Raises:
        click.UsageError: one of them is set.
    """
    options = {"--size": size, "--augment": augment, "--no-augment": augment is False}
    for option, value in options.items():
        if value:
            raise click.UsageError(f"{option} is for folders of images: {name} is not a folder.")


def resolve_image_job(
    name: str,
    options: TrainOptions,
    seed: int,
    size: tuple[int, int] | None,
    augment: bool | None,
    *,
    split: bool = True,
) -> ImageJob:
    """Return the job for a folder of images.

    Args:
        name: the path of the folder.
        options: the options for tables, which must all be unset.
        seed: seed of the split if there is no folder of test images.
        size: (height, width), or None for the usual size of the files.
        augment: augment the training images; None decides by their number.
        split: read or hold out test images. Otherwise all images are for training, or those of the
            training folder if there is one.

    Raises:
        click.UsageError: an option for tables.
        DataError: see `images_from_folder`.
    """
    from glassnet.data import image_files
    from glassnet.data.dataset import TEST_FRACTION
    from glassnet.data.images import images_from_folder

    if options.first_given():
        raise click.UsageError(
            f"{options.first_given()} is for tables: {name} is a folder of images."
        )
    root, *others = find_split_folders(Path(name))
    test_root, validation_root = others if split else (None, None)
    files = image_files.list_image_files(root) if os.path.isdir(root) else []
    size = size or infer_image_size(files)
    test: Images | None = None
    if split and test_root is None:
        train, test = cast(
            "tuple[Images, Images]", images_from_folder(root, size, TEST_FRACTION, seed=seed)
        )
    else:
        train = cast("Images", images_from_folder(root, size))
    read: Any = partial(
        images_from_folder,
        size=size,
        class_names=train.class_names,
        channels=train.x.shape[3],
        pixel_range=train.pixel_range,
    )
    test = read(test_root) if test_root else test
    validation_data = read(validation_root) if validation_root else None
    folders = {"test images": test_root, "validation images": validation_root}
    messages = [f"{part}: {path}" for part, path in folders.items() if path]
    if not split:
        messages += [f"not used: {path}" for path in others if path]
    messages.append(f"{Path(name).name}: {describe_images(train, test)}")
    if augment is None:
        augment = len(train) < AUGMENT_BELOW
        messages += [describe_augmentation(train)] * augment
    job_name = Path(name).resolve().name
    return ImageJob(job_name, train, test, augment, tuple(messages), validation_data)


def describe_augmentation(train: Images) -> str:
    """Return a message that few images are augmented."""
    verbs = "shifts" if train.x.shape[3] == 1 else "mirrors and shifts"
    return f"few images: training {verbs} them at random; --no-augment turns this off"


def describe_images(train: Images, test: Images | None) -> str:
    """Return the number of images of each class, and their size and colors.

    An example: `cat 12, dog 9; 32x48 pixels, RGB`.
    """
    _, height, width, n_channels = train.x.shape
    color = "grayscale" if n_channels == 1 else "RGB"
    return f"{count_by_class(train, test)}; {height}x{width} pixels, {color}"


def count_by_class(train: Images, test: Images | None) -> str:
    """Return the number of images of each class, as in `cat 12, dog 9`."""
    import numpy as np

    counts = np.bincount([*train.y, *(test.y if test else ())])
    named = zip(train.class_names, counts, strict=True)
    return ", ".join(f"{name} {count:,}" for name, count in named)


def find_split_folders(root: Path) -> tuple[Path, Path | None, Path | None]:
    """Return the folders of the training, test and validation images.

    The last two are None unless `root` has subfolders named train, test or validation.
    """
    from glassnet.data.images import class_folders

    folders = class_folders(root) if os.path.isdir(root) else {}
    subfolders = {name.lower(): path for name, path in folders.items()}
    train, test, validation = (
        next((subfolders[name] for name in names if name in subfolders), None)
        for names in (TRAIN_FOLDERS, TEST_FOLDERS, VALIDATION_FOLDERS)
    )
    split_names = {*TRAIN_FOLDERS, *TEST_FOLDERS, *VALIDATION_FOLDERS}
    if train is None or not subfolders.keys() <= split_names:
        return root, None, None
    test, validation = (
        folder if folder and class_folders(folder) else None for folder in (test, validation)
    )
    return (train, test, validation) if test else (train, validation, None)


def infer_image_size(files: Sequence[Path]) -> tuple[int, int]:
    """Return the median (height, width) of the files, with sides of at most `MAX_SIDE`."""
    import numpy as np

    from glassnet.data.image_files import read_size

    sizes = []
    for path in files[:: -(-len(files) // MAX_SAMPLED_FILES) or 1]:
        try:
            sizes.append(read_size(path))
        except Exception:  # reading the file reports the error
            continue
    height, width = np.median(sizes, axis=0) if sizes else (MAX_SIDE, MAX_SIDE)
    scale = min(1.0, MAX_SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def load_test_images(model: Sequential, folder: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the images of a folder with one subfolder per class, and their class indices.

    Raises:
        click.UsageError: the model was not trained on images.
        DataError: see `ImagePreprocessor.read_folder`.
    """
    from glassnet.preprocessing.images import ImagePreprocessor

    if not isinstance(model.preprocessor, ImagePreprocessor):
        raise click.UsageError(
            f"{folder} is a folder of images, but the model was not trained on images."
        )
    return model.preprocessor.read_folder(folder).to_arrays()
