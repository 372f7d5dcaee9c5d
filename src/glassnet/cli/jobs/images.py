"""A folder of images as something to train on: its classes, a size, a network of convolutions, and
a score on images kept aside.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from glassnet.cli.jobs.base import Job, TrainOptions

if TYPE_CHECKING:
    import numpy as np

    from glassnet.layers import Layer
    from glassnet.models.sequential import Sequential
    from glassnet.preprocessing.images import Images
    from glassnet.training.history import History

MAX_SIDE = 96
"""Pixels of the longer side, where no size is asked for; smaller images stay as they are."""

MAX_SAMPLED_FILES = 200
"""Files whose headers say how large the images are."""

AUGMENT_BELOW = 2000
"""Below so many images to learn from, each is changed a little whenever it is trained on."""

MAX_FLATTENED_POSITIONS = 16
"""Where the convolutions leave so many places or fewer, what is at each counts, as in digits; else
whether it is anywhere, as in photos.
"""

COARSE_SIDE, MAX_LINEAR_INPUTS = 16, 5_000_000
"""The linear model sees images of some 16 x 16 pixels, and stands aside where these are more than
five million numbers.
"""

TRAIN_FOLDERS, TEST_FOLDERS, VALIDATION_FOLDERS = (
    ("train", "training"),
    ("test", "testing"),
    ("validation", "valid", "val"),
)
"""Sub-folders of these names are parts, not classes."""


@dataclass(frozen=True, eq=False)
class ImageJob(Job):
    """Images to learn from, and images to be scored on.

    Attributes:
        name: of the folder.
        train: the images to learn from.
        test: those to be scored on.
        augment: whether images are changed by chance in training.
        messages: what was found out in reading.
        validation_data: images to validate on, where they have a folder of their own.
    """

    name: str
    train: Images
    test: Images
    augment: bool
    messages: tuple[str, ...] = ()
    validation_data: Images | None = None
    dropout: float = 0.5
    training_steps: int = 300

    @property
    def layers(self) -> tuple[int, ...]:
        """Filters of the convolutions, where none are asked for: as many layers as the image can be
        halved and be 4 pixels wide before.
        """
        return (32, 64, 128)[: max(1, min(self.train.x.shape[1:3]).bit_length() - 2)]

    @property
    def batch_size(self) -> int:
        """Of few images fewer than 32: an epoch takes some sixteen steps or more, so that ten
        epochs teach something.
        """
        return min(32, max(4, 2 ** round(math.log2(len(self.train) / 16))))

    @property
    def n_samples(self) -> int:
        return len(self.train)

    @property
    def description(self) -> str:
        return f"{self.n_samples:,} images to learn from, {len(self.test):,} to be scored on, {len(self.train.class_names)} classes"

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
        last, loss = default_models.classification_head(len(self.train.class_names))
        return default_models.compile_model([*layers, *last], loss, ["accuracy"], settings)

    def _augmentation_layers(self) -> list[Layer]:
        """Grey images are not mirrored: they may be writing."""
        from glassnet.layers import RandomFlip, RandomTranslation

        mirrored: list[Layer] = [RandomFlip("horizontal")] if self.train.x.shape[-1] == 3 else []
        return [*mirrored, RandomTranslation(0.1, 0.1)]

    def model_inputs(self, model: Sequential) -> np.ndarray:
        return self.train.x

    def example(self, i: int) -> tuple[Any, Any]:
        return self.train.x[i : i + 1], self.train.y[i : i + 1]

    def target_text(self, i: int) -> str:
        return f"{self.train.files[i].name}, {self.train.class_names[self.train.y[i]]}"

    def prepare_model(self, model: Sequential, **fit_options: Any) -> None:
        """The classes are known, and the network is there."""

    def fit(self, model: Sequential, **fit_options: Any) -> History:
        return model.fit(self.train, validation_data=self.validation_data, **fit_options)

    def score(self, model: Sequential, seed: int) -> tuple[str, str, dict[str, Any]]:
        import numpy as np

        from glassnet.evaluation import scores

        train, test = self.train, self.test
        assert model.preprocessor is not None
        found = model.preprocessor.target.transform(model.predict_labels(test))
        x, x_test = downsample(train.x), downsample(test.x)
        if x.size <= MAX_LINEAR_INPUTS:
            report = scores.score_classifier(train.y, test.y, found, x, x_test, seed=seed)
        else:
            majority = np.full(len(test), np.bincount(train.y).argmax())
            report = scores.compare_scores(
                "accuracy", test.y, found, {"majority": majority}, seed=seed
            )
        skipped = [
            {"file": str(path), "reason": reason}
            for path, reason in (*train.skipped, *test.skipped)
        ]
        learned = {
            "classes": train.class_names,
            "size": train.x.shape[1:3],
            "channels": train.x.shape[3],
            "skipped": skipped,
        }
        learned["augmented"] = self.augment
        return str(report), report.headline(), {"score": report.to_dict(), "learned": learned}


def downsample(x: np.ndarray) -> np.ndarray:
    """Images as rows of numbers from 0 to 1, for a linear model: the means of squares that leave
    some 16 x 16 of them.
    """
    import numpy as np

    n, height, width, channels = x.shape
    step = max(1, -(-max(height, width) // COARSE_SIDE))
    high, wide = max(1, height // step), max(1, width // step)
    tall, broad = min(step, height), min(step, width)
    squares = np.asarray(x[:, : high * tall, : wide * broad]).reshape(
        n, high, tall, wide, broad, channels
    )
    return (squares.mean(axis=(2, 4), dtype=np.float32) / 255).reshape(n, -1)


def is_image_path(name: str) -> bool:
    """Whether a folder of images is meant, or one of them, rather than a data set of that name."""
    from glassnet.data.image_files import IMAGE_SUFFIXES
    from glassnet.datasets import names

    path = Path(name)
    return name not in names() and (
        path.is_dir() or name.endswith(("/", os.sep)) or path.suffix.lower() in IMAGE_SUFFIXES
    )


def require_no_image_options(name: str, size: tuple[int, int] | None, augment: bool | None) -> None:
    """Refuse `--size` and `--augment` for a name that is no folder of images.

    Raises:
        click.UsageError: one of them is set.
    """
    options = {"--size": size, "--augment": augment, "--no-augment": augment is False}
    for option, value in options.items():
        if value:
            raise click.UsageError(f"{option} is for a folder of images: {name} is none.")


def resolve_image_job(
    name: str, options: TrainOptions, seed: int, size: tuple[int, int] | None, augment: bool | None
) -> ImageJob:
    """The task that a folder of images stands for.

    Args:
        name: of the folder.
        options: for tables, of which there must be none.
        seed: draws the images that are held out, where there is no folder of them.
        size: (height, width), or None for what the files say.
        augment: whether images are changed by chance in training; None where it depends on how many
            there are.

    Raises:
        click.UsageError: options for tables.
        DataError: see `images_from_folder`.
    """
    import numpy as np

    from glassnet.data import image_files
    from glassnet.data.dataset import TEST_FRACTION
    from glassnet.preprocessing.images import images_from_folder

    if options.first_given():
        raise click.UsageError(
            f"{options.first_given()} is for tables: {name} is a folder of images."
        )
    home, test_home, validation_home = find_split_folders(Path(name))
    size = size or infer_image_size(image_files.list_image_files(home) if home.is_dir() else [])
    if test_home is None:
        train, test = cast(
            "tuple[Images, Images]", images_from_folder(home, size, TEST_FRACTION, seed=seed)
        )
    else:
        train = cast("Images", images_from_folder(home, size))
    alike: Any = partial(
        images_from_folder, size=size, class_names=train.class_names, channels=train.x.shape[3]
    )
    test = alike(test_home) if test_home else test
    validation = alike(validation_home) if validation_home else None
    said = [
        f"{path} is there to {use} on"
        for path, use in ((test_home, "score"), (validation_home, "validate"))
        if path
    ]
    counts = np.bincount([*train.y, *test.y])
    names = ", ".join(
        f"{label} {count:,}" for label, count in zip(train.class_names, counts, strict=True)
    )
    said += [
        f"{Path(name).name}: {names}; {size[0]}x{size[1]} pixels, {'grey' if train.x.shape[3] == 1 else 'coloured'}"
    ]
    few = len(train) < AUGMENT_BELOW
    augmented = few if augment is None else augment
    if augmented and augment is None:
        how = "shifted a little" if train.x.shape[3] == 1 else "mirrored and shifted a little"
        said += [
            f"few images: each is {how} by chance in training; --no-augment trains on them as they are"
        ]
    return ImageJob(Path(name).resolve().name, train, test, augmented, tuple(said), validation)


def find_split_folders(root: Path) -> tuple[Path, Path | None, Path | None]:
    """Where the images lie to learn from, to be scored on, and to validate on: one folder, or
    sub-folders that are named so.
    """
    homes = (
        {path.name.lower(): path for path in sorted(root.iterdir()) if path.is_dir()}
        if root.is_dir()
        else {}
    )
    learn, score, validate = (
        next((homes[name] for name in names if name in homes), None)
        for names in (TRAIN_FOLDERS, TEST_FOLDERS, VALIDATION_FOLDERS)
    )
    if learn is None or not homes.keys() <= {*TRAIN_FOLDERS, *TEST_FOLDERS, *VALIDATION_FOLDERS}:
        return root, None, None
    score, validate = (
        home if home and any(path.is_dir() for path in home.iterdir()) else None
        for home in (score, validate)
    )
    return (learn, score, validate) if score else (learn, validate, None)


def infer_image_size(files: Sequence[Path]) -> tuple[int, int]:
    """(height, width) of a usual one of the files, shrunk where its longer side is beyond
    `MAX_SIDE`.
    """
    import numpy as np
    from PIL import Image

    sizes = []
    for path in files[:: -(-len(files) // MAX_SAMPLED_FILES) or 1]:
        try:
            with Image.open(path) as image:
                upright = image.getexif().get(0x0112, 1) < 5
                sizes.append(image.size[::-1] if upright else image.size)
        except Exception:  # it is named when it is read
            continue
    height, width = np.median(sizes, axis=0) if sizes else (MAX_SIDE, MAX_SIDE)
    scale = min(1.0, MAX_SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def load_test_images(model: Sequential, folder: str) -> tuple[np.ndarray, np.ndarray]:
    """The images of a folder with a sub-folder for each class, as the network takes them, and their
    classes.

    Raises:
        click.UsageError: the network was fitted to something else.
        DataError: see `ImagePreprocessor.read_folder`.
    """
    from glassnet.preprocessing.images import ImagePreprocessor

    if not isinstance(model.preprocessor, ImagePreprocessor):
        raise click.UsageError(
            f"{folder} is a folder of images, and the model was not fitted to one."
        )
    return model.preprocessor.read_folder(folder).to_arrays()
