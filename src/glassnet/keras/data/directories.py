"""Files in folders, one folder per class: their paths, labels and parts, as in Keras."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from glassnet.errors import DataError, require, wrap_errors
from glassnet.keras.data.dataset import Dataset
from glassnet.keras.data.elements import TensorSpec

LABEL_MODES = ("int", "categorical", "binary", None)
SUBSETS = ("training", "validation", "both", None)


class LabeledFiles(NamedTuple):
    """Files and their classes.

    Attributes:
        paths: the paths.
        labels: the index of each file's class; None without labels.
        class_names: the names of the classes; None without labels.
    """

    paths: list[str]
    labels: np.ndarray | None
    class_names: list[str] | None

    def select(self, rows: np.ndarray) -> LabeledFiles:
        """Return the files of these indices."""
        labels = None if self.labels is None else self.labels[rows]
        return LabeledFiles([self.paths[i] for i in rows], labels, self.class_names)


@dataclass(frozen=True)
class DirectoryOptions:
    """Options that image_dataset_from_directory and text_dataset_from_directory share.

    Args:
        who: the function, for error messages.
        labels: "inferred" from the folders, None, or the labels of all files in order of path.
        label_mode: "int", "categorical", "binary", or None for no labels.
        class_names: the folders to read, in the order of their labels.
        shuffle: whether the files are shuffled.
        seed: the seed of the order.
        validation_split: the share of the files for validation.
        subset: "training", "validation" or "both".
        follow_links: whether links to folders are followed.
        verbose: whether the numbers of files are printed.
    """

    who: str
    labels: Any
    label_mode: str | None
    class_names: Sequence[str] | None
    shuffle: bool
    seed: int | None
    validation_split: float | None
    subset: str | None
    follow_links: bool
    verbose: bool

    def __post_init__(self) -> None:
        is_list = isinstance(self.labels, list | tuple | np.ndarray)
        is_known = is_list or self.labels is None or self.labels == "inferred"
        expected = 'labels to be "inferred", None, or a label for each file'
        require(is_known, self.who, expected, labels=self.labels)
        for name, choices in (("label_mode", LABEL_MODES), ("subset", SUBSETS)):
            value = getattr(self, name)
            expected = f"{name} to be one of {', '.join(map(repr, choices))}"
            require(value in choices, self.who, expected, **{name: value})
        split = self.validation_split
        fits = not split or (isinstance(split, float) and 0 < split < 1)
        expected = "validation_split to be a float between 0 and 1"
        require(fits, self.who, expected, validation_split=split)
        together = bool(split) == bool(self.subset)
        expected = "validation_split and subset together"
        require(together, self.who, expected, validation_split=split, subset=self.subset)
        require(
            not split or not self.shuffle or self.seed is not None,
            self.who,
            "a seed, so that both subsets come from the same order",
            seed=self.seed,
            fix="For example seed=123, the same in both calls.",
        )

    def make_datasets(
        self,
        directory: Any,
        suffixes: tuple[str, ...],
        batch_size: int | None,
        load: Callable[[str], Any],
        spec: TensorSpec,
    ) -> Dataset | list[Dataset]:
        """Return the dataset of the subset; for "both", one for training, one for validation.

        Args:
            directory: the folder.
            suffixes: the ends of the names of the files that are read.
            batch_size: number of files per batch; None for no batches.
            load: returns the contents of a path as an array or as bytes.
            spec: the shape and dtype of the contents of a file.
        """
        drawn = int(np.random.randint(10**6))  # noqa: NPY002, as Keras does
        seed = drawn if self.seed is None else self.seed
        files = self._find(directory, suffixes, seed)

        def make(subset: str | None) -> Dataset:
            part = self._select_subset(files, subset)
            expected = f"files that end in {', '.join(suffixes)}"
            require(part.paths, self.who, expected, error=DataError, folder=str(directory), n=0)
            is_shuffled = self.shuffle and (subset == "training" or self.subset != "both")
            buffer_size = 8 * batch_size if batch_size else 1024
            labels = _encode_labels(part, self.label_mode)
            order = Dataset.range(len(part.paths))
            order = order.shuffle(buffer_size, seed) if is_shuffled else order
            dataset = _read_files(order, part.paths, labels, load, spec)
            dataset = dataset.batch(batch_size) if batch_size else dataset
            dataset.class_names, dataset.file_paths = part.class_names, part.paths
            return dataset

        return (
            [make("training"), make("validation")] if self.subset == "both" else make(self.subset)
        )

    def _find(self, directory: Any, suffixes: tuple[str, ...], seed: int) -> LabeledFiles:
        """Return the files in the order of the seed, or of their paths."""
        with wrap_errors(self.who, "a folder that can be read", directory=directory):
            names = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
        has_labels = self.labels is not None and self.label_mode is not None
        if has_labels and isinstance(self.labels, str):
            class_names = self._choose_classes([name for name in names if name[0] != "."])
            folders = [os.path.join(directory, name) for name in class_names]
            by_class = [_list_paths(folder, suffixes, self.follow_links) for folder in folders]
            paths = [path for paths in by_class for path in paths]
            labels = np.repeat(np.arange(len(by_class), dtype=np.int32), list(map(len, by_class)))
            files = LabeledFiles(paths, labels, class_names)
        else:
            expected = 'class_names=None without labels="inferred"'
            require(self.class_names is None, self.who, expected, class_names=self.class_names)
            paths = _list_paths(os.fspath(directory), suffixes, self.follow_links)
            files = self._label(paths) if has_labels else LabeledFiles(paths, None, None)
        n = "" if not has_labels else f" belonging to {len(files.class_names or ())} classes"
        if self.verbose:
            print(f"Found {len(paths)} files{n}.")
        order = np.arange(len(paths))
        if self.shuffle:
            np.random.RandomState(seed).shuffle(order)
        return files.select(order)

    def _choose_classes(self, folders: list[str]) -> list[str]:
        chosen = folders if self.class_names is None else list(self.class_names)
        unknown = sorted(set(chosen) - set(folders))
        expected = f"class_names of folders: {', '.join(folders)}"
        require(not unknown, self.who, expected, error=DataError, unknown=unknown)
        fits = self.label_mode != "binary" or len(chosen) == 2
        expected = 'two classes with label_mode="binary"'
        require(fits, self.who, expected, error=DataError, class_names=chosen)
        return chosen

    def _label(self, paths: list[str]) -> LabeledFiles:
        """Return the files with the labels that the user passed."""
        labels = np.asarray(self.labels)
        fits = labels.shape == (len(paths),) and labels.dtype.kind in "biu"
        expected = f"an integer label for each of {len(paths)} files"
        require(fits, self.who, expected, error=DataError, shape=labels.shape)
        class_names = [str(label) for label in sorted(set(labels.tolist()))]
        return LabeledFiles(paths, labels.astype(np.int32), class_names)

    def _select_subset(self, files: LabeledFiles, subset: str | None) -> LabeledFiles:
        n = len(files.paths)
        if not self.validation_split:
            return files
        n_validation = int(self.validation_split * n)
        is_training = subset == "training"
        n_used = n - n_validation if is_training else n_validation
        if self.verbose:
            print(f"Using {n_used} files for {subset}.")
        return files.select(
            np.arange(n)[: n - n_validation] if is_training else np.arange(n)[n - n_validation :]
        )


def _list_paths(folder: str, suffixes: tuple[str, ...], follow_links: bool) -> list[str]:
    """Return the files in a folder and its subfolders, sorted by folder, then by name."""
    return [
        os.path.join(root, name)
        for root, _, names in sorted(os.walk(folder, followlinks=follow_links))
        for name in sorted(names)
        if name.lower().endswith(suffixes)
    ]


def _encode_labels(files: LabeledFiles, label_mode: str | None) -> np.ndarray | None:
    """Return the labels as the label mode requires, or None without labels."""
    if files.labels is None:
        return None
    if label_mode == "binary":
        return files.labels[:, None].astype(np.float32)
    if label_mode == "categorical":
        n_classes = len(files.class_names or ())
        one_hot = files.labels[:, None] == np.arange(n_classes)
        return np.asarray(one_hot, np.float32)
    return files.labels


def _read_files(
    order: Dataset,
    paths: list[str],
    labels: np.ndarray | None,
    load: Callable[[str], Any],
    spec: TensorSpec,
) -> Dataset:
    """Return the dataset of the contents of files, with their labels, in the order of indices."""

    def with_label(contents: Any, i: int) -> Any:
        return contents if labels is None else (contents, labels[i])

    def start() -> Iterator[Any]:
        indices = map(int, order.as_numpy_iterator())
        return _load_ahead(indices, lambda i: with_label(load(paths[i]), i))

    def element_spec() -> Any:
        return spec if labels is None else (spec, TensorSpec(labels.shape[1:], labels.dtype))

    return Dataset(start, len(paths), element_spec, lambda: with_label(load(paths[0]), 0))


def _load_ahead(indices: Iterator[int], load: Callable[[int], Any]) -> Iterator[Any]:
    """Yield the element of each index, in order; threads read the next ones."""
    n_threads = min(8, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(n_threads)
    pending: deque[Future[Any]] = deque()
    try:
        for i in indices:
            pending.append(pool.submit(load, i))
            if len(pending) > 2 * n_threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
