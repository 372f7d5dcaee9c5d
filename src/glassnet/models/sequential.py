"""Sequential: the model that users build, train, save and inspect."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from copy import copy
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np

from glassnet.callbacks import Callback
from glassnet.callbacks.callback_list import CallbackList, normalize_callbacks
from glassnet.engine import inference, network, objective
from glassnet.engine.epoch_runner import RunState
from glassnet.engine.placement import ONE_DEVICE, Placement, find_placement, to_device
from glassnet.engine.step_padding import find_step_padding
from glassnet.errors import (
    DataError,
    NotReadyError,
    renamed_attributes,
    require,
    rollback_on_error,
)
from glassnet.formatting import merge_like_lines
from glassnet.inspection.overview import describe_views
from glassnet.inspection.snapshot import Snapshot
from glassnet.inspection.trace import Trace, record_trace
from glassnet.inspection.training_runs import RunSettings, TrainingRun
from glassnet.models import forecast
from glassnet.models.base import BaseModel
from glassnet.models.forecast import Forecast
from glassnet.models.setup import Setup, describe_run
from glassnet.models.snapshots import make_fit_options, make_snapshot, read_rows
from glassnet.models.training_rows import print_training_rows
from glassnet.pipeline.adapter import DataAdapter, TrainingData, open_dataset, warn_about_rows
from glassnet.pipeline.options import EvaluationOptions, FitOptions
from glassnet.preprocessing import tabular
from glassnet.storage import model_file
from glassnet.suggestions import suggest_names
from glassnet.training.agreement import begin_together
from glassnet.training.examination import FitFacts, diagnose_fit
from glassnet.training.history import History
from glassnet.training.progress import InferenceProgress, Progress
from glassnet.training.resume import ResumableRun
from glassnet.training.trainer import Trainer
from glassnet.types import Params, State


@renamed_attributes(intake="preprocessor")
@suggest_names
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
        target: str | int | None = None,
        column_types: Mapping[Any, str] | None = None,
        derive: Mapping[str, str] | None = None,
        target_transform: str | None = None,
        validation_from: str = "random",
        seed: int | None = None,
        observe: bool | None = None,
        resume: str | os.PathLike[str] | None = None,
        devices: int | str | None = None,
        columns: None = None,
    ) -> History:
        """Train the model and return its history.

        A second fit continues where the first ended: fit(5), fit(5) equals fit(10), bit for bit.

        If no loss was named, it is inferred from the targets and the last layer
        (`objective.infer_loss`). The optimizer is then Adam. Both are printed.

        Training ends if a loss or weight is not finite. A `TrainingWarning` names the step and the
        link, and the model keeps the last weights with a finite loss. Ctrl-C ends training too,
        and the model keeps the weights of that moment.

        At the end, `history.findings` says why the run fails, if it does, and what to do
        (`gn.doctor`). The first problem is printed.

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
        smaller. Batches may be dicts of columns, or pandas, polars or Arrow frames: `target` names
        one column, and the others are features. A model that was fitted to a table takes batches of
        that table, too. If the iterable ends too early, raises or returns something unusable, a
        `DataError` names the batch, and the model keeps what it has learned.
        A NumPy memory map as x is read in batches too. The result equals that of the same rows in
        memory.

        Args:
            x: rows (n, ...); (n,) counts as (n, 1). uint8 stays uint8 until it is used; all other
                types become float32. Or a table: a CSV, TSV, Parquet or Arrow file, or a pandas,
                polars or Arrow frame. Or a table that is read in parts: a folder or a pattern of
                Parquet or CSV files, a lazy frame, a data set. Or batches. Or `data.Images`, or a
                folder with a subfolder of images for each class, which are read in the size of the
                model's `Input`. Or a series from `data.series`.
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
            validation_data: data to validate on instead: (x, y) or (x, y, weights), or anything
                that holds its targets, as x can. Of batches, the first is checked before training.
            shuffle: whether to shuffle the rows in every epoch. The order depends on the seed and
                the epoch. Batches keep their order.
            class_weight: {class: weight}, or "balanced", which does not work with batches.
            sample_weight: a weight per row, (n,).
            steps_per_epoch: number of batches in an epoch. The batches are repeated if needed, and
                the next epoch continues where the last one ended. None for one pass.
            validation_steps: number of batches of `validation_data` to validate on; None for all.
            target: the column to predict; the number of a column without a name. Rows without a
                target are left out, and their number is printed.
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
            devices: the devices to train on: a number, "all" (every GPU of this computer, for
                example), or None for one. They share the rows of each batch. Batches, noise and
                statistics are those of one device, and each step is the same up to rounding. After
                `gn.distribute`, the number is per process, and None means all.
            columns: former name of `column_types`.

        Raises:
            DataError: rows or targets that cannot be used; the message names the place and a fix.
            ConfigError: an argument out of range; a last layer that does not fit the loss; another
                fit of the model that is running; a monitor that is not logged; a folder that
                another fit uses, or that holds a run with other data, layers or settings (the
                message names the difference).
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
            placement=find_placement(devices),
        )
        callbacks, progress = normalize_callbacks(callbacks), Progress(verbose, epochs)
        with self._fit_lock.fit():
            finish = self._train(x, y, sample_weight, options, callbacks, progress, resume)
        return finish()

    def _train(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        options: FitOptions,
        callbacks: Sequence[Callback],
        progress: Progress,
        resume: str | os.PathLike[str] | None,
    ) -> Callable[[], History]:
        """Train, and return a function that ends the fit and returns its history."""
        with rollback_on_error(self), ExitStack() as resources:
            run = None
            if resume is not None:
                run = resources.enter_context(closing(ResumableRun(resume, self.epoch)))
            setup, options = self._choose_seeds(options, run)
            info = self._describe(setup)
            setup, training = self._prepare(
                open_dataset(x, y, sample_weight, info, training=True),
                setup,
                options,
                resources,
                progress,
            )
            start, history, callback_list = self._start_run(
                run, setup, training, options, callbacks, progress
            )
            resources.pop_all()
        hooks = self._apply_record, self._set_learning_rate, self._export
        settings = run, options.observe, options.placement
        trainer = Trainer(setup.make_program(), callback_list, progress, *hooks, *settings)
        end = options.end_epoch
        last, best = trainer.fit(start, training.source, training.blocks, end, history)
        if last is not None:
            names = setup.preprocessor.feature_names if setup.preprocessor else ()
            diagnose_fit(
                FitFacts(
                    program=trainer.program,
                    start=start.gather(),
                    record=last,
                    history=history,
                    best=best,
                    validation_blocks=training.blocks,
                    epochs_planned=options.epochs,
                    feature_names=names,
                )
            )
        return partial(trainer.finish, start, last, history)

    def _choose_seeds(
        self, options: FitOptions, run: ResumableRun | None
    ) -> tuple[Setup, FitOptions]:
        """Return the setup and the options with all seeds. A model without a seed adopts one."""
        setup, seed, first_epoch = self._get_setup(), options.seed, self.epoch
        if setup.network is None and setup.seed is None:
            setup = replace(setup, seed=run.seed if run and seed is None else seed)
        if run:
            first_epoch = run.first_epoch
            if run.seed is not None and not self.epoch:
                setup = setup.with_resumed_seed(run.seed)
        setup = setup.with_seed(options.placement)
        assert setup.seed is not None
        order_seed = setup.seed if seed is None else int(seed)
        return setup, replace(
            options, split_seed=setup.seed, order_seed=order_seed, first_epoch=first_epoch
        )

    def _prepare(
        self,
        data: DataAdapter,
        setup: Setup,
        options: FitOptions,
        resources: ExitStack,
        progress: Progress,
    ) -> tuple[Setup, TrainingData]:
        """Return the setup for the data, and the data encoded for the setup."""
        resources.enter_context(closing(data))
        spec = data.open(options)
        progress.log("\n".join(merge_like_lines(spec.messages)))
        setup, message = self._resolve(setup, spec)
        progress.log(message)
        training = data.bind(setup.require_network(), setup.make_program().loss, options)
        resources.enter_context(closing(training.source))
        if options.epochs and self.keeps_row_fingerprints:
            setup = setup.with_training_rows(data.hash_training_rows, not self.epoch)
        setup, message = setup.adapt(training.train_x)
        progress.log(message)
        return setup, training._replace(train_x=None)

    def _start_run(
        self,
        run: ResumableRun | None,
        setup: Setup,
        training: TrainingData,
        options: FitOptions,
        callbacks: Sequence[Callback],
        progress: Progress,
    ) -> tuple[RunState, History, CallbackList]:
        """Take over the setup; return where training starts, or continues if `run` has begun."""
        program = setup.make_program()
        placement = options.placement
        train_state = setup.make_train_state(program, options.order_seed, self._step, placement)
        progress.log(placement.describe(training.source.batch_size))
        start, memories = RunState(self.epoch, train_state), None
        history = History(options.order_seed, options.params(training.source))
        if run or placement.n_processes > 1:
            settings = describe_run(setup, training, options, callbacks)
            fingerprint = setup.fingerprint()
            begin_together(settings, fingerprint, placement)
        if run:
            run.attach(settings, fingerprint, self._last_run_id, placement.n_devices)
            end_epoch = run.first_epoch + options.epochs
            start = run.restore(program, setup.require_network(), start, end_epoch)
            memories = run.load_memories(callbacks)
        if run and run.history:
            params, history = history.params, History.from_data(run.history)
            history.params, history.stopped = params, history.stopped if run.finished else None
            progress.resume(start.epoch - run.first_epoch, run.describe_status(start))
            training.seek(run.first_epoch, start.epoch, len(start.losses))
        self._commit(setup, start, history, run)
        names = program.log_names(include_validation=training.blocks is not None)
        callback_list = CallbackList(callbacks, names, memories)
        if callback_list.saves_models:
            model_file.dump_spec(self._to_spec(setup))
        return start, history, callback_list

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        return_dict: bool = False,
        *,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        target: str | None = None,
        devices: int | str | None = None,
    ) -> Any:
        """Return the loss over all rows, in inference mode; with metrics [loss, metric, ...].

        If some rows equal rows that the model was trained on, a line says how many, and what the
        loss and the metrics of the others are. Such rows say little about new ones. The result
        is that of all rows. `is_training_row` says which rows they are, and what is compared.

        Args:
            x: data of any kind that `fit` takes. A table, if the model was fitted to one.
            y: targets; None if x holds them.
            sample_weight: a weight per row, for the loss.
            return_dict: return {"loss": ..., "accuracy": ...} instead of a list.
            batch_size: largest number of rows to compute at once; a small one takes less memory.
                The result does not depend on it, and batches have their own.
            verbose: "auto" for a progress line on a terminal if the work lasts longer than a
                second, 1 for one at once and a last line, 2 for a last line, 0 for no output.
            steps: number of batches to use; None for all.
            target: the column of targets, if batches are dicts of columns, or frames.
            devices: the devices that share the rows, as in `fit`. After `gn.distribute`, all
                processes must call this; each scores a part of the rows.

        Raises:
            DataError: see `fit`.
            ConfigError: `batch_size`, `verbose` or `devices` is not valid.
            NotReadyError: no weights or no loss yet.
        """
        placement = find_placement(devices)
        options = EvaluationOptions(
            steps, target=target, block_rows=batch_size, placement=placement
        )
        program, built = self._make_program(), self._require_built("evaluate")
        network.require_learned(built.links, self._state)
        with (
            closing(open_dataset(x, y, sample_weight, self._describe())) as data,
            InferenceProgress("evaluate", verbose) as progress,
        ):
            blocks = data.evaluation_blocks(built, program.loss, options)
            warn_about_rows("evaluate", data)
            tracked = progress.track(blocks.part_of(placement), data.n_rows)
            weights = self._weights_on_devices(placement.local)
            logs = inference.evaluate_blocks(program, *weights, tracked, placement=placement)
            progress.finish(logs)
            if verbose and self._rows is not None:
                score = partial(inference.evaluate_blocks, program, *weights)
                print_training_rows(self._rows, data, score)
        return logs if return_dict else list(logs.values()) if len(logs) > 1 else logs["loss"]

    def is_training_row(self, x: Any) -> np.ndarray:
        """Return which rows equal a row that the model was trained on, (n,) booleans.

        For each training row, the model keeps a fingerprint of 8 bytes, also in its file: see
        `save`. Validation rows are not training rows. Targets are not compared. The rows of a table
        are compared by the values of their columns, except those that `column_types` drops. Other
        rows are compared as the network receives them, in float32: pixels, or the windows of a
        series.

        A model does not know the rows if they were more than 200,000, or came in batches or from a
        memory map. Set `keeps_row_fingerprints` to False before `fit` to keep none.

        Args:
            x: rows of any kind that `predict` takes, in memory.

        Raises:
            NotReadyError: the training rows are not known.
            DataError: rows that cannot be used; batches; a table without a column of training.

        Example:
            >>> from glassnet.layers import Dense
            >>> model = Sequential([Dense(1)], seed=0)
            >>> _ = model.fit([[1.0], [2.0]], [2.0, 4.0], verbose=0)
            >>> model.is_training_row([[2.0], [3.0]])
            array([ True, False])
        """
        fix = "They are unknown before fit, after batches, and from files without fingerprints."
        is_known = self._rows is not None and self._rows.data is not None
        expected = "a model that knows its training rows"
        require(is_known, "is_training_row", expected, error=NotReadyError, fix=fix)
        assert self._rows is not None
        with closing(open_dataset(x, None, None, self._describe())) as data:
            hashes = data.hash_rows(self._rows.salt)
        expected, fix = "rows in memory", "A table needs the columns that training had."
        fits = hashes is not None
        require(fits, "is_training_row", expected, error=DataError, x=type(x).__name__, fix=fix)
        assert hashes is not None
        return self._rows.contains(hashes)

    def predict(
        self,
        x: Any,
        *,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        target: str | None = None,
        devices: int | str | None = None,
    ) -> np.ndarray:
        """Return the outputs of the last layer: (n, ...) to (n, *output shape), float32.

        A model that was fitted to numeric targets of a table returns them in the original units.

        Args:
            x: data of any kind that `fit` takes, with or without targets. A table, if the model was
                fitted to one, with the columns that it uses in any order. Batches are x, (x, y) or
                dicts or frames of columns, all of them features but `target`. A list of arrays is
                rows. A model of images takes image files, too.
            batch_size: largest number of rows to compute at once; a small one takes less memory.
                The result does not depend on it, and batches have their own.
            verbose: "auto" for a progress line on a terminal if the work lasts longer than a
                second, 1 for one at once and a last line, 2 for a last line, 0 for no output.
            steps: number of batches to use; None for all.
            target: the column of targets, if batches are dicts of columns that hold it.
            devices: the devices that share the rows, as in `fit`.

        Raises:
            DataError: rows that cannot be used.
            ConfigError: `batch_size`, `verbose` or `devices` is not valid.
            NotReadyError: a Normalization layer has not been adapted yet.
        """
        placement = find_placement(devices).local
        options = EvaluationOptions(
            steps, target=target, block_rows=batch_size, placement=placement
        )
        with (
            closing(open_dataset(x, None, None, self._describe())) as data,
            InferenceProgress("predict", verbose) as progress,
        ):
            outputs = data.predict(self._make_infer(data, options, progress), options)
            progress.finish()
        return outputs

    def predict_in_training(self, x: Any, seed: int | None = None) -> np.ndarray:
        """Return outputs with noise and batch statistics, as in a training step.

        Dropout then draws other units at each call, so that the spread of many calls shows how
        uncertain the network is (Monte Carlo dropout). Weights and statistics stay as they are.

        Args:
            x: as in `predict`; all rows are one batch.
            seed: of the noise; None draws one.

        Raises:
            NotReadyError, DataError: see `predict`.
        """
        key = jax.random.key(secrets.randbits(31) if seed is None else seed)

        def infer(rows: Any) -> np.ndarray:
            links = self._build(rows.shape[1:]).links
            params, state = self._weights_on_devices(ONE_DEVICE)
            network.require_learned(links, state)
            rows = to_device(np.asarray(rows))
            return np.asarray(inference.run_links(links, True, params, state, rows, key, None))

        with closing(open_dataset(x, None, None, self._describe())) as data:
            return data.predict(infer, EvaluationOptions())

    def _make_infer(
        self, data: DataAdapter, options: EvaluationOptions, progress: InferenceProgress
    ) -> Callable[[Any], np.ndarray]:
        """Return a function from rows of numbers to the outputs of the network.

        All calls use the weights of the first, also if the model is being fitted.
        """
        weights: list[tuple[Any, ...]] = []

        def infer(x: Any) -> np.ndarray:
            built = self._build(self._example_shape or x.shape[1:])
            links = built.for_input(x.shape[1:]).links
            if not weights:
                weights.append(self._weights_on_devices(options.placement))
            params, state = weights[0]
            network.require_learned(links, state)
            body, head = network.split_head(links, self._loss) if self._loss else (links, ())
            progress.n_rows = data.n_rows
            return inference.predict(
                body,
                head,
                params,
                state,
                x,
                options.block_rows,
                progress.advance,
                padding=find_step_padding(built),
            )

        return infer

    def _weights_on_devices(
        self, placement: Placement
    ) -> tuple[tuple[Params, ...], tuple[State, ...]]:
        """Return params and state. They stay on one device, so that the next call is faster."""
        with self._fit_lock:
            weights = self._params, self._state = to_device((self._params, self._state))
        return placement.put(weights) if placement.devices else weights

    def predict_labels(
        self,
        x: Any,
        *,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        target: str | None = None,
    ) -> np.ndarray:
        """Return the class of every row.

        For K outputs it is the index of the largest, (n,). For a sigmoid it is 0 or 1, (n,), and
        for K sigmoids 0 or 1 for each, (n, K). A model that was fitted to a table returns the
        labels of the table.

        Args:
            x, batch_size, verbose, target: see `predict`.

        Raises:
            DataError, NotReadyError: see `predict`.
            ConfigError: the network outputs numbers, not classes.
        """
        outputs = self.predict(x, batch_size=batch_size, verbose=verbose, target=target)
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

    def trace(
        self, x: Any, y: Any = None, training: bool = False, *, target: str | None = None
    ) -> Trace:
        """Record every number of one forward pass, backward pass and update. Nothing is changed.

        Args:
            x: a few rows, since every number is stored, of any kind that `fit` takes. Of batches,
                the first is traced; an iterator continues with the second.
            y: targets; None if x holds them.
            training: whether to draw noise and use batch statistics, as a training step does.
            target: the column of targets, if batches are dicts of columns, or frames.

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
        with closing(open_dataset(x, y, None, self._describe())) as data:
            before = self._get_setup()
            setup, _ = self._resolve(before.with_seed(), data.open(target=target))
            built = setup.require_network()
            network.require_learned(built.links, setup.state)
            program = setup.make_program()
            rows = data.encode(built, program.loss)
            warn_about_rows("trace", data)
        if any(getattr(setup, name) is not value for name, value in vars(before).items()):
            with self._fit_lock.change("trace"):
                self._commit(setup)
        rows = rows._replace(x=np.asarray(rows.x))
        assert setup.seed is not None
        train_state = setup.make_train_state(program, setup.seed, self._step)
        vectorizer = setup.describe(None).vectorizer
        vocabulary = vectorizer.get_vocabulary() if vectorizer is not None else ()
        paths = built.weight_paths
        return record_trace(
            program, train_state, rows, training, paths, setup.preprocessor, vocabulary
        )

    def take_snapshot(
        self,
        x: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        *,
        targets: str = "optional",
        target: str | None = None,
    ) -> Snapshot:
        """Return what the views of `gn.inspection` read: network, weights and encoded rows.

        As in `predict` and `trace`, the weights are drawn if there are none yet.

        Args:
            x: data of any kind that `fit` takes; None for the weights alone.
            y: targets; None if x holds them or they are not needed.
            sample_weight: a weight per row, for the loss.
            targets: "required", "optional" (used if there are any) or "none".
            target: the column of targets, if batches are dicts of columns, or frames.

        Raises:
            DataError, ConfigError: see `fit`.
            NotReadyError: the shape of the input is not known yet.
        """
        if x is None:
            self._require_built("model")
            return make_snapshot(self._get_setup(), self.epoch, self.history)
        with closing(open_dataset(x, y, sample_weight, self._describe())) as data:
            if targets == "none" or (targets == "optional" and not data.has_targets()):
                features = data.read_features()
                built = self._build(self._example_shape or features.shape[1:])
                network.require_learned(built.links, self._state)
                snapshot = make_snapshot(self._get_setup(), self.epoch, self.history)
                return snapshot.with_features(features, data.original_rows())
            self._resolve_for(data, target)
            snapshot = make_snapshot(self._get_setup(), self.epoch, self.history)
            options = EvaluationOptions(target=target)
            rows = read_rows(data, snapshot, options)
            warn_about_rows("rows", data)
            snapshot = snapshot.with_features(rows.x, data.original_rows())
            snapshot = replace(snapshot, y=rows.y, weight=rows.weight)
            return replace(snapshot, in_training=self._find_training_rows(data))

    def _find_training_rows(self, data: DataAdapter) -> np.ndarray | None:
        """Return which rows equal a training row, (n,) booleans; None if that is not known."""
        if self._rows is None or self._rows.data is None:
            return None
        hashes = data.hash_rows(self._rows.salt)
        return None if hashes is None else self._rows.contains(hashes)

    def inspect(self, x: Any = None, y: Any = None, *, target: str | None = None) -> None:
        """Print which views of `gn.inspection` fit this model and data, with the call of each.

        Args:
            x: data of any kind that `fit` takes; None for the views of the network alone.
            y: targets; None if x holds them or they are not needed.
            target: the column of targets, if batches are dicts of columns, or frames.

        Raises:
            DataError, ConfigError, NotReadyError: see `take_snapshot`.

        Example:
            >>> from glassnet.layers import Dense, Input
            >>> Sequential([Input(2), Dense(1)], seed=0).inspect()
            Views of this network (untrained):
            What are its layers?   gn.inspection.network_drawing(model).plot()
            What are its weights?  gn.inspection.weights(model).plot()
            Without .plot(), a call returns the numbers.
        """
        print(describe_views(self.take_snapshot(x, y, target=target), x, y))

    def iter_training_runs(
        self, x: Any, y: Any = None, settings: Sequence[RunSettings] = (), **options: Any
    ) -> Iterator[TrainingRun]:
        """Yield what `fit` would run, for each of several settings. The model stays as it is.

        Each run equals `reset` (for new weights), `compile` (for another optimizer), an assignment
        to `learning_rate` and `fit`, on a copy of the model.

        Args:
            x, y: see `fit`. Batches must be repeatable, not an iterator.
            settings: one for each run.
            options: arguments of `fit` that concern data, and `sample_weight`. Views take those of
                `training_runs.FIT_ARGUMENTS`.

        Raises:
            ConfigError, DataError: see `fit`.
        """
        base = copy(self)
        base.keeps_row_fingerprints = False
        base._commit(base._get_setup().with_seed())
        for each in settings:
            with ExitStack() as resources:
                yield base._make_training_run(x, y, each, options, resources)

    def _make_training_run(
        self,
        x: Any,
        y: Any,
        settings: RunSettings,
        options: dict[str, Any],
        resources: ExitStack,
    ) -> TrainingRun:
        twin, options = copy(self), dict(options)
        sample_weight = options.pop("sample_weight", None)
        starts_from_new_weights = twin._start_from(settings)
        setup, fit_options = twin._choose_seeds(make_fit_options(settings, **options), None)
        data = open_dataset(x, y, sample_weight, twin._describe(setup), training=True)
        setup, training = twin._prepare(data, setup, fit_options, resources, Progress(0, 1))
        program = setup.make_program()
        train_state = setup.make_train_state(program, fit_options.order_seed, twin._step)
        twin._commit(setup)
        assert setup.seed is not None
        target = None if setup.preprocessor else options.get("target")  # the first has learned it
        return TrainingRun(
            network=setup.require_network(),
            program=program,
            start=RunState(twin.epoch, train_state),
            source=training.source,
            seed=setup.seed,
            starts_from_new_weights=starts_from_new_weights,
            read_snapshot=partial(
                twin.take_snapshot, x, y, sample_weight, targets="required", target=target
            ),
            validation_blocks=training.blocks,
            preprocessor=setup.preprocessor,
            make_model=partial(twin.make_trained_copy, setup),
        )

    def _start_from(self, settings: RunSettings) -> bool:
        """Change weights, optimizer and rate as a run demands; return whether weights are new."""
        start: Any = settings.start
        if start == "auto":
            start = 0 if self.epoch else "current"
        if start != "current":
            assert self.seed is not None
            preprocessor = self.preprocessor
            self.reset(self.seed + start)
            self.preprocessor = preprocessor
        if settings.optimizer is not None or self._optimizer is None:
            self.compile(settings.optimizer or "adam", self._loss, self._metrics)
        if settings.learning_rate is not None:
            self.learning_rate = settings.learning_rate
        return bool(start != "current")

    def _resolve_for(self, data: DataAdapter, target: str | None) -> None:
        """Draw the weights and infer the loss for data, if that is still to be done."""
        before = self._get_setup()
        if before.network is None or before.loss is None:
            setup, _ = self._resolve(before.with_seed(), data.open(target=target))
            with self._fit_lock.change("take_snapshot"):
                self._commit(setup)
        network.require_learned(self._require_built("take_snapshot").links, self._state)
