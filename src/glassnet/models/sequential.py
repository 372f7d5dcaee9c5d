"""Sequential: the model that users build, train, save and inspect."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Any

import numpy as np

from glassnet import fingerprinting
from glassnet.callbacks import Callback
from glassnet.callbacks.callback_list import CallbackList, normalize_callbacks
from glassnet.data import arrays
from glassnet.data.split import train_validation_split
from glassnet.data.table import is_table
from glassnet.engine import inference, network, objective, placement
from glassnet.engine.epoch_runner import RunState
from glassnet.engine.network import BuiltNetwork
from glassnet.engine.train_step import Program
from glassnet.errors import DataWarning, renamed_attributes, require, rollback_on_error
from glassnet.inspection.trace import Trace, record_trace
from glassnet.layers import functional
from glassnet.models import forecast
from glassnet.models.base import BaseModel
from glassnet.models.forecast import Forecast
from glassnet.pipeline import batches, datasets, encoding, memmap, sources, streams
from glassnet.preprocessing import tabular
from glassnet.preprocessing.base import TableRequest
from glassnet.storage import model_file
from glassnet.training.fit_data import BoundData, FitData, FitOptions
from glassnet.training.history import History
from glassnet.training.progress import Progress
from glassnet.training.resume import ResumableRun, describe_callback
from glassnet.training.trainer import Trainer
from glassnet.types import Params, State


@renamed_attributes(intake="preprocessor")
class Sequential(BaseModel):
    """A stack of layers with their weights.

    Args:
        layers: in the order in which they run. If the first is an `Input`, the shapes are
            known at once. Otherwise they come from the first data.
        seed: of the starting weights, the validation split, the order of rows and the noise. If
            None, a seed is drawn when it is needed.

    Raises:
        ConfigError: an entry is not a layer, a layer class lacks its dataclass decorator, or two
            layers share a name.

    Example:
        >>> from glassnet.layers import Dense, Input
        >>> hidden = [Dense(16, activation="relu"), Dense(16, activation="relu")]
        >>> model = Sequential([Input(784), *hidden, Dense(10)], seed=0)
        >>> model.count_params()
        13002

    Source: lecture 001, the 784-16-16-10 network.
    """

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | str = 32,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Callback | Sequence[Callback] | None = (),
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | str | None = None,
        sample_weight: Any = None,
        *,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        target: str | None = None,
        column_types: Mapping[str, str] | None = None,
        derive: Mapping[str, str] | None = None,
        target_transform: str | None = None,
        validation_from: str = "random",
        seed: int | None = None,
        observe: bool | None = None,
        resume: str | os.PathLike[str] | None = None,
        columns: None = None,
    ) -> History:
        """Train the model and return its history.

        A second fit continues where the first ended: fit(5), fit(5) equals fit(10), bit for bit.

        If no loss was named, it is inferred from the targets and the last layer
        (`objective.infer_loss`). The optimizer is then Adam. Both are printed.

        Training ends if a loss or weight is not finite. A `TrainingWarning` names the step and the
        link, and the model keeps the last weights with a finite loss. Ctrl-C ends training too,
        and the model keeps the weights of that moment.

        **Tables.** `target` names the column to predict. The other columns are encoded as numbers
        (`preprocessing.encoder`). The encoding is computed from the training rows. After that the
        model takes tables: `predict` accepts columns in any order, and `predict_labels` returns the
        labels of the table. Numeric targets are standardized inside. The loss, the metrics and
        `predict` use the original units.

        **Batches.** Pass data larger than memory in batches (x, y) or (x, y, weights): a list of
        batches, any iterable, an object with `__len__` and `__getitem__`, a PyTorch DataLoader, a
        tf.data.Dataset, a function that returns a new iterator for every epoch, or an iterator,
        which is not restarted. Batches are used in the order in which they come, so shuffle them
        there. A thread reads the next one. The first batch sets the batch size; later ones may be
        smaller. Batches may be dicts of columns, as in a Hugging Face dataset: `target` names one
        column, and the others are features. If the iterable ends too early, raises or returns
        something unusable, a `DataError` names the batch, and the model keeps what it has learned.
        A NumPy memory map as x is read in batches too. The result equals that of the same rows in
        memory.

        Args:
            x: rows (n, ...); (n,) counts as (n, 1). uint8 stays uint8 until it is used; all other
                types become float32. Or a table: a CSV, TSV, Parquet or Arrow file, or a pandas,
                polars or Arrow frame. Or batches. Or `data.Images`, or a series from `data.series`.
            y: targets (n,) or (n, ...); floats without a fraction may be labels. None if x holds
                the targets.
            batch_size: rows per step; "full" for all. Batches keep their size, except those of a
                Hugging Face dataset.
            epochs: passes over the rows, or over `steps_per_epoch` batches each.
            verbose: "auto" or 1 for a live line (without a terminal: about twenty plain lines), 2
                for a plain line per epoch, 0 for no output.
            callbacks: called after every epoch.
            validation_split: fraction of the rows to hold out. Every fit on the same rows holds out
                the same ones.
            validation_data: (x, y) or (x, y, weights), a table with its target, or batches, to
                validate on instead.
            shuffle: whether to shuffle the rows in every epoch. The order depends on the seed and
                the epoch. Batches keep their order.
            class_weight: {class: weight}, or "balanced", which does not work with batches.
            sample_weight: a weight per row, (n,).
            steps_per_epoch: number of batches in an epoch. The batches are repeated if needed, and
                the next epoch continues where the last one ended. None for one pass.
            validation_steps: number of batches of `validation_data` to validate on; None for all.
            target: the column to predict. Rows without a target are left out, and their number is
                printed.
            column_types: types of columns that are not to be inferred: {"cabin": "drop", "pclass":
                "category"}, or "number", "boolean", "date".
            derive: new columns from expressions: {"area": "GrLivArea + TotalBsmtSF"}
                (`preprocessing.expressions`).
            target_transform: "log" to train on the logarithm of the target. The loss is then that
                of the logarithms; the metrics use the original units.
            validation_from: "random" (stratified by class), or "end" for the last rows. A series
                always uses the end.
            seed: of the order and the noise; None for the model's seed. A model without a seed and
                without weights adopts it.
            observe: whether to record statistics inside steps (`history.observations`); None
                records them only in runs expected to take more than 5 s.
            resume: a folder for checkpoints. The newest two are kept: one after every epoch, and
                one every 30 seconds within long epochs. The same call continues from there, also in
                another process; a finished run is returned. A run that is killed at any moment ends
                with the same bits as one that is not, on the same machine with the same versions
                and number of CPUs (otherwise a `TrainingWarning`). `epochs` may be increased.
                Batches must be repeatable: not from an iterator, and each epoch must start with the
                same batch, or be a function of the epoch's number, `lambda epoch: ...`. A memory
                map is identified by the size and time of its file. For a callback, only the
                value that `update` returns is saved.
            columns: former name of `column_types`.

        Raises:
            DataError: rows or targets that cannot be used; the message names the place and a fix.
            ConfigError: an argument out of range; a last layer that does not fit the loss; a
                monitor that is not logged; a folder that another fit uses, or that holds a run with
                other data, layers or settings (the message names the difference).
            ModelFileError: the folder cannot be written or holds only damaged checkpoints, or
                something in the model cannot be saved.
        """
        require(columns is None, "fit", "column_types=, the new name of columns=", columns=columns)
        options = FitOptions(
            epochs=epochs,
            batch_size=batch_size,
            validation_split=validation_split,
            validation_from=validation_from,
            validation_data=validation_data,
            validation_steps=validation_steps,
            steps_per_epoch=steps_per_epoch,
            shuffle=shuffle,
            class_weight=class_weight,
            request=tabular.check_table_request(target, column_types, derive, target_transform),
            seed=seed,
            observe=observe,
            repeatable=resume is not None,
        )
        callbacks, progress = normalize_callbacks(callbacks), Progress(verbose, epochs)
        with rollback_on_error(self), ExitStack() as resources:
            run = None
            if resume is not None:
                run = resources.enter_context(closing(ResumableRun(resume, self.epoch)))
            order_seed = self._choose_seed(seed, run)
            first_epoch = run.first_epoch if run else self.epoch
            data = self._open_data(x, y, sample_weight, options, first_epoch, resources)
            program, bound = self._bind_data(data, options, order_seed, resources, progress)
            start, history, callback_list = self._start_run(
                run, program, data, bound, options, order_seed, callbacks, progress
            )
            self.history, self._last_run_id = history, run.info.id if run else None
            resources.pop_all()
        hooks = self._apply_record, self._set_learning_rate, self._export
        trainer = Trainer(program, callback_list, progress, *hooks, run, observe)
        end_epoch = first_epoch + epochs
        return trainer.fit(start, bound.source, bound.blocks, end_epoch=end_epoch, history=history)

    def _choose_seed(self, seed: int | None, run: ResumableRun | None) -> int:
        """Return the seed of order and noise. A model without a seed adopts one."""
        if self._network is None and self.seed is None:
            self.seed = int(seed) if seed is not None else run.seed if run else None
        if run:
            self._replace_drawn_seed(run.seed)
        model_seed = self._ensure_seed()
        return model_seed if seed is None else int(seed)

    def _open_data(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        options: FitOptions,
        first_epoch: int,
        resources: ExitStack,
    ) -> FitData:
        """Return the rows and targets, or the first batch; fit a preprocessor if x needs one."""
        request = options.request
        if batches.is_stream(x, y):
            has_options = request != TableRequest(request.target) or self._has_named_columns
            fraction, _, _ = options.split(0)
            streams.reject_array_arguments(y, sample_weight, fraction, has_options)
            stream = streams.BatchStream(
                x,
                options.steps_per_epoch,
                batch_size=options.batch_size,
                target=request.target,
                steps_argument="steps_per_epoch",
                vectorizer=self._text_vectorization,
                first_epoch=first_epoch,
                repeatable=options.repeatable,
            )
            reader = resources.enter_context(closing(streams.StreamReader(stream, first_epoch)))
            return FitData(*reader.peek(), reader=reader)
        if y is None and datasets.has_own_targets(x):
            return self._prepare_dataset(x, sample_weight, options)
        expected = "x to be a table, and no y, if a target or column options are named"
        require(request == TableRequest(), "fit", expected, x=type(x).__name__)
        x, y, _ = self._encode_xy(x, y)
        return FitData(x, y, sample_weight)

    def _prepare_dataset(self, x: Any, sample_weight: Any, options: FitOptions) -> FitData:
        """Fit the preprocessor of a dataset that holds its own targets, and transform the data."""
        expected = "arrays, since TextVectorization is the first layer"
        fix = 'Write fit(table["review"], table["label"]), for example.'
        is_text = self._text_vectorization is not None
        require(not is_text, "fit", expected, x=type(x).__name__, fix=fix)
        head = objective.head_spec(functional.unfold(self._layers))
        split = options.split(self._ensure_seed())
        prepared = datasets.prepare_dataset(
            x, self.preprocessor, options.request, head, self._loss, split
        )
        self.preprocessor = prepared.preprocessor
        return FitData(
            prepared.x,
            prepared.y,
            datasets.select_sample_weight(sample_weight, prepared.has_target),
            (prepared.train_index, prepared.validation_index),
            messages="\n".join(prepared.messages),
        )

    def _bind_data(
        self,
        data: FitData,
        options: FitOptions,
        order_seed: int,
        resources: ExitStack,
        progress: Progress,
    ) -> tuple[Program, BoundData]:
        """Build the network for the data, and encode the data for the network."""
        progress.log(data.messages)
        inputs, built, messages = self._build_for(data.x, data.y)
        progress.log(messages)
        program = self._make_program()
        bound = self._encode_data(data, inputs, program, built, options, order_seed)
        resources.enter_context(closing(bound.source))
        progress.log(self._adapt_layers(built, bound.train_x))
        return program, bound._replace(train_x=None)  # They are on the device now.

    def _encode_data(
        self,
        data: FitData,
        inputs: Any,
        program: Program,
        built: BuiltNetwork,
        options: FitOptions,
        order_seed: int,
    ) -> BoundData:
        """Encode, split and weight the data for a network and its objective."""
        size, loss = options.batch_size, program.loss
        validation = (
            self._encode_validation(options.validation_data),
            options.validation_steps,
            size,
            options.request.target,
            options.repeatable,
            loss,
            built,
            self._text_vectorization,
        )
        class_weight: Any = options.class_weight
        if self.preprocessor is not None:
            class_weight = self.preprocessor.target.class_weight_by_index(class_weight)
        if data.reader:
            stream = data.reader.make_source(loss, built, class_weight)
            return BoundData(stream, sources.validation_blocks(*validation), None)
        rows, labels = encoding.encode_examples(
            inputs, data.y, loss, built.shapes[-1], data.sample_weight
        )
        if data.indices is None:
            arrays.check_precision(x=data.x, y=data.y)
        encoding.check_unmasked(built.links, rows.x)
        split = options.split(self._ensure_seed())
        indices = data.indices or train_validation_split(len(rows.x), labels, *split)
        train_index, validation_index = indices
        if validation_index is None:
            blocks = sources.validation_blocks(*validation)
        else:
            n = len(validation_index)
            encoding.check_steps("validation_steps", options.validation_steps, n, size)
            blocks = sources.evaluation_blocks(rows.take(validation_index))
            rows = placement.take_rows(rows, train_index)
        rows = encoding.apply_class_weight(rows, loss, class_weight)
        steps, copy = options.steps_per_epoch, validation_index is None
        source = sources.make_source(
            rows, size, steps, seed=order_seed, shuffle=options.shuffle, copy=copy
        )
        return BoundData(source, blocks, rows.x)

    def _adapt_layers(self, built: BuiltNetwork, x: Any) -> str:
        """Let layers such as Normalization learn from the training rows; return messages."""
        previous = self._state
        self._state = inference.adapt_state(built.links, self._params, previous, x)
        return network.describe_adaptation(built.links, previous, self._state)

    def _start_run(
        self,
        run: ResumableRun | None,
        program: Program,
        data: FitData,
        bound: BoundData,
        options: FitOptions,
        order_seed: int,
        callbacks: Sequence[Callback],
        progress: Progress,
    ) -> tuple[RunState, History, CallbackList]:
        """Return where training starts, or continues if the folder of `run` holds a checkpoint."""
        start = RunState(self.epoch, self._make_train_state(program, order_seed))
        history, memories = History(order_seed, options.params(bound.source)), None
        if run:
            settings = self._describe_run(bound, options, order_seed, callbacks)
            run.attach(settings, self._fingerprint(), self._last_run_id)
            built, end_epoch = self._require_built("fit"), run.first_epoch + options.epochs
            start = run.restore(program, built, start, end_epoch)
            memories = run.load_memories(callbacks)
        names = program.log_names(include_validation=bound.blocks is not None)
        callback_list = CallbackList(callbacks, names, memories)
        if run and run.history:
            history = self._resume_from(run, start, history.params)
            progress.resume(start.epoch - run.first_epoch, run.describe_status(start))
            if data.reader:
                data.reader.seek(run.first_epoch, start.epoch, len(start.losses))
        if callback_list.saves_models:
            model_file.dump_spec(self._export()[0])
        return start, history, callback_list

    def _fingerprint(self) -> str:
        """Return the fingerprint of the weights and the learning rate."""
        trees = self._params, self._state, np.float32(self._rate)
        return fingerprinting.tree_fingerprint(trees)

    def _describe_run(
        self, data: BoundData, options: FitOptions, order_seed: int, callbacks: Sequence[Callback]
    ) -> dict[str, Any]:
        """Return everything that two runs must share for one to continue the other."""
        built = self._require_built("fit")
        return {
            "layers": self._layers,
            "input": built.shapes[0],
            "loss": self._loss,
            "optimizer": self._optimizer,
            "metrics": self._metrics,
            "table": self.preprocessor,
            "batch_size": data.source.batch_size,
            "shuffle": options.shuffle,
            "seed": order_seed,
            "data": data.source.fingerprint(),
            "validation": sources.blocks_fingerprint(data.blocks),
            "callbacks": [describe_callback(callback) for callback in callbacks],
        }

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        return_dict: bool = False,
        *,
        steps: int | None = None,
        target: str | None = None,
    ) -> Any:
        """Return the loss over all rows, in inference mode; with metrics [loss, metric, ...].

        Args:
            x: rows, batches (see `fit`), or a table if the model was fitted to one.
            y: targets; None if x holds them.
            sample_weight: a weight per row, for the loss.
            return_dict: return {"loss": ..., "accuracy": ...} instead of a list.
            steps: number of batches to use; None for all.
            target: the column of targets, if batches are dicts of columns.

        Raises:
            DataError: see `fit`.
            NotReadyError: no weights or no loss yet.
        """
        program, built = self._make_program(), self._require_built("evaluate")
        network.require_learned(built.links, self._state)
        if batches.is_stream(x, y):
            streams.reject_array_arguments(y, sample_weight, 0.0, self._has_named_columns)
            blocks: Any = streams.make_stream_blocks(
                x, steps, program.loss, built, target=target, vectorizer=self._text_vectorization
            )
        else:
            is_valid, fix = steps is None and target is None, "All rows are used, once."
            expected = "steps=None and target=None with rows"
            require(is_valid, "evaluate", expected, steps=steps, target=target, fix=fix)
            x, y, has_target = self._encode_xy(x, y)
            if has_target is not None:
                n, n_missing = len(has_target), np.sum(~has_target)
                text = f"evaluate: left out {n_missing:,} of {n:,} rows without a target"
                warnings.warn(text, DataWarning, stacklevel=2)
            weight = datasets.select_sample_weight(sample_weight, has_target)
            inputs, outputs = self._encode_x(x), built.shapes[-1]
            rows, _ = encoding.encode_examples(inputs, y, program.loss, outputs, weight)
            blocks = inference.iter_padded_blocks(rows)
        logs = inference.evaluate_blocks(program, *self._weights_on_device(), blocks)
        return logs if return_dict else list(logs.values()) if len(logs) > 1 else logs["loss"]

    def predict(self, x: Any, *, steps: int | None = None) -> np.ndarray:
        """Return the outputs of the last layer: (n, ...) to (n, *output shape), float32.

        A model that was fitted to numeric targets of a table returns them in the original units.

        Args:
            x: rows, or a table if the model was fitted to one, with the columns that it uses in any
                order. Or batches: x, (x, y) or dicts of columns, all of which are features. A list
                of arrays counts as rows.
            steps: number of batches to use; None for all.

        Raises:
            DataError: rows that cannot be used.
            NotReadyError: a Normalization layer has not been adapted yet.
        """
        if batches.is_stream(x):
            with closing(streams.BatchStream(x, steps)) as stream:
                return stream.predict_batches(self.predict)
        fix = "All rows are used, once."
        require(steps is None, "predict", "steps=None with rows", steps=steps, fix=fix)
        rows = self._vectorize_text(datasets.transform(self.preprocessor, x))
        examples = self._encode_x(rows)
        built = self._build(examples.shape[1:])
        network.require_learned(built.links, self._state)
        links = built.links
        body, head = network.split_head(links, self._loss) if self._loss else (links, ())
        outputs = inference.predict(body, head, *self._weights_on_device(), examples)
        return self.preprocessor.inverse_transform(outputs, x) if self.preprocessor else outputs

    def predict_labels(self, x: Any) -> np.ndarray:
        """Return the class of every row.

        For K outputs it is the index of the largest, (n,). For a sigmoid it is 0 or 1, (n,), and
        for K sigmoids 0 or 1 for each, (n, K). A model that was fitted to a table returns the
        labels of the table.

        Raises:
            DataError, NotReadyError: see `predict`.
            ConfigError: the network outputs numbers, not classes.
        """
        outputs = self.predict(x)
        links = self._require_built("predict_labels").links
        labels = objective.to_class_labels(outputs, links, self._loss)
        return self.preprocessor.target.decode_labels(labels) if self.preprocessor else labels

    def forecast(self, steps: int | None = None, series: Any = None) -> Forecast:
        """Forecast the steps after the end of the series that the model was fitted to.

        The result holds the seasonal naive forecast too. Beyond the horizon, the model continues
        from its own forecasts.

        Args:
            steps: number of steps; None for the horizon.
            series: a newer series to continue, or the table that holds it; None for the series of
                the last fit.

        Raises:
            ConfigError: `steps` is not an int >= 1.
            NotReadyError: the model was not fitted to a series.
            DataError: the series is too short, or has another step.
        """
        return forecast.forecast_series(self.predict, self.preprocessor, steps, series)

    def trace(self, x: Any, y: Any = None, training: bool = False) -> Trace:
        """Record every number of one forward pass, backward pass and update. Nothing is changed.

        Args:
            x: a few rows, since every number is stored; or a table, if the model was fitted to one.
            y: targets; None for a table that holds them.
            training: whether to draw noise and use batch statistics, as a training step does.

        Raises:
            DataError, ConfigError: see `fit`. Without `compile`, the loss is inferred as in `fit`.

        Example:
            >>> import numpy as np
            >>> from glassnet.layers import Dense
            >>> model = Sequential([Dense(1, activation="sigmoid")], seed=0)
            >>> model.compile("sgd", "binary_crossentropy")
            >>> trace = model.trace([[2.0, 3.0]], [1])
            >>> bool(np.allclose(trace.links[-1].delta, trace.output - 1))
            True

        Source: lecture 003, backpropagation by hand.
        """
        with rollback_on_error(self):
            x, y, _ = self._encode_xy(x, y)
            x, built, _ = self._build_for(x, y)
            network.require_learned(built.links, self._state)
            program = self._make_program()
            data, _ = encoding.encode_examples(np.asarray(x), y, program.loss, built.shapes[-1])
        return record_trace(
            program,
            self._make_train_state(program, self._ensure_seed()),
            data,
            training,
            built.weight_paths,
            self.preprocessor,
        )

    @property
    def _has_named_columns(self) -> bool:
        """Whether the model was fitted to named columns."""
        return self.preprocessor is not None and bool(self.preprocessor.feature_names)

    def _encode_xy(self, x: Any, y: Any) -> tuple[Any, Any, np.ndarray | None]:
        """Return rows and targets as numbers, and which rows of a table have a target."""
        x, y, has_target = datasets.transform_xy(self.preprocessor, x, y)
        return self._vectorize_text(x), y, has_target

    def _encode_validation(self, data: Any) -> Any:
        """Return validation data as (x, y, ...) if they are rows; leave batches as they are."""
        has_targets = datasets.has_own_targets(data)
        is_tuple = isinstance(data, tuple | list) and len(data) in (2, 3)
        is_raw_table = self.preprocessor is None and is_table(data)
        if batches.is_stream(data) or not (has_targets or is_tuple) or is_raw_table:
            return data
        x, y, *weights = (data, None) if has_targets else (*data,)
        x, y, has_target = self._encode_xy(x, y)
        return x, y, *(datasets.select_sample_weight(weight, has_target) for weight in weights)

    def _vectorize_text(self, x: Any) -> Any:
        """Return strings as numbers, if the model starts with TextVectorization."""
        return self._text_vectorization(x) if self._text_vectorization else x

    def _encode_x(self, x: Any) -> Any:
        links = self._network.links if self._network else functional.unfold(self._layers)
        return memmap.as_features(x, self._example_shape, links=links)

    def _weights_on_device(self) -> tuple[tuple[Params, ...], tuple[State, ...]]:
        """Return params and state. They stay on the device, so that the next call is faster."""
        self._params, self._state = placement.to_device((self._params, self._state))
        return self._params, self._state

    def _build_for(self, x: Any, y: Any) -> tuple[Any, BuiltNetwork, str]:
        """Return the rows, the network built for them, and a message if a loss was inferred."""
        x = self._encode_x(x)
        arrays.check_consistent_length(x=x, y=y)
        built = self._build(x.shape[1:])
        if self.preprocessor is not None:
            head = objective.head_spec(built.links, built.shapes[-1])
            self.preprocessor.target.check_network(head, self._loss)
        if self._loss is not None:
            return x, built, ""
        targets, outputs = arrays.check_numeric(y, "y"), built.shapes[-1]
        loss, metrics, reason = objective.infer_loss(built.links, outputs, targets)
        metrics = self._metrics or metrics or (("mae",) if self.preprocessor else ())
        if self._optimizer is None:
            self.compile("adam", loss, metrics)
        self._loss, self._metrics = loss, metrics
        optimizer = type(self._optimizer).__name__
        message = f"loss: {loss.display_name}, as {reason}; optimizer: {optimizer}"
        return x, built, message
