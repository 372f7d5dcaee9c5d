"""A dataset with the names and the behavior of `tf.data.Dataset`, on NumPy arrays."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from glassnet.errors import DataError, MissingError, is_int, message, require
from glassnet.keras.data.elements import (
    TensorSpec,
    as_tuples,
    cast,
    copy_arrays,
    describe,
    describe_like,
    list_arrays,
    map_structure,
    pad_and_stack,
    stack,
    to_element,
    to_numpy,
    to_tensors,
    unstack,
)
from glassnet.keras.data.passes import (
    iter_windows,
    remember,
    repeat_passes,
    rng_per_pass,
    sample_elements,
    shuffle_elements,
    split_into_chunks,
)
from glassnet.keras.data.row_streams import (
    Indices,
    RowStream,
    drop,
    limit,
    rows_of,
    select_every,
    shuffle,
    zip_streams,
)
from glassnet.keras.tensors import as_tensor

AUTOTUNE = -1
"""Value of `num_parallel_calls` and `buffer_size` that leaves the choice to the library."""

INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2

FILES_HINT = "Write keras.utils.image_dataset_from_directory, or from_tensor_slices of arrays."
MISSING_HINTS = {
    "class_names": "Read it from the dataset that image_dataset_from_directory returned, "
    "before map, cache or shuffle.",
    "file_paths": "Read it from the dataset that image_dataset_from_directory returned, "
    "before map, cache or shuffle.",
    "interleave": "Write flat_map.",
    "list_files": FILES_HINT,
    "load": "Write numpy.load and from_tensor_slices.",
    "save": "Write numpy.savez with the arrays.",
    "bucket_by_sequence_length": "Write padded_batch.",
    "rejection_resample": "Write sample_from_datasets with weights.",
    "with_options": "Leave it out: there are no options.",
    "options": "Leave it out: there are no options.",
}
"""What to write instead of a method of `tf.data.Dataset` that is missing."""


class Dataset:
    """Elements that are read when they are needed, and again in every pass.

    An element is an array, or a tuple or dict of arrays. An array has the method `numpy`, which
    returns it as a plain array. Texts are bytes: `text.numpy().decode()`.

    Make one with `from_tensor_slices`, `from_tensors`, `from_generator`, `range` or `zip`; every
    other method returns a new dataset. `fit`, `evaluate`, `predict` and `adapt` accept a dataset of
    batches. While a dataset of arrays is only selected, shuffled, repeated and batched, the rows of
    a batch are read together. A function in `map` before `batch` is called for each row, in Python.

    Example:
        >>> x, y = np.arange(6.0).reshape(3, 2), [0, 1, 0]
        >>> dataset = Dataset.from_tensor_slices((x, y)).map(lambda x, y: (x / 10, y)).batch(2)
        >>> for rows, labels in dataset:
        ...     print(rows.numpy().tolist(), labels.numpy().tolist())
        [[0.0, 0.1], [0.2, 0.3]] [0, 1]
        [[0.4, 0.5]] [0]
    """

    class_names: list[str] | None
    file_paths: list[str]

    def __init__(
        self,
        start: Callable[[], Iterator[Any]],
        cardinality: int,
        spec: Callable[[], Any],
        example: Callable[[], Any],
        *,
        rows: RowStream | None = None,
        max_batch_size: int | None = None,
    ):
        """Make a dataset of a source of elements.

        Args:
            start: returns the elements of a new pass.
            cardinality: number of elements, or one of the constants of this module.
            spec: returns the shapes and dtypes of an element.
            example: returns an element without starting a pass.
            rows: the same elements, as rows that can be read together.
            max_batch_size: the largest number of rows of an element, if it is a batch.
        """
        self._start, self._cardinality = start, cardinality
        self._spec, self._example, self._rows = spec, example, rows
        self.max_batch_size = max_batch_size

    @classmethod
    def from_rows(
        cls, rows: RowStream, n: int, spec: Callable[[], Any], first: np.ndarray | None = None
    ) -> Dataset:
        """Return a dataset of rows; `first` is the index of the example."""
        index = np.zeros((1, rows.columns), int) if first is None else first
        return cls(
            rows.iter_elements, n, spec, lambda: next(unstack(rows.gather(index))), rows=rows
        )

    @staticmethod
    def from_tensor_slices(tensors: Any, name: str | None = None) -> Dataset:
        """Return the dataset of the rows of arrays.

        Args:
            tensors: an array or a list, or a tuple or dict of them with as many rows.
            name: ignored.

        Raises:
            DataError: there are no rows, or different numbers of them.

        Example:
            >>> list(Dataset.from_tensor_slices([1, 2]).as_numpy_iterator())
            [np.int32(1), np.int32(2)]
        """
        arrays = to_element(tensors)
        shapes = [array.shape for array in list_arrays(arrays)]
        same = shapes and all(shapes) and len({shape[0] for shape in shapes}) == 1
        expected = "arrays with as many rows"
        fix = "Write from_tensors for one element."
        require(same, "from_tensor_slices", expected, error=DataError, shapes=shapes, fix=fix)

        def spec() -> Any:
            return map_structure(lambda array: TensorSpec(array.shape[1:], array.dtype), arrays)

        return Dataset.from_rows(rows_of(arrays), shapes[0][0], spec)

    @staticmethod
    def from_tensors(tensors: Any, name: str | None = None) -> Dataset:
        """Return the dataset with one element.

        Example:
            >>> len(Dataset.from_tensors([1, 2]))
            1
        """
        return Dataset._from_list([to_element(tensors)])

    @staticmethod
    def _from_list(elements: Sequence[Any]) -> Dataset:
        def example() -> Any:
            return elements[0]

        return Dataset(
            lambda: map(copy_arrays, elements),
            len(elements),
            lambda: describe(elements[0]),
            example,
        )

    @staticmethod
    def from_generator(
        generator: Callable[..., Iterable[Any]],
        output_types: Any = None,
        output_shapes: Any = None,
        args: tuple[Any, ...] | None = None,
        output_signature: Any = None,
        name: str | None = None,
    ) -> Dataset:
        """Return the dataset of the elements that a generator function yields.

        Args:
            generator: a function that returns a new iterable at every call.
            output_types: the dtypes of an element.
            output_shapes: ignored.
            args: arguments of the function.
            output_signature: the `TensorSpec` of each array of an element.
            name: ignored.

        Raises:
            ConfigError: the generator itself instead of the function.

        Example:
            >>> def squares():
            ...     for i in range(3):
            ...         yield i, i**2
            >>> signature = TensorSpec((), "int32"), TensorSpec((), "float32")
            >>> [y.numpy() for x, y in Dataset.from_generator(squares, output_signature=signature)]
            [np.float32(0.0), np.float32(1.0), np.float32(4.0)]
        """
        expected = "a function that returns an iterable, not a generator"
        received = type(generator).__name__
        require(callable(generator), "from_generator", expected, generator=received)
        signature = output_signature
        if signature is None and output_types is not None:
            signature = map_structure(
                lambda dtype: TensorSpec(None, dtype), as_tuples(output_types)
            )

        def start() -> Iterator[Any]:
            for value in generator(*(args or ())):
                element = copy_arrays(to_element(value))
                yield element if signature is None else cast(element, signature)

        def example() -> Any:
            return _first(start())

        has_shapes = output_signature is not None
        return Dataset(
            start,
            UNKNOWN_CARDINALITY,
            (lambda: output_signature) if has_shapes else lambda: describe(example()),
            example,
        )

    @staticmethod
    def range(*args: int, output_type: Any = np.int64, name: str | None = None) -> Dataset:
        """Return the dataset of the numbers of Python's `range`.

        Example:
            >>> list(Dataset.range(1, 7, 2).as_numpy_iterator())
            [np.int64(1), np.int64(3), np.int64(5)]
        """
        numbers, spec = range(*(int(number) for number in args)), TensorSpec((), output_type)
        numbers_of = RowStream(
            rows_of(numbers).start,
            lambda indices: (numbers.start + numbers.step * indices[:, 0]).astype(spec.dtype),
        )
        return Dataset.from_rows(numbers_of, len(numbers), lambda: spec)

    @staticmethod
    def zip(*args: Any, datasets: Any = None, name: str | None = None) -> Dataset:
        """Return the dataset of tuples with an element of each dataset.

        It ends with the shortest dataset.

        Args:
            args: the datasets, or one tuple or dict of them.
            datasets: the same by keyword.
            name: ignored.

        Example:
            >>> a, b = Dataset.range(2), Dataset.range(5, 9)
            >>> list(Dataset.zip(a, b).as_numpy_iterator())
            [(np.int64(0), np.int64(5)), (np.int64(1), np.int64(6))]
        """
        structure = args or datasets
        if len(args) == 1 and not isinstance(args[0], Dataset):
            structure = args[0]
        parts = list_arrays(structure)
        are_datasets = parts and all(isinstance(part, Dataset) for part in parts)
        types = [type(part).__name__ for part in parts]
        require(are_datasets, "Dataset.zip", "datasets", types=types)
        n = min((part._cardinality for part in parts), key=_cardinality_order)
        spec, example = _map_parts(structure, "_spec"), _map_parts(structure, "_example")
        streams = [part._rows for part in parts]
        if type(structure) is tuple and len(structure) == len(parts) and all(streams):
            stream = zip_streams(streams)
            return Dataset(stream.iter_elements, n, spec, example, rows=stream)

        def start() -> Iterator[Any]:
            for each in zip(*(part._start() for part in parts), strict=False):
                remaining = iter(each)
                yield map_structure(lambda _, elements=remaining: next(elements), structure)

        return Dataset(start, n, spec, example)

    @staticmethod
    def sample_from_datasets(
        datasets: Sequence[Dataset],
        weights: Any = None,
        seed: int | None = None,
        stop_on_empty_dataset: bool = False,
        rerandomize_each_iteration: bool | None = None,
    ) -> Dataset:
        """Return the dataset whose elements come from randomly chosen datasets.

        Args:
            datasets: datasets of elements of one structure.
            weights: the probability of each dataset, or None for equal ones.
            seed: the seed of the choices.
            stop_on_empty_dataset: whether to stop at the end of the first dataset, rather than of
                the last.
            rerandomize_each_iteration: whether every pass makes other choices.

        Raises:
            ConfigError: not as many weights as datasets, or negative ones.

        Example:
            >>> rare, common = Dataset.from_tensors(1).repeat(), Dataset.from_tensors(0).repeat()
            >>> mixed = Dataset.sample_from_datasets([rare, common], [0.5, 0.5], seed=0)
            >>> 30 < sum(int(element) for element in mixed.take(100)) < 70
            True
        """
        shares = np.ones(len(datasets)) if weights is None else np.asarray(weights, float)
        fits = shares.shape == (len(datasets),) and (shares >= 0).all() and shares.sum() > 0
        require(fits, "sample_from_datasets", "a weight >= 0 for each dataset", weights=weights)
        make_rng = rng_per_pass(seed, rerandomize_each_iteration or False)

        def start() -> Iterator[Any]:
            iterators = [dataset._start() for dataset in datasets]
            return sample_elements(iterators, shares, make_rng(), stop_on_empty_dataset)

        cardinalities = [dataset._cardinality for dataset in datasets]
        n = UNKNOWN_CARDINALITY
        if min(cardinalities) >= 0 and not stop_on_empty_dataset:
            n = sum(cardinalities)
        elif all(each == INFINITE_CARDINALITY for each in cardinalities):
            n = INFINITE_CARDINALITY
        return Dataset(start, n, datasets[0]._spec, datasets[0]._example)

    def __iter__(self) -> Iterator[Any]:
        return map(to_tensors, self._start())

    def as_numpy_iterator(self) -> Iterator[Any]:
        """Return an iterator of elements as plain arrays, numbers and bytes."""
        return map(to_numpy, self._start())

    def __len__(self) -> int:
        """Return the number of elements.

        Raises:
            TypeError: it is infinite or unknown.
        """
        if self._cardinality == INFINITE_CARDINALITY:
            raise TypeError("The dataset is infinite. Write take(n) for its first n elements.")
        if self._cardinality < 0:
            raise TypeError("The dataset length is unknown. Count its elements in a loop.")
        return self._cardinality

    def __bool__(self) -> bool:
        return True

    def cardinality(self) -> Any:
        """Return the number of elements; -1 if it is infinite, -2 if it is unknown."""
        return as_tensor(np.int64(self._cardinality))

    @property
    def element_spec(self) -> Any:
        """The shape and dtype of each array of an element; None for an axis that varies."""
        return self._spec()

    def __repr__(self) -> str:
        return f"<Dataset element_spec={self.element_spec}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        names = ", ".join(name for name in dir(Dataset) if not name.startswith("_"))
        fix = MISSING_HINTS.get(name, f"Available: {names}.")
        raise MissingError(message("Dataset", "an attribute that it has", name=name, fix=fix))

    def take(self, count: int, name: str | None = None) -> Dataset:
        """Return the first `count` elements; all if it is -1."""
        n = _to_int("take", "count", count, least=-1)
        if n < 0:
            return self._derive()
        known = self._cardinality != UNKNOWN_CARDINALITY
        is_longer = self._cardinality == INFINITE_CARDINALITY or self._cardinality > n
        n_elements = n if known and is_longer else self._cardinality
        return self._select(
            lambda indices: limit(indices, n),
            lambda elements: itertools.islice(elements, n),
            n_elements,
        )

    def skip(self, count: int, name: str | None = None) -> Dataset:
        """Return the elements after the first `count`; none if it is -1."""
        n = _to_int("skip", "count", count, least=-1)
        if n < 0:
            return self.take(0)
        n_elements = self._cardinality if self._cardinality < 0 else max(0, self._cardinality - n)
        return self._select(
            lambda indices: drop(indices, n),
            lambda elements: itertools.islice(elements, n, None),
            n_elements,
        )

    def shard(self, num_shards: int, index: int, name: str | None = None) -> Dataset:
        """Return every `num_shards`-th element from the element `index` on."""
        n = _to_int("shard", "num_shards", num_shards, least=1)
        first = _to_int("shard", "index", index, least=0)
        require(first < n, "shard", "an index below num_shards", index=first, num_shards=n)
        n_elements = self._cardinality
        if n_elements >= 0:
            n_elements = max(0, -(-(n_elements - first) // n))
        return self._select(
            lambda indices: select_every(indices, n, first),
            lambda elements: itertools.islice(elements, first, None, n),
            n_elements,
        )

    def shuffle(
        self,
        buffer_size: int,
        seed: int | None = None,
        reshuffle_each_iteration: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Return the elements in random order.

        Each element is drawn from a buffer, and the next one takes its place. Rows are in a
        completely random order only if the buffer is at least as large as the dataset.

        Args:
            buffer_size: number of elements to draw from.
            seed: the seed of the order. The orders differ from TensorFlow's.
            reshuffle_each_iteration: whether every pass has another order.
            name: ignored.

        Example:
            >>> numbers = Dataset.range(9).shuffle(9, seed=0)
            >>> sorted(int(number) for number in numbers) == list(range(9))
            True
        """
        size = _to_int("shuffle", "buffer_size", buffer_size, least=1)
        make_rng = rng_per_pass(seed, reshuffle_each_iteration is not False)
        return self._select(
            lambda indices: shuffle(indices, size, make_rng()),
            lambda elements: shuffle_elements(elements, size, make_rng()),
            self._cardinality,
        )

    def repeat(self, count: int | None = None, name: str | None = None) -> Dataset:
        """Return the elements `count` times one after another; without end if it is None or -1."""
        n = -1 if count is None else _to_int("repeat", "count", count, least=-1)
        n_elements = self._cardinality
        if n == 0:
            n_elements = 0
        elif n < 0:
            n_elements = INFINITE_CARDINALITY if n_elements else 0
        elif n_elements > 0:
            n_elements *= n
        rows = self._rows and replace(self._rows, start=repeat_passes(self._rows.start, n))
        return self._derive(repeat_passes(self._start, n), n_elements, rows)

    def cache(self, filename: str = "", name: str | None = None) -> Dataset:
        """Return the same elements, which are kept in memory after the first complete pass.

        Args:
            filename: ignored; nothing is written.
            name: ignored.
        """
        if self._rows:
            rows = replace(self._rows, start=remember(self._rows.start, lambda block: block))
            return self._derive(rows.iter_elements, self._cardinality, rows)
        return self._derive(remember(self._start, copy_arrays), self._cardinality)

    def prefetch(self, buffer_size: int, name: str | None = None) -> Dataset:
        """Return the same elements. `fit` reads them ahead in a thread in any case."""
        return self._derive()

    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Return the results of a function of each element.

        The function receives the parts of a tuple as separate arguments. It is called in every
        pass, and may call layers. It is Python: NumPy and `keras.ops` instead of TensorFlow's
        functions. After `batch` it is called for each batch, which is much faster.

        Args:
            map_func: the function.
            num_parallel_calls: ignored: one call follows another.
            deterministic: ignored.
            name: ignored.

        Example:
            >>> list(Dataset.range(3).map(lambda i: i * 2).as_numpy_iterator())
            [np.int64(0), np.int64(2), np.int64(4)]
        """

        def transform(element: Any) -> Any:
            return to_element(_call(map_func, element))

        def example() -> Any:
            return transform(self._example())

        return Dataset(
            lambda: map(transform, self._start()),
            self._cardinality,
            lambda: describe_like(example(), self._spec()),
            example,
            max_batch_size=self.max_batch_size,
        )

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """Return the elements for which a function returns True.

        Example:
            >>> list(Dataset.range(5).filter(lambda i: i % 2 == 1).as_numpy_iterator())
            [np.int64(1), np.int64(3)]
        """

        def start() -> Iterator[Any]:
            return (element for element in self._start() if bool(_call(predicate, element)))

        return self._derive(start, UNKNOWN_CARDINALITY)

    def batch(
        self,
        batch_size: int,
        drop_remainder: bool = False,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Return batches: elements stacked along a new first axis.

        Args:
            batch_size: number of elements per batch.
            drop_remainder: whether to leave out a smaller last batch.
            num_parallel_calls: ignored.
            deterministic: ignored.
            name: ignored.

        Raises:
            DataError: elements of a batch with different shapes.

        Example:
            >>> [batch.numpy().tolist() for batch in Dataset.range(5).batch(2)]
            [[0, 1], [2, 3], [4]]
        """
        size = _to_int("batch", "batch_size", batch_size, least=1)
        rows = self._rows

        def start() -> Iterator[Any]:
            return (
                rows.iter_batches(size)
                if rows
                else map(stack, split_into_chunks(self._start(), size))
            )

        return self._batched(start, size, drop_remainder, stack)

    def padded_batch(
        self,
        batch_size: int,
        padded_shapes: Any = None,
        padding_values: Any = None,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """Return batches of elements of different shapes, padded at their ends.

        Args:
            batch_size: number of elements per batch.
            padded_shapes: the shape of each array, with None or -1 for the largest of the batch.
            padding_values: the number to pad with; 0 and empty texts by default.
            drop_remainder: whether to leave out a smaller last batch.
            name: ignored.

        Raises:
            DataError: an array larger than its padded shape.

        Example:
            >>> rows = Dataset.from_generator(lambda: [[1], [2, 3]])
            >>> next(iter(rows.padded_batch(2))).numpy().tolist()
            [[1, 0], [2, 3]]
        """
        size = _to_int("padded_batch", "batch_size", batch_size, least=1)

        def combine(elements: Sequence[Any]) -> Any:
            return pad_and_stack(elements, padded_shapes, padding_values)

        def start() -> Iterator[Any]:
            return map(combine, split_into_chunks(self._start(), size))

        return self._batched(start, size, drop_remainder, combine)

    def unbatch(self, name: str | None = None) -> Dataset:
        """Return the rows of the elements, one by one."""

        def spec() -> Any:
            return map_structure(
                lambda part: TensorSpec(part.shape and part.shape[1:], part.dtype), self._spec()
            )

        return Dataset(
            lambda: itertools.chain.from_iterable(map(unstack, self._start())),
            self._cardinality
            if self._cardinality in (0, INFINITE_CARDINALITY)
            else UNKNOWN_CARDINALITY,
            spec,
            lambda: _first(unstack(self._example())),
        )

    def window(
        self,
        size: int,
        shift: int | None = None,
        stride: int = 1,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """Return windows: datasets of `size` elements each.

        Args:
            size: number of elements of a window.
            shift: number of elements between the starts of two windows; None for `size`.
            stride: number of elements between two elements of a window.
            drop_remainder: whether to leave out windows with fewer elements.
            name: ignored.

        Example:
            >>> windows = Dataset.range(4).window(3, shift=1, drop_remainder=True)
            >>> [rows.numpy().tolist() for rows in windows.flat_map(lambda each: each.batch(3))]
            [[0, 1, 2], [1, 2, 3]]
        """
        size = _to_int("window", "size", size, least=1)
        step = size if shift is None else _to_int("window", "shift", shift, least=1)
        every = _to_int("window", "stride", stride, least=1)
        span = (size - 1) * every + 1

        def start() -> Iterator[Any]:
            for elements in iter_windows(self._start(), span, step, drop_remainder):
                yield _to_datasets(elements[::every])

        n = self._cardinality
        if n >= 0:
            n = max(0, (n - span) // step + 1) if drop_remainder else -(-n // step)
        return Dataset(
            start,
            n,
            lambda: _to_datasets([self._example()]),
            lambda: _to_datasets([self._example()] * size),
        )

    def flat_map(self, map_func: Callable[..., Dataset], name: str | None = None) -> Dataset:
        """Return the elements of the datasets that a function returns for each element."""

        def example() -> Any:
            return _call(map_func, self._example())._example()

        def start() -> Iterator[Any]:
            for element in self._start():
                dataset = _call(map_func, element)
                is_dataset = isinstance(dataset, Dataset)
                require(
                    is_dataset, "flat_map", "a function that returns a Dataset", returned=dataset
                )
                yield from dataset._start()

        def spec() -> Any:
            return _call(map_func, self._example())._spec()

        n = (
            INFINITE_CARDINALITY
            if self._cardinality == INFINITE_CARDINALITY
            else UNKNOWN_CARDINALITY
        )
        return Dataset(start, n, spec, example)

    def concatenate(self, dataset: Dataset, name: str | None = None) -> Dataset:
        """Return the elements of this dataset, then those of another one."""
        parts = self, dataset
        n = sum(part._cardinality for part in parts)
        if INFINITE_CARDINALITY in (self._cardinality, dataset._cardinality):
            n = INFINITE_CARDINALITY
        elif UNKNOWN_CARDINALITY in (self._cardinality, dataset._cardinality):
            n = UNKNOWN_CARDINALITY
        result = self._derive(
            lambda: itertools.chain.from_iterable(part._start() for part in parts), n
        )
        sizes = [part.max_batch_size for part in parts if part.max_batch_size]
        result.max_batch_size = max(sizes, default=None)
        return result

    def enumerate(self, start: int = 0, name: str | None = None) -> Dataset:
        """Return tuples (number, element), counted from `start`."""
        return Dataset.zip(Dataset.range(int(start), 2**62), self)

    def reduce(
        self, initial_state: Any, reduce_func: Callable[[Any, Any], Any], name: str | None = None
    ) -> Any:
        """Return the last result of a function of (its previous result, an element).

        Example:
            >>> int(Dataset.range(5).reduce(0, lambda total, number: total + number))
            10
        """
        state = to_tensors(to_element(initial_state))
        for element in self:
            state = to_tensors(to_element(reduce_func(state, element)))
        return state

    def apply(self, transformation_func: Callable[[Dataset], Dataset]) -> Dataset:
        """Return `transformation_func(self)`."""
        return transformation_func(self)

    def _derive(
        self,
        start: Callable[[], Iterator[Any]] | None = None,
        cardinality: int | None = None,
        rows: RowStream | None = None,
    ) -> Dataset:
        """Return a dataset of elements of the same form; of the same elements without arguments."""
        return Dataset(
            start or self._start,
            self._cardinality if cardinality is None else cardinality,
            self._spec,
            self._example,
            rows=rows if start else self._rows,
            max_batch_size=self.max_batch_size,
        )

    def _select(
        self,
        on_indices: Callable[[Indices], Indices],
        on_elements: Callable[[Iterator[Any]], Iterator[Any]],
        cardinality: int,
    ) -> Dataset:
        """Return a selection of elements, or another order of them."""
        if self._rows:
            rows = self._rows.transform(on_indices)
            return self._derive(rows.iter_elements, cardinality, rows)
        return self._derive(lambda: on_elements(self._start()), cardinality)

    def _batched(
        self,
        start: Callable[[], Iterator[Any]],
        size: int,
        drop_remainder: bool,
        combine: Callable[[Sequence[Any]], Any],
    ) -> Dataset:
        def start_whole() -> Iterator[Any]:
            return (batch for batch in start() if len(list_arrays(batch)[0]) == size)

        def spec() -> Any:
            first = size if drop_remainder else None
            return map_structure(
                lambda part: TensorSpec((first, *(part.shape or ())), part.dtype), self._spec()
            )

        n = self._cardinality
        if n >= 0:
            n = n // size if drop_remainder else -(-n // size)
        return Dataset(
            start_whole if drop_remainder else start,
            n,
            spec,
            lambda: combine([self._example()] * (size if drop_remainder else 1)),
            max_batch_size=size,
        )


def _call(function: Callable[..., Any], element: Any) -> Any:
    tensors = to_tensors(element)
    return function(*tensors) if isinstance(tensors, tuple) else function(tensors)


def _to_int(who: str, name: str, value: Any, *, least: int) -> int:
    number = value.item() if getattr(value, "shape", None) == () else value
    require(is_int(number, least=least), who, f"{name} to be an int >= {least}", **{name: value})
    return int(number)


def _to_datasets(elements: Sequence[Any]) -> Any:
    """Return a dataset for each array of the elements."""
    return map_structure(lambda *parts: Dataset._from_list(parts), *elements)


def _cardinality_order(n: int) -> float:
    """Return the key that sorts unknown before finite before infinite cardinalities."""
    return np.inf if n == INFINITE_CARDINALITY else n


def _map_parts(structure: Any, name: str) -> Callable[[], Any]:
    return lambda: map_structure(lambda part: getattr(part, name)(), structure)


def _first(elements: Iterator[Any]) -> Any:
    element = next(elements, None)
    require(element is not None, "Dataset", "at least one element", error=DataError, n=0)
    return element
