"""Preparation of runs: encoded rows, networks and starting weights, each made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np

from glassnet.engine import network
from glassnet.engine.stacked_runs import NetworkRun
from glassnet.engine.train_step import Data, create_train_state
from glassnet.errors import DataError, collect_warnings, message
from glassnet.layers import Layer, Normalization, TextVectorization
from glassnet.layers.text import as_texts
from glassnet.models.sequential import Sequential
from glassnet.models.setup import Setup
from glassnet.pipeline.adapter import InputSpec, open_dataset
from glassnet.pipeline.options import FitOptions
from glassnet.pipeline.partitioned_adapter import PartitionedAdapter
from glassnet.pipeline.row_adapter import RowAdapter, SelectedRows
from glassnet.preprocessing.base import TableRequest
from glassnet.preprocessing.tabular import TabularPreprocessor, check_table_request
from glassnet.selection.runs import PreparedRun, Run
from glassnet.types import State

T = TypeVar("T")


class Facts(NamedTuple):
    """What a fit to all rows would know about the data."""

    setup: Setup
    data: Data
    has_target: np.ndarray | None
    messages: tuple[str, ...]


class RunPreparer:
    """Prepares the runs of an experiment; what several of them share is made once.

    Args:
        who: name of the public function, for errors.
        model: the model; its weights are not used.
        source: x, y and sample_weight.
        options: arguments of `fit`, with defaults.
    """

    def __init__(
        self, who: str, model: Sequential, source: tuple[Any, Any, Any], options: Mapping[str, Any]
    ) -> None:
        self._who, self._model, self._source, self._options = who, model, source, options
        settings, seed = model.get_settings(), options["seed"]
        self.settings = (settings if seed is None else replace(settings, seed=seed)).with_seed()
        assert self.settings.seed is not None
        self.seed = self.settings.seed
        self._cache: dict[Any, Any] = {}

    @property
    def x(self) -> Any:
        """The rows as they were passed, or as they were read by `read_facts`."""
        return self._source[0]

    def read_facts(self) -> Facts:
        """Read the data, and open them as a fit to all rows would.

        Raises:
            ConfigError, DataError: see `Sequential.fit`; batches instead of rows.
        """
        self._source = (self._make_adapter(self.settings).read(), *self._source[1:])
        adapter, spec, settings = self._open(self.settings, self._make_options(self.settings))
        setup, text = self._build(settings, spec)
        messages = *spec.messages, *([text] if text else [])
        return Facts(setup, self._encode(adapter, setup), adapter.has_target, messages)

    def prepare(self, run: Run, epochs: int) -> PreparedRun:
        """Return a run with its network, its starting weights and its encoded rows.

        Args:
            run: the run.
            epochs: number of epochs, unless the run has its own.

        Raises:
            ConfigError, DataError: see `Sequential.fit`.
        """
        self._cache["rows", id(run.train_rows)] = run.train_rows  # no other array gets this id
        settings, changes = self._apply_values(run)
        options = self._make_options(settings, run.train_rows, changes)
        with collect_warnings():  # those of all rows were issued before
            adapter, spec, settings = self._open(settings, options)
            setup, _ = self._build(settings, spec)
            selected = self._select(adapter, setup, options)
            setup = replace(setup, state=self._adapt(setup, selected))
        network_run = _make_network_run(setup, selected, options)
        own_epochs = changes.get("epochs", run.epochs)
        validation = selected.validation_index
        return PreparedRun(
            run=run,
            setup=setup,
            network_run=network_run,
            validation_rows=run.test_rows if validation is None else validation,
            epochs=epochs if own_epochs is None else int(own_epochs),
            start=network_run.start,
            x=self._source[0],
        )

    def _apply_values(self, run: Run) -> tuple[Setup, dict[str, Any]]:
        """Return the settings of a run, and the arguments of `fit` that it changes."""
        settings = self.settings if run.model is None else run.model.get_settings()
        settings = replace(settings, seed=run.seed, seed_was_drawn=False)
        if not run.values:
            return settings, {}
        from glassnet.selection import parameters

        model_values, changes, seed = parameters.split_values(run.values)
        settings = parameters.apply_values(settings, model_values)
        return settings if seed is None else replace(settings, seed=seed), changes

    def _make_options(
        self,
        settings: Setup,
        rows: np.ndarray | None = None,
        changes: Mapping[str, Any] | None = None,
    ) -> FitOptions:
        """Return the options of the fit that a run equals."""
        options = {**self._options, **(changes or {})}
        table_options = ("target", "column_types", "derive", "target_transform")
        request = check_table_request(*(options[name] for name in table_options))
        fitted = self._model.preprocessor
        if request == TableRequest() and isinstance(fitted, TabularPreprocessor):
            request = fitted.request
        assert settings.seed is not None
        return FitOptions(
            epochs=1 if options["epochs"] is None else options["epochs"],
            batch_size=options["batch_size"],
            validation_split=options["validation_split"],
            validation_from=options["validation_from"],
            validation_data=None,
            validation_steps=None,
            steps_per_epoch=None,
            shuffle=options["shuffle"],
            class_weight=options["class_weight"],
            request=request,
            seed=None,
            observe=False,
            repeatable=False,
            split_seed=settings.seed,
            order_seed=settings.seed,
            rows=rows,
        )

    def _make_adapter(self, settings: Setup) -> RowAdapter:
        """Return the adapter of the data, not opened yet.

        Raises:
            DataError: the data are batches.
        """
        info = self._model.describe_setup(settings)
        adapter = open_dataset(*self._source, info, training=True)
        if isinstance(adapter, RowAdapter):
            return adapter
        adapter.close()
        kind, x = type(self._source[0]).__name__, "batches"
        fix = "Pass arrays, a table, images or a series, or read the batches into arrays first."
        if isinstance(adapter, PartitionedAdapter):
            x = "a table that is read in parts"
            fix = "Read a sample of its rows: polars.scan_parquet(path).head(100_000).collect()."
        expected = "rows, which can be divided into folds"
        raise DataError(message(self._who, expected, x=f"{x} ({kind})", fix=fix))

    def _open(self, settings: Setup, options: FitOptions) -> tuple[RowAdapter, InputSpec, Setup]:
        """Open the data; return the settings with layers that know the training rows alone."""
        settings = replace(settings, layers=self._relearn(settings.layers, options.rows))
        adapter, info = self._make_adapter(settings), self._model.describe_setup(settings)
        loss = settings.loss and (
            settings.loss.output_activation,
            settings.loss.depends_on_error_only,
        )
        key: tuple[Any, ...] = "open", info.links[:1], info.head, loss, info.vectorizer
        if adapter.learns_from_rows:
            key = (*key, *_rows_key(options))
        return *self._remember(key, lambda: (adapter, adapter.open(options))), settings

    def _build(self, settings: Setup, spec: InputSpec) -> tuple[Setup, str]:
        """Return the settings with a network and a loss, and a message; see `Setup.resolve`.

        Equal networks are built once.
        """
        key = "build", settings.layers, settings.seed, spec.example_shape
        if key in self._cache:
            built, params, state = self._cache[key]
            settings = replace(settings, network=built, params=params, state=state)
        setup, text = self._model.resolve_setup(settings, spec)
        self._cache[key] = setup.network, setup.params, setup.state
        return setup, text

    def _encode(self, adapter: RowAdapter, setup: Setup) -> Data:
        """Return all rows, encoded; those of equal encodings are the same arrays."""
        built, loss = setup.require_network(), setup.make_program().loss
        key = "encode", id(adapter), loss.output_activation, built.shapes[-1]
        return self._remember(key, lambda: adapter.encode(built, loss))

    def _select(self, adapter: RowAdapter, setup: Setup, options: FitOptions) -> SelectedRows:
        built, loss = setup.require_network(), setup.make_program().loss
        data = self._encode(adapter, setup)
        key = "select", id(data.y), repr(options.class_weight), *_rows_key(options)
        return self._remember(key, lambda: adapter.select(data, built.links, loss, options))

    def _adapt(self, setup: Setup, selected: SelectedRows) -> tuple[State, ...]:
        """Return the state, with statistics of the training rows of layers that learn them."""
        links = setup.require_network().links
        if not any(link.learns for _, link in network.iter_links(links)):
            return setup.state
        key = "adapt", id(links), id(selected.train_index)
        return self._remember(
            key, lambda: setup.adapt(selected.data.x[selected.train_index])[0].state
        )

    def _relearn(self, layers: tuple[Layer, ...], rows: np.ndarray | None) -> tuple[Layer, ...]:
        """Return the layers without statistics, and with a vocabulary of the training texts."""
        layers = tuple(map(_forget, layers))
        if not layers or not isinstance(layers[0], TextVectorization):
            return layers
        vectorizer = layers[0]
        if rows is None and vectorizer.vocabulary is not None:
            return layers
        key = "vocabulary", vectorizer, id(rows)
        texts = np.array(as_texts(self._source[0]), object)
        texts = texts if rows is None else texts[rows]
        return self._remember(key, lambda: _learn_vocabulary(vectorizer, texts)), *layers[1:]

    def _remember(self, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        """Return what was made for a key before, or make it."""
        if key not in self._cache:
            self._cache[key] = make()
        value: T = self._cache[key]
        return value


def _rows_key(options: FitOptions) -> tuple[Any, ...]:
    """Return what decides which rows a run trains on."""
    split = options.split
    seed = split.seed if split.fraction else None
    return id(options.rows), split.fraction, split.validation_from, seed


def _forget(layer: Layer) -> Layer:
    """Return a layer without the statistics that its `adapt` has learned."""
    changes: dict[str, Any] = {}
    for each in fields(layer):
        value = getattr(layer, each.name)
        if isinstance(layer, Normalization) and each.name == "learned_state":
            changes[each.name] = None
        elif isinstance(value, Layer):
            changes[each.name] = _forget(value)
        elif isinstance(value, tuple) and any(isinstance(part, Layer) for part in value):
            changes[each.name] = tuple(map(_forget, value))
    return replace(layer, **changes) if changes else layer


def _learn_vocabulary(vectorizer: TextVectorization, texts: np.ndarray) -> TextVectorization:
    """Return the layer with the vocabulary of some texts, of at most as many words as before."""
    limit = vectorizer.max_tokens
    if limit is None and vectorizer.vocabulary is not None:
        vectorizer = replace(vectorizer, max_tokens=len(vectorizer.get_vocabulary()))
    return replace(vectorizer.adapt(texts), max_tokens=limit)


def _make_network_run(setup: Setup, selected: SelectedRows, options: FitOptions) -> NetworkRun:
    program, n, size = setup.make_program(), len(selected.train_index), options.batch_size
    start = create_train_state(
        program, setup.params, setup.state, rate=setup.rate, seed=options.order_seed
    )
    return NetworkRun(
        program=program,
        start=start,
        data=selected.data,
        train_rows=selected.train_index,
        train_weight=selected.train_weight,
        batch_size=n if size == "full" else min(int(size), n),
        seed=options.order_seed,
        shuffle=options.shuffle,
    )
