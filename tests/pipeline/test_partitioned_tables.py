"""Tables in partitions as x of fit, evaluate and predict. Oracle: the same rows in memory."""

import os
import warnings
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import glassnet as gn
from glassnet.data import partitioned_table, table_folders
from glassnet.errors import ConfigError, DataError, DataWarning
from glassnet.inspection.training_runs import RunSettings
from glassnet.layers import Dense
from glassnet.pipeline import partitioned_rows
from nets import same_bits

N = 400


def make_frame(n=N, seed=0):
    rng = np.random.default_rng(seed)
    size, city = rng.normal(size=n), rng.choice(["Basel", "Chur", "Genf"], n)
    age = np.where(rng.random(n) < 0.1, np.nan, rng.integers(1, 90, n))
    return pl.DataFrame(
        {
            "row": np.arange(n) * 1.5,
            "size": size,
            "age": age,
            "city": city,
            "note": [f"note {i}" for i in range(n)],
            "price": 3 * size + (city == "Chur") + rng.normal(size=n) * 0.1,
            "sold": np.where(size > 0, "yes", "no"),
        },
        nan_to_null=True,
    )


@pytest.fixture
def frame():
    return make_frame()


def write_parts(frame, folder, n_parts=5):
    folder.mkdir()
    size = -(-len(frame) // n_parts)
    for i in range(n_parts):
        part = frame[i * size : (i + 1) * size]
        part.write_parquet(folder / f"part-{i}.parquet", row_group_size=16)
    return str(folder)


@pytest.fixture
def folder(frame, tmp_path, monkeypatch):
    """Five files with row groups of 16 rows, each a partition; buffers of 64 rows."""
    for module in (table_folders, partitioned_table):
        monkeypatch.setattr(module, "READ_ROWS", 16)
    monkeypatch.setattr(partitioned_rows, "MAX_BUFFER_ROWS", 64)
    return write_parts(frame, tmp_path / "sales")


def price_model(seed=0):
    return gn.Sequential([Dense(4, activation="relu"), Dense(1)], seed=seed)


def sold_model(seed=0):
    return gn.Sequential([Dense(4, activation="relu"), Dense(1, activation="sigmoid")], seed=seed)


PRICE = {"target": "price", "column_types": {"sold": "drop", "row": "number"}}
SOLD = {"target": "sold", "column_types": {"price": "drop", "size": "drop", "row": "number"}}


def fit(model, x, request=PRICE, **options):
    return model.fit(x, **{"batch_size": 16, "verbose": 0} | request | options)


@pytest.fixture
def fitted(folder):
    model = price_model()
    fit(model, folder, epochs=2)
    return model


def open_training(folder, model=None, **options):
    """Return the reader of the training batches, the validation blocks and the preprocessor."""
    model = model or price_model()
    settings = RunSettings(epochs=1, batch_size=16)
    request = PRICE | options
    run = next(iter(model.iter_training_runs(folder, None, [settings], **request)))
    return run.source._reader, run.validation_blocks, run.preprocessor


def read_epoch(reader, epoch, start_step=0):
    return list(reader.iter_batches(epoch, start_step))


def row_numbers(x, preprocessor):
    """Return which rows of the frame the encoded rows are, from the column `row`."""
    column = preprocessor.encoder.columns[0]
    return np.rint((x[:, 0] * column.scale + column.mean) / 1.5).astype(int)


def test_encoded_rows_equal_those_in_memory(folder, frame):
    reader, _, preprocessor = open_training(folder)
    batches = read_epoch(reader, 0)
    x, y = (np.concatenate(parts) for parts in list(zip(*batches, strict=True))[:2])
    rows = row_numbers(x, preprocessor)
    expected_x, expected_y, _ = preprocessor.transform_xy(frame[rows])
    np.testing.assert_array_equal(x, expected_x)
    np.testing.assert_array_equal(y[:, 0], expected_y)


def test_the_preprocessor_equals_that_of_the_rows_in_memory(folder, frame, fitted):
    other = price_model()
    fit(other, frame, epochs=0)
    np.testing.assert_allclose(
        fitted.preprocessor.transform(frame), other.preprocessor.transform(frame), atol=1e-6
    )


def test_each_row_comes_once_in_an_order_of_its_epoch(folder):
    reader, _, preprocessor = open_training(folder)
    orders = []
    for epoch in (0, 1, 0):
        batches = read_epoch(reader, epoch)
        assert [len(batch.x) for batch in batches] == [16] * 25
        orders.append(row_numbers(np.concatenate([batch.x for batch in batches]), preprocessor))
        assert sorted(orders[-1]) == list(range(N))
    np.testing.assert_array_equal(orders[0], orders[2])
    assert (orders[0] != orders[1]).mean() > 0.9
    other = replace(reader, seed=reader.seed + 1)
    batches = read_epoch(other, 0)
    order = row_numbers(np.concatenate([batch.x for batch in batches]), preprocessor)
    assert (order != orders[0]).mean() > 0.9


def test_a_buffer_has_rows_of_several_partitions(folder):
    """Rows that are 16 apart are in other partitions; a buffer has 64 rows."""
    reader, _, preprocessor = open_training(folder)
    batches = read_epoch(reader, 0)
    first = row_numbers(np.concatenate([batch.x for batch in batches[:4]]), preprocessor)
    assert len(set(first // 16)) >= 4


def test_large_partitions_are_read_in_turn(frame, tmp_path, monkeypatch):
    """Five partitions of 80 rows, 16 at a time: a buffer of 64 has rows of four of them."""
    monkeypatch.setattr(table_folders, "READ_ROWS", 16)
    monkeypatch.setattr(partitioned_rows, "MAX_BUFFER_ROWS", 64)
    (tmp_path / "large").mkdir()
    for i in range(5):
        frame[i * 80 : (i + 1) * 80].write_parquet(tmp_path / "large" / f"{i}.parquet")
    reader, _, preprocessor = open_training(str(tmp_path / "large"))
    batches = read_epoch(reader, 0)
    rows = row_numbers(np.concatenate([batch.x for batch in batches]), preprocessor)
    assert len(set(rows[:64] // 80)) == 4
    assert sorted(rows) == list(range(N))


def test_without_shuffling_the_rows_come_in_order(folder):
    reader, _, preprocessor = open_training(folder, shuffle=False)
    x = np.concatenate([batch.x for batch in read_epoch(reader, 0)])
    np.testing.assert_array_equal(row_numbers(x, preprocessor), np.arange(N))


@pytest.mark.parametrize("start_step", [1, 4, 5, 24])
def test_an_epoch_continues_from_any_step(folder, start_step):
    reader, _, _ = open_training(folder, validation_split=0.1)
    batches = read_epoch(reader, 3)[start_step:]
    for batch, other in zip(batches, read_epoch(reader, 3, start_step), strict=True):
        np.testing.assert_array_equal(batch.x, other.x)
        np.testing.assert_array_equal(batch.y, other.y)


def validation_rows(blocks, preprocessor):
    parts = [block.x[np.asarray(mask) > 0] for block, mask in blocks]
    return row_numbers(np.concatenate(parts), preprocessor).tolist()


def test_validation_rows_are_the_same_in_every_epoch_and_fit(folder):
    reader, blocks, preprocessor = open_training(folder, validation_split=0.25)
    held_out = validation_rows(blocks, preprocessor)
    assert 70 < len(held_out) < 130  # 100 +- 3.5 standard deviations
    assert validation_rows(blocks, preprocessor) == held_out
    for epoch in range(2):
        x = np.concatenate([batch.x for batch in read_epoch(reader, epoch)])
        assert sorted([*row_numbers(x, preprocessor), *held_out]) == list(range(N))
    _, other, preprocessor = open_training(folder, validation_split=0.25)
    assert validation_rows(other, preprocessor) == held_out
    _, other, preprocessor = open_training(folder, price_model(1), validation_split=0.25)
    assert validation_rows(other, preprocessor) != held_out


def test_validation_on_the_last_rows(folder):
    _, blocks, preprocessor = open_training(folder, validation_split=0.2, validation_from="end")
    assert validation_rows(blocks, preprocessor) == list(range(320, N))


def test_scores_and_predictions_equal_those_in_memory(folder, frame, fitted):
    assert fitted.evaluate(folder, verbose=0) == pytest.approx(
        fitted.evaluate(frame, verbose=0), rel=1e-6
    )
    np.testing.assert_allclose(fitted.predict(folder), fitted.predict(frame), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(fitted.predict(folder), fitted.predict(f"{folder}/*.parquet"))


def test_validation_data_of_another_folder(folder, frame, tmp_path):
    other = make_frame(80, seed=1)
    path = write_parts(other, tmp_path / "later")
    model = price_model()
    history = fit(model, folder, epochs=2, validation_data=path)
    loss, _ = model.evaluate(other, verbose=0)
    assert history.history["val_loss"][-1] == pytest.approx(loss, rel=1e-6)
    history = fit(price_model(), frame, epochs=2, validation_data=path)
    assert len(history.history["val_loss"]) == 2


def test_training_equals_that_on_the_same_rows_as_batches(folder, frame):
    """Oracle: frames of the rows of each batch, for a model with the same encoder."""
    model, other = price_model(), price_model()
    fit(model, folder, epochs=2)
    fit(other, folder, epochs=0)
    reader, _, preprocessor = open_training(folder)

    def batches(epoch):
        for batch in reader.iter_batches(epoch, 0):
            yield frame[row_numbers(batch.x, preprocessor)]

    other.fit(batches, epochs=2, verbose=0)
    assert same_bits(model, other)


def test_a_resumed_fit_equals_an_unbroken_one(folder, tmp_path):
    unbroken = price_model()
    fit(unbroken, folder, epochs=3, validation_split=0.1)
    resumed = price_model()
    fit(resumed, folder, epochs=2, validation_split=0.1, resume=tmp_path / "run")
    resumed = price_model()
    fit(resumed, folder, epochs=3, validation_split=0.1, resume=tmp_path / "run")
    assert same_bits(unbroken, resumed)


def test_a_run_is_not_continued_on_other_files(folder, frame, tmp_path):
    fit(price_model(), folder, epochs=1, resume=tmp_path / "run")
    os.utime(f"{folder}/part-2.parquet", (0, 0))
    with pytest.raises(ConfigError, match=r"data\.files"):
        fit(price_model(), folder, epochs=2, resume=tmp_path / "run")


def test_labels_and_class_weights(folder, frame):
    """Weights of classes are those of the rows in memory: n / (K n_k) for balanced ones."""
    model = sold_model()
    history = fit(model, folder, SOLD, epochs=3, class_weight="balanced")
    assert "accuracy" in history.history
    assert set(model.predict_labels(folder)) == {"no", "yes"}
    n_yes = (frame["sold"] == "yes").sum()
    expected = {"no": N / 2 / (N - n_yes), "yes": N / 2 / n_yes}
    other = sold_model()
    fit(other, folder, SOLD, epochs=3, class_weight=expected)
    assert same_bits(model, other)
    weighted = sold_model()
    fit(weighted, folder, SOLD, epochs=3)
    assert not same_bits(model, weighted)


def test_rows_without_a_target_are_left_out(tmp_path, frame, capsys):
    gaps = frame.with_columns(price=pl.when(pl.col("row") % 4.5 == 0).then(None).otherwise("price"))
    path = write_parts(gaps, tmp_path / "gaps")
    history = fit(price_model(), path, epochs=1, verbose=2)
    printed = capsys.readouterr().out
    assert printed.count("134 of 400 rows lack price: left out") == 1
    assert history.params["rows"] == 266
    model = price_model()
    fit(model, frame, epochs=0)
    assert model.evaluate(path, verbose=0) == pytest.approx(
        model.evaluate(gaps.drop_nulls("price"), verbose=0), rel=1e-6
    )


def test_a_second_fit_continues_with_the_same_encoder(folder):
    once, twice = price_model(), price_model()
    fit(once, folder, epochs=2)
    fit(twice, folder, epochs=1)
    fit(twice, folder, epochs=1)
    assert same_bits(once, twice)


def test_a_trace_shows_the_first_rows(folder, frame, fitted):
    trace = fitted.trace(folder)
    np.testing.assert_array_equal(trace.output, fitted.trace(frame[:16]).output)


def test_unknown_categories_are_reported_once_if_no_row_has_a_known_one(folder, frame, fitted):
    """Sorted by a column, a folder may have parts without a known category."""
    half = frame.with_columns(
        city=pl.when(pl.col("row") < 300).then(pl.lit("Zug")).otherwise("city")
    )
    for path, n_warnings in (("half", 0), ("all", 1)):
        rows = half if path == "half" else half[:200]
        rows.write_parquet(f"{folder}/../{path}.parquet", row_group_size=16)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", DataWarning)
            fitted.predict(f"{folder}/../{path}.parquet*")
        assert len(caught) == n_warnings


def test_progress_and_parameters(folder, capsys):
    history = fit(price_model(), folder, epochs=1, verbose=2, validation_split=0.1)
    assert (
        history.params["rows"] + int(capsys.readouterr().out.split("validation on ")[1].split()[0])
        == N
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"target": None}, r'target to name the column to predict.*target="sold"'),
        ({"target": "prize"}, "'price'"),
        ({"batch_size": "full"}, "an int with a table that is read in parts"),
        ({"sample_weight": np.ones(N)}, "None with a table that is read in parts"),
        ({"y": np.ones(N)}, "target= names it"),
        ({"steps_per_epoch": 3}, "25 batches, which cover all 400 rows"),
        ({"validation_split": 1.5}, "a fraction from 0 to below 1"),
        ({"validation_split": 0.2, "validation_from": "start"}, '"random" or "end"'),
        ({"validation_split": 1e-9}, "at least one row to train on and one to hold out"),
        ({"column_types": {"size": "words"}}, "words"),
        ({"class_weight": "balanced"}, "targets that are classes"),
    ],
)
def test_arguments_that_are_refused(folder, options, text):
    with pytest.raises((ConfigError, DataError), match=text):
        fit(price_model(), folder, **options)


def test_a_cell_that_cannot_be_encoded_is_named_with_its_file(folder, fitted, frame, tmp_path):
    path = write_parts(frame.with_columns(size=pl.lit("large")), tmp_path / "text")
    with pytest.raises(DataError, match=r"part-0\.parquet: column 'size': expected numbers"):
        fitted.evaluate(path)


def test_a_folder_without_a_column_of_training(folder, fitted, frame, tmp_path):
    path = write_parts(frame.drop("age"), tmp_path / "less")
    with pytest.raises(DataError, match=r"expected the columns .*missing=\['age'\]"):
        fitted.predict(path)


def test_a_model_that_was_not_fitted_to_a_table(folder):
    with pytest.raises(DataError, match=r"Call fit\(\.\.\., target=\.\.\.\) with it first"):
        price_model().predict(folder)


def test_a_failure_in_the_middle_keeps_what_was_learned(folder, frame):
    """A file that disappears during training is named."""

    class Remove(gn.callbacks.Callback):
        def on_epoch_end(self, epoch, logs):
            os.remove(f"{folder}/part-2.parquet")

    model = price_model()
    with pytest.raises(DataError, match=r"epoch 2.*part-2\.parquet|part-2\.parquet"):
        fit(model, folder, epochs=3, callbacks=[Remove()])
    assert model.epoch == 1


def test_validation_on_the_last_rows_of_an_unknown_number(frame):
    with pytest.raises(ConfigError, match=r"whose number of rows is known.*as validation_data"):
        fit(price_model(), frame.lazy(), validation_split=0.2, validation_from="end")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda model, x: model.predict(x, steps=2), "steps=None with a table"),
        (lambda model, x: model.evaluate(x, steps=2), "steps=None with a table"),
        (lambda model, x: model.evaluate(x, target="price"), "A table has the target of fit"),
        (lambda model, x: model.trace(x, target="price"), "A table has the target of fit"),
        (lambda model, x: model.evaluate(x, np.ones(N)), "The target is a column of the table"),
    ],
)
def test_arguments_of_other_methods_that_are_refused(folder, fitted, call, text):
    with pytest.raises(ConfigError, match=text):
        call(fitted, folder)


@pytest.mark.parametrize("name", ["fit", "evaluate"])
def test_a_target_without_a_value(tmp_path, frame, fitted, name):
    empty = frame.with_columns(price=pl.lit(None, pl.Float64))
    path = write_parts(empty, tmp_path / "empty")
    with pytest.raises(DataError, match="target 'price': expected a value in some row"):
        fit(price_model(), path) if name == "fit" else fitted.evaluate(path)


def test_balanced_weights_of_a_class_without_training_rows(folder, frame, tmp_path):
    """A model keeps the labels of its first fit; later files may lack one of them."""
    model = sold_model()
    fit(model, folder, SOLD, epochs=0)
    path = write_parts(frame.filter(pl.col("sold") == "yes"), tmp_path / "yes")
    with pytest.raises(DataError, match=r"training rows of every class.*without=\['no'\]"):
        fit(model, path, SOLD, class_weight="balanced")


def test_texts_have_no_table(folder):
    layers = [gn.layers.TextVectorization(max_tokens=9), Dense(1)]
    with pytest.raises(ConfigError, match="arrays, since TextVectorization is the first layer"):
        fit(gn.Sequential(layers), folder)


def test_a_text_is_no_pattern_of_paths():
    layer = gn.layers.TextVectorization(max_tokens=9, output_mode="multi_hot")
    model = gn.Sequential([layer.adapt(["is it a text?", "it is"]), Dense(1)], seed=0)
    with pytest.raises(DataError, match="a list of texts, not one"):
        model.predict("is it a text?")


def test_a_later_fit_with_other_options(folder):
    model = price_model()
    fit(model, folder)
    with pytest.raises(ConfigError, match="the options of the first fit"):
        fit(model, folder, column_types={"row": "drop"})


def test_validation_rows_larger_than_the_memory_for_them_are_read_again(folder, monkeypatch):
    """Blocks that are not kept give the same scores."""
    histories = []
    for size in (partitioned_rows.MAX_CACHE_BYTES, 0):
        monkeypatch.setattr(partitioned_rows, "MAX_CACHE_BYTES", size)
        histories.append(fit(price_model(), folder, epochs=3, validation_split=0.2).history)
    assert histories[0] == histories[1]
