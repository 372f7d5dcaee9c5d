"""Fits that one process runs alone, or several run together, and what they result in.

    python shared_fits.py FOLDER

A file of results is written for each process.
"""

import sys
import warnings
from pathlib import Path

import numpy as np

import glassnet as gn
from glassnet import callbacks, layers
from glassnet.engine.loop import Decision
from glassnet.errors import ConfigError, DataError
from glassnet.processes import exchange

SIZE = 32
rng = np.random.default_rng(0)
X = rng.normal(size=(500, 12)).astype(np.float32)
Y = (X @ rng.normal(size=(12, 3))).argmax(1)


def make_model(seed=3, units=16, dropout=0.2, metrics=("accuracy",), optimizer="adam"):
    model = gn.Sequential(
        [
            layers.Dense(units, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(dropout),
            layers.Dense(3, activation="softmax"),
        ],
        seed=seed,
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", list(metrics))
    return model


def describe(model, **others):
    """Return the weights and logs of a model."""
    history = model.history
    logs = {f"logs {name}": np.array(values) for name, values in history.history.items()}
    weights = {f"weight {i}": weight for i, weight in enumerate(model.get_weights())}
    return (
        weights | logs | {"epochs": np.array(model.epoch), "stopped": str(history.stopped)} | others
    )


def own_rows(rows):
    """Return the part of a batch that this process has; the parts are in order."""
    index, count = exchange.process_index(), exchange.process_count()
    return rows[len(rows) * index // count : len(rows) * (index + 1) // count]


def read_batches(epoch):
    order = np.random.default_rng(epoch).permutation(480)
    for start in range(0, 480, SIZE):
        rows = own_rows(order[start : start + SIZE])
        yield X[rows], Y[rows]


def fit_arrays(folder):
    """With validation rows, the last batch shorter than the others, and statistics of steps."""
    model = make_model()
    model.fit(X, Y, epochs=3, batch_size=SIZE, validation_split=0.1, verbose=0, observe=True)
    observed = np.stack([each.values for each in model.history.observations])
    score = model.evaluate(X[:101], Y[:101], verbose=0)
    outputs = model.predict(X[:7])
    names = " ".join(finding.rule for finding in model.history.findings)
    return describe(model, observed=observed, score=score, outputs=outputs, findings=names)


def fit_stream(folder):
    """Each process reads its part of each batch."""
    model = make_model()
    model.fit(read_batches, epochs=3, validation_data=list(read_batches(9)), verbose=0)
    score = model.evaluate(list(read_batches(5)), verbose=0)
    return describe(model, score=score)


def fit_sequences(folder):
    """Tokens of which some are masked, and noise in the recurrent layer."""
    tokens = np.random.default_rng(1).integers(0, 9, size=(128, 5))
    stack = [
        layers.Embedding(9, 4, mask_zero=True),
        layers.LSTM(6, dropout=0.1),
        layers.Dense(3, activation="softmax"),
    ]
    model = gn.Sequential(stack, seed=2)
    model.fit(tokens, Y[:128], epochs=2, batch_size=SIZE, verbose=0)
    return describe(model, outputs=model.predict(tokens[:5]))


def fit_images(folder):
    """One step: afterwards rounding grows in a convolutional network."""
    images = np.random.default_rng(2).normal(size=(SIZE, 6, 6, 1)).astype(np.float32)
    stack = [
        layers.Conv2D(4, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ]
    model = gn.Sequential(stack, seed=2)
    model.fit(images, Y[:SIZE], epochs=1, batch_size=SIZE, verbose=0)
    return describe(model, outputs=model.predict(images[:5]))


def fit_memory_map(folder):
    path = folder / f"x{exchange.process_count()}-{exchange.process_index()}.npy"
    np.save(path, X)
    model = make_model()
    model.fit(np.load(path, mmap_mode="r"), Y, epochs=2, batch_size=SIZE, verbose=0)
    return describe(model)


def fit_one_file(folder):
    """A lazy frame is one partition: all processes read it, and take their part of each batch."""
    import polars

    model = gn.Sequential([layers.Dense(3, activation="softmax")], seed=1)
    frame = polars.scan_parquet(folder / "tables" / "*.parquet")
    model.fit(frame, target="label", epochs=2, batch_size=SIZE, validation_split=0.2, verbose=0)
    return describe(model)


def fit_files(folder):
    """A folder of four files, of which each process reads its own; in one batch, all rows count."""
    model = gn.Sequential(
        [layers.Dense(8, activation="relu"), layers.Dense(3, activation="softmax")], seed=1
    )
    model.compile(gn.optimizers.SGD(0.1), "sparse_categorical_crossentropy", ["accuracy"])
    data = folder / "tables"
    model.fit(
        data,
        target="label",
        epochs=2,
        batch_size=500,
        validation_data=data,
        shuffle=False,
        verbose=0,
    )
    score = model.evaluate(folder / "tables", verbose=0)
    return describe(model, score=score)


def fit_uneven_stream(folder):
    """The last process has two batches less than the others."""
    index = exchange.process_index()

    def read(epoch):
        for number in range(5):
            rows = np.arange(number * SIZE, (number + 1) * SIZE)
            if number < 3:
                rows = own_rows(rows)
            elif index == 0:
                rows = rows[: SIZE // 2]
            else:
                return
            yield X[rows], Y[rows]

    model = make_model(dropout=0.0)
    model.fit(read, epochs=2, verbose=0)
    return describe(model, steps=np.array(model.history.steps))


class Opinion(callbacks.Callback):
    """Wants another end in each process, and another rate."""

    def on_epoch_begin(self, epoch, logs):
        return Decision(learning_rate=0.01 / (1 + exchange.process_index())) if epoch == 1 else None

    def update(self, memory, record):
        ends = record.epoch == 4 - exchange.process_index()
        return memory, Decision(stop=f"process {exchange.process_index()} ended" if ends else None)


def fit_with_callbacks(folder):
    """Process 0 stops and changes the rate; the others would not."""
    index, count = exchange.process_index(), exchange.process_count()
    files = folder / f"files-{count}"
    if index == 0:
        files.mkdir()
    exchange.barrier("a folder")
    model = make_model()
    model.fit(
        X,
        Y,
        epochs=30,
        batch_size=SIZE,
        validation_split=0.2,
        verbose=0,
        callbacks=[
            Opinion(),
            callbacks.EarlyStopping("val_loss", patience=3),
            callbacks.ReduceLROnPlateau("val_loss", factor=0.5, min_delta=0.05, patience=0),
            callbacks.ModelCheckpoint(files / "best.glassnet", save_best_only=True),
            callbacks.CSVLogger(files / "log.csv"),
        ],
    )
    return describe(model, rate=np.array(model.learning_rate))


def fit_binary(folder):
    """An exact metric: the area under the curve is that of all rows."""
    model = gn.Sequential(
        [layers.Dense(8, activation="tanh"), layers.Dense(1, activation="sigmoid")], seed=2
    )
    model.compile("sgd", "binary_crossentropy", ["auc"])
    model.fit(
        X, Y == 0, epochs=2, batch_size="full", validation_data=(X[:77], Y[:77] == 0), verbose=0
    )
    return describe(model)


def fit_diverging(folder):
    """The step that fails is replayed, and the last finite weights stay."""
    model = make_model(optimizer=gn.optimizers.SGD(1e25))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, Y, epochs=2, batch_size=SIZE, verbose=0)
    return describe(model)


def fit_without_seed(folder):
    """The seed that is drawn is shared."""
    model = make_model(seed=None)
    model.fit(X, Y, epochs=1, batch_size=SIZE, verbose=0)
    return describe(model, seed=np.array(model.seed))


def refuse(fit):
    try:
        fit()
    except (ConfigError, DataError) as error:
        return f"{type(error).__name__}: {error}"
    return "nothing was refused"


def fit_disagreeing(folder):
    """Each is refused before training, in all processes."""
    index = exchange.process_index()

    def fail(epoch):
        yield X[:16], Y[:16]
        if index == 1:
            raise OSError("the disk is gone")
        yield X[:16], Y[:16]

    fits = {
        "layers": lambda: make_model(units=16 + index).fit(X, Y, verbose=0),
        "rows": lambda: make_model().fit(X + index, Y, verbose=0),
        "seed": lambda: make_model(seed=index).fit(X, Y, verbose=0),
        "batches": lambda: make_model().fit([(X[: 8 + index], Y[: 8 + index])], verbose=0),
        "small": lambda: make_model().fit(X, Y, batch_size=1, verbose=0),
        "broken": lambda: make_model().fit(fail, verbose=0),
    }
    if exchange.process_count() == 1:
        return {}
    return {name: refuse(fit) for name, fit in fits.items()}


FITS = (
    fit_arrays,
    fit_stream,
    fit_sequences,
    fit_images,
    fit_memory_map,
    fit_one_file,
    fit_files,
    fit_uneven_stream,
    fit_with_callbacks,
    fit_binary,
    fit_diverging,
    fit_without_seed,
    fit_disagreeing,
)


def run_all(folder):
    """Run all fits and write their results; return them."""
    results = {}
    for fit in FITS:
        for name, value in fit(folder).items():
            results[f"{fit.__name__}/{name}"] = np.asarray(value)
    count, index = exchange.process_count(), exchange.process_index()
    np.savez(folder / f"results-{count}-{index}.npz", **results)
    return results


if __name__ == "__main__":
    gn.distribute()
    run_all(Path(sys.argv[1]))
