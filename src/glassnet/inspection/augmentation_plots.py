"""Versions of one picture by the augmentation layers of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from glassnet.engine.compilation import compiled
from glassnet.engine.network import Links
from glassnet.engine.placement import to_device
from glassnet.errors import MAX_SEED, is_int, require
from glassnet.formatting import format_names, format_number
from glassnet.inspection.layer_maps import take_one_row
from glassnet.inspection.snapshot import InspectedModel, Snapshot
from glassnet.inspection.view import View, view_function
from glassnet.layers import GaussianNoise, RandomCrop, functional
from glassnet.layers.augmentation import RandomImageLayer
from glassnet.types import Array, Params, State

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_VERSIONS = 400


@dataclass(frozen=True, eq=False, repr=False)
class AugmentedImages(View):
    """One picture, and versions of it as training sees them.

    Attributes:
        original: the picture as the network sees it outside training, (height, width, channels) or
            (height, width).
        images: versions of it, (n, height, width, channels) or (n, height, width).
        layers: what each augmentation layer does, by layer name.
    """

    original: np.ndarray
    images: np.ndarray
    layers: dict[str, str]

    @property
    def differences(self) -> np.ndarray:
        """Mean absolute difference of each version from the original, (n,)."""
        sizes = np.abs(self.images - self.original)
        differences: np.ndarray = sizes.reshape(len(sizes), -1).mean(1)
        return differences

    @property
    def title(self) -> str:
        """Number of versions, and how many of them equal the original."""
        n_same = int((self.differences == 0).sum())
        names = format_names(list(self.layers))
        same = f", {n_same} as the original" if n_same else ""
        return f"{len(self.images)} versions of one picture by {names}{same}"

    def __str__(self) -> str:
        lines = [f"{name}: {text}" for name, text in self.layers.items()]
        mean = format_number(self.differences.mean(), 3)
        return "\n".join([self.title, *lines, f"mean difference of a pixel: {mean}"])

    def plot(self) -> Figure:
        """Draw the original first, then the versions."""
        from glassnet.plots import images

        pictures = [self.original, *self.images]
        labels = ["original", *[""] * len(self.images)]
        return images.plot_images(pictures, labels, self.title)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row per version: its mean pixel and its difference."""
        import pandas as pd

        means = self.images.reshape(len(self.images), -1).mean(1)
        return pd.DataFrame({"mean": means, "difference": self.differences})


@view_function
def augmented(model: InspectedModel, image: Any, n: int = 16, *, seed: int = 0) -> AugmentedImages:
    """Draw what the augmentation layers of a model make of one picture.

    The links up to the last augmentation layer run as in training, once for each version. Other
    layers among them, such as Rescaling, run too.

    Args:
        model: a model with layers such as RandomFlip before its first weights; trained or not.
        image: one image: (height, width), (height, width, channels) or a file. Of several, the
            first is used.
        n: number of versions.
        seed: of the random changes.

    Returns:
        The original and the versions.

    Raises:
        ConfigError: the model has no augmentation layer.
        DataError: see `fit`.

    Example:
        >>> from glassnet import Sequential
        >>> from glassnet.layers import Flatten, Input, RandomFlip
        >>> model = Sequential([Input((1, 2, 1)), RandomFlip("horizontal"), Flatten()], seed=0)
        >>> versions = augmented(model, [[0.0, 1.0]], n=9)
        >>> sorted({tuple(version.ravel().tolist()) for version in versions.images})
        [(0.0, 1.0), (1.0, 0.0)]

    Source: lecture 000, augmentation.
    """
    require(
        is_int(n, 1, MAX_VERSIONS), "augmented", f"n to be an int from 1 to {MAX_VERSIONS}", n=n
    )
    require(is_int(seed, 0, MAX_SEED), "augmented", "seed to be an int >= 0", seed=seed)
    snapshot = take_one_row(model, image)
    links = _find_augmentation(snapshot)
    params, state = snapshot.params[: len(links)], snapshot.state[: len(links)]
    x = to_device(np.repeat(np.asarray(snapshot.x), n, axis=0))
    key = jax.random.key(np.random.default_rng(seed).integers(2**31))
    images, original = (
        np.asarray(_run(links, train, params, state, x, key)) for train in (True, False)
    )
    if images.shape[-1] == 1:
        images, original = images[..., 0], original[..., 0]
    changes = {
        str(link.name): link.formula().removesuffix(", in training only")
        for link in links
        if _is_augmentation(link)
    }
    return AugmentedImages(original[0], images, changes)


@compiled(0, 1)
def _run(
    links: Links,
    train: bool,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    x: Array,
    key: Array,
) -> Array:
    return functional.run(links, params, state, x, key=key, train=train)[0]


def _is_augmentation(link: Any) -> bool:
    return isinstance(link, RandomImageLayer | RandomCrop | GaussianNoise)


def _find_augmentation(snapshot: Snapshot) -> Links:
    """Return the links up to the last augmentation layer before the first weights.

    Raises:
        ConfigError: there is none.
    """
    weighted = [path[0] for kind, path, _ in snapshot.network.weight_paths if kind == "params"]
    before = snapshot.links[: min(weighted, default=len(snapshot.links))]
    last = max((i for i, link in enumerate(before) if _is_augmentation(link)), default=-1)
    expected = "a model with layers that change images at random, before its first weights"
    fix = 'Add one, such as RandomFlip("horizontal") or RandomRotation(0.1), at the beginning.'
    kinds = [type(layer).__name__ for layer in snapshot.network.layers]
    require(last >= 0, "augmented", expected, layers=kinds, fix=fix)
    return before[: last + 1]
