"""A model that is fitted to a table: its encoding, its units and its labels."""

import numpy as np
import pandas
import pytest

import glassnet as gn
from glassnet.data.split import train_validation_split
from glassnet.data.table import read_table
from glassnet.errors import ConfigError, DataError, DataWarning
from glassnet.layers import Dense, Dropout, Rescaling
from glassnet.preprocessing import encoding_rules
from oracles import LOOSE

RNG = np.random.default_rng(0)
N = 60
HEIGHT = RNG.normal(170, 10, N)
PEOPLE = pandas.DataFrame(
    {
        "height": HEIGHT,
        "sex": np.where(RNG.random(N) < 0.5, "f", "m"),
        "club": RNG.choice(["chess", "row", "sing"], N),
        "weight": 0.9 * HEIGHT - 90 + RNG.normal(0, 3, N),
    }
)
PEOPLE["tall"] = np.where(HEIGHT > 172, "yes", "no")
PEOPLE.loc[::7, "height"] = np.nan


def numbers_model(seed=0, **options):
    return gn.Sequential([Dense(8, activation="relu"), Dense(1, **options)], seed=seed)


def labels_model(seed=0):
    return gn.Sequential(
        [Dense(8, activation="relu"), Dropout(0.1), Dense(1, activation="sigmoid")], seed=seed
    )


def fitted(model=None, target="weight", table=PEOPLE, **options):
    model = model or numbers_model()
    model.fit(table, **{"target": target, "epochs": 3, "verbose": 0} | options)
    return model


def test_a_table_is_the_same_as_its_numbers():
    """Oracle: a relation. The encoded columns and the labels 0 and 1 give the same weights."""
    model, plain = fitted(labels_model(), "tall"), labels_model()
    x = encoding_rules.fit_encoder(read_table(PEOPLE.drop(columns="tall"))).transform(
        read_table(PEOPLE)
    )
    plain.fit(x, (PEOPLE.tall == "yes").astype(float), epochs=3, verbose=0)
    for ours, theirs in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(model.predict(PEOPLE), plain.predict(x))
    assert (
        model.predict_labels(PEOPLE).tolist()
        == np.where(plain.predict_labels(x) == 1, "yes", "no").tolist()
    )
    assert model.evaluate(PEOPLE) == plain.evaluate(x, (PEOPLE.tall == "yes").astype(float))


@pytest.mark.parametrize(
    "loss", ["mse", "mae", "huber", "log_cosh", gn.losses.HalfMeanSquaredError()]
)
def test_losses_metrics_and_predictions_are_in_the_targets_units(loss):
    """Oracle: the loss and the metrics, called on the output of `predict` in kilograms."""
    model = numbers_model()
    model.compile("adam", loss, ["mae", "root_mean_squared_error", "r2_score"])
    history = fitted(model, validation_data=PEOPLE, batch_size="full").history.history
    y, predicted = PEOPLE.weight.to_numpy(), model.predict(PEOPLE)
    logs = model.evaluate(PEOPLE, return_dict=True)
    np.testing.assert_allclose(logs["loss"], gn.losses.get(loss)(y, predicted), rtol=1e-5)
    np.testing.assert_allclose(logs["mae"], np.abs(y - predicted[:, 0]).mean(), rtol=1e-5)
    np.testing.assert_allclose(
        logs["root_mean_squared_error"],
        np.sqrt(np.mean((y - predicted[:, 0]) ** 2)),
        rtol=1e-5,
    )
    np.testing.assert_allclose(
        logs["r2_score"],
        1 - np.sum((y - predicted[:, 0]) ** 2) / np.sum((y - y.mean()) ** 2),
        rtol=1e-4,
        atol=1e-5,
    )
    np.testing.assert_allclose(
        [history["val_loss"][-1], history["val_mae"][-1]], [logs["loss"], logs["mae"]], rtol=1e-6
    )
    # With full batches, the loss of epoch 2 is that of the weights after epoch 1.
    np.testing.assert_allclose(history["loss"][1:], history["val_loss"][:-1], rtol=1e-5)


def test_targets_are_standardised_for_training():
    """Oracle: a relation. A model without a table, trained on (y - mean) / std.

    It has the same weights. Its losses are those of the first model, divided by the variance.
    """
    model, plain = fitted(), numbers_model()
    x, y = model.preprocessor.transform(PEOPLE), PEOPLE.weight
    t = ((y - y.mean()) / y.std(ddof=0)).to_numpy()
    plain.fit(x, t, epochs=3, verbose=0)
    for ours, theirs in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=LOOSE, atol=1e-5)
    np.testing.assert_allclose(
        model.history.history["loss"],
        np.array(plain.history.history["loss"]) * y.var(ddof=0),
        rtol=1e-5,
    )
    np.testing.assert_allclose(
        model.predict(PEOPLE), plain.predict(x) * y.std(ddof=0) + y.mean(), rtol=1e-5
    )


def test_a_logarithm_is_learned_and_undone():
    """Oracle: NumPy. Only the loss is computed from logarithms."""
    model = fitted(target_transform="log", epochs=150, batch_size=8)
    y, predicted = PEOPLE.weight.to_numpy(), model.predict(PEOPLE)[:, 0]
    logs = model.evaluate(PEOPLE, return_dict=True)
    np.testing.assert_allclose(
        logs["loss"], np.mean((np.log(y) - np.log(predicted)) ** 2), rtol=1e-4
    )
    np.testing.assert_allclose(logs["mae"], np.abs(y - predicted).mean(), rtol=1e-5)
    assert logs["mae"] < np.abs(y - y.mean()).mean() / 2
    target = model.preprocessor.target
    np.testing.assert_allclose(
        [target.mean, target.scale], [np.log(y).mean(), np.log(y).std()], rtol=1e-12
    )


@pytest.mark.parametrize("end", [{"activation": "softplus"}, {"activation": "tanh"}])
def test_targets_are_not_standardised_for_bounded_outputs(end):
    model = fitted(numbers_model(**end))
    assert (model.preprocessor.target.mean, model.preprocessor.target.scale) == (0, 1)
    np.testing.assert_allclose(
        model.evaluate(PEOPLE)[0],
        np.mean((PEOPLE.weight - model.predict(PEOPLE)[:, 0]) ** 2),
        rtol=1e-5,
    )


def test_targets_are_not_standardised_before_rescaling_or_under_other_losses():
    scaled = gn.Sequential([Dense(1), Rescaling(10.0, 70.0)], seed=0)
    assert not fitted(scaled).preprocessor.target.is_standardized
    poisson = numbers_model(activation="softplus")
    poisson.compile("adam", "poisson")
    assert not fitted(poisson).preprocessor.target.is_standardized
    with pytest.raises(
        ConfigError,
        match=r'target_transform="log": expected a network whose output can be any number\. End in Dense\(1\) without',
    ):
        fitted(numbers_model(activation="softplus"), target_transform="log")
    later = fitted()
    later.compile("adam", "mape")
    with pytest.raises(
        ConfigError,
        match=r"MeanAbsolutePercentageError: expected targets that are not standardized\. Use mean_squared",
    ):
        later.evaluate(PEOPLE)


def test_no_statistics_come_from_validation_rows():
    """Oracle: the statistics of the training rows, and a planted change in the validation rows."""
    model = fitted(validation_split=0.25)
    changed = PEOPLE.copy()
    train_index, validation_index = split(model)
    assert model.history.params["rows"] == len(train_index) == 45
    number = model.preprocessor.encoder.columns[0]
    height = PEOPLE.height.to_numpy()[train_index]
    filled = np.where(np.isnan(height), np.nanmedian(height), height)
    np.testing.assert_allclose(
        [number.mean, number.scale, number.median],
        [filled.mean(), filled.std(), np.nanmedian(height)],
        rtol=1e-12,
    )
    y = PEOPLE.weight.to_numpy()[train_index]
    np.testing.assert_allclose(
        [model.preprocessor.target.mean, model.preprocessor.target.scale],
        [y.mean(), y.std()],
        rtol=1e-12,
    )
    changed.loc[validation_index, ["height", "weight"]] = 1e6
    changed.loc[validation_index, "club"] = "poker"
    other = fitted(table=changed, validation_split=0.25)
    assert other.preprocessor == model.preprocessor
    for ours, theirs in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def split(model):
    """Return the training and validation indices of a fit on PEOPLE with validation_split=0.25."""
    return train_validation_split(N, None, 0.25, "random", model.seed)


def test_predict_accepts_any_column_order_and_kind_of_table(tmp_path):
    model = fitted(labels_model(), "tall", epochs=5)
    expected = model.predict(PEOPLE)
    shuffled = PEOPLE[list(reversed(PEOPLE.columns))].drop(columns="tall").assign(extra="x")
    np.testing.assert_array_equal(model.predict(shuffled), expected)
    shuffled.to_csv(tmp_path / "new.tsv", sep="\t", index=False)
    np.testing.assert_allclose(model.predict(tmp_path / "new.tsv"), expected, rtol=1e-6)
    one = PEOPLE.drop(columns="tall").iloc[1].to_dict()
    np.testing.assert_array_equal(model.predict(one), expected[1:2])
    np.testing.assert_array_equal(model.predict([one, one]), expected[[1, 1]])
    np.testing.assert_array_equal(model.predict(model.preprocessor.transform(PEOPLE)), expected)


def test_fit_twice_is_fit_at_once():
    """Oracle: a relation. The second fit uses the encoder and the validation rows of the first."""
    options = {
        "validation_split": 0.2,
        "column_types": {"club": "drop"},
        "derive": {"half": "height / 2"},
    }
    twice, once = labels_model(), fitted(labels_model(), "tall", epochs=4, **options)
    fitted(twice, "tall", epochs=2, **options)
    preprocessor = twice.preprocessor
    twice.fit(PEOPLE, epochs=2, verbose=0, validation_split=0.2)
    assert twice.preprocessor is preprocessor
    assert "half" in preprocessor.encoder.feature_names
    assert "club=row" not in preprocessor.encoder.feature_names
    for ours, theirs in zip(twice.get_weights(), once.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(
        ConfigError,
        match=r"fit: expected the options of the first fit, target='tall', .*Received: target='weight'.*reset\(\)",
    ):
        fitted(twice, "weight")
    twice.reset()
    assert fitted(twice, "tall").preprocessor.encoder != preprocessor.encoder


def test_predicted_labels_are_those_of_the_table():
    for labels in (["a", "b", "c"], [3, 5, 9], [1.5, 2.5, 3.5]):
        table = PEOPLE.assign(kind=np.array(labels, object)[np.arange(N) % 3])
        model = fitted(
            gn.Sequential([Dense(8), Dense(3, activation="softmax")], seed=0), "kind", table
        )
        predicted = model.predict_labels(table).tolist()
        assert set(predicted) <= set(labels)
        assert isinstance(predicted[0], type(labels[0]))
    boolean = fitted(labels_model(), "member", PEOPLE.assign(member=HEIGHT > 170))
    assert boolean.predict_labels(PEOPLE).dtype == bool


def test_class_weights_are_named_by_label():
    """Oracle: a relation with sample weights."""
    by_label, by_row = labels_model(), labels_model()
    fitted(by_label, "tall", class_weight={"yes": 3.0})
    fitted(by_row, "tall", sample_weight=np.where(PEOPLE.tall == "yes", 3.0, 1.0))
    for ours, theirs in zip(by_label.get_weights(), by_row.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(
        DataError,
        match=r"class_weight: expected labels of tall, \('no', 'yes'\)\. Received: label='maybe'",
    ):
        fitted(labels_model(), "tall", class_weight={"maybe": 3.0})


def test_rows_without_a_target_are_dropped_and_counted(capsys):
    """Oracle: a relation. A fit without these rows and their sample weights gives the same."""
    gaps = PEOPLE.copy()
    gaps.loc[[3, 30], "tall"] = None
    weight = np.linspace(1, 2, N)
    model, without = labels_model(), labels_model()
    fitted(model, "tall", gaps, sample_weight=weight, verbose=2)
    assert "2 of 60 rows lack tall: left out" in capsys.readouterr().out
    fitted(without, "tall", gaps.drop(index=[3, 30]), sample_weight=np.delete(weight, [3, 30]))
    for ours, theirs in zip(model.get_weights(), without.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.warns(DataWarning, match=r"evaluate: left out 2 of 60 rows without a target"):
        scores = model.evaluate(gaps, sample_weight=weight)
    assert scores == without.evaluate(
        gaps.drop(index=[3, 30]), sample_weight=np.delete(weight, [3, 30])
    )
    with pytest.raises(
        DataError,
        match=r"sample_weight: expected one number per row, shape \(60,\)\. Received: shape=\(58,\)",
    ):
        fitted(labels_model(), "tall", gaps, sample_weight=np.ones(58))


def test_fit_prints_how_it_encodes_the_table(capsys):
    fitted(
        table=PEOPLE.assign(story=[f"once upon a time {i}" for i in range(N)]), verbose=2, epochs=1
    )
    lines = capsys.readouterr().out.splitlines()
    mean, std = PEOPLE.weight.mean(), PEOPLE.weight.std(ddof=0)
    assert lines[0] == f"weight: numbers, learned as (y - {mean:.4g}) / {std:.4g}"
    assert lines[1] == "left out: story (it is free text)"
    assert lines[2] == "4 columns as 9 numbers: height (2), sex (2), club (3), tall (2)"
    assert lines[3].startswith("loss: MeanSquaredError, as ")


def test_the_summary_and_the_trace_name_the_columns(capsys):
    model = fitted()
    model.summary()
    assert "from 4 columns as 9 numbers: height (2), sex (2), club (3), tall (2)" in " ".join(
        capsys.readouterr().out.split()
    )
    trace = model.trace(PEOPLE[1:2])
    text = str(trace)
    assert (
        "x: height, height missing, sex=f, sex=m, club=chess, club=row, club=sing, tall=no, tall=yes"
        in text
    )
    assert f"here y is {model.predict(PEOPLE[1:2]).item():.4g}" in text
    assert f"reported as {trace.loss * PEOPLE.weight.var(ddof=0):.6g}"[:18] in text
    assert trace.neuron("dense_1", 0).count("[height]") == 1
    assert "[" not in trace.neuron("dense_2", 0).split("dL/d")[-2]


def test_the_summary_names_all_columns(capsys):
    """`fit` prints at most twelve columns."""
    wide = PEOPLE.assign(**{f"measure{i}": RNG.normal(size=N) for i in range(20)})
    model = fitted(table=wide, verbose=2, epochs=1)
    assert (
        "club (3), tall (2), measure0, measure1, measure2, measure3, measure4, measure5, measure6, measure7, and 12 more"
        in (capsys.readouterr().out)
    )
    model.summary()
    summary = " ".join(capsys.readouterr().out.split())
    assert all(f"measure{i}" in summary for i in range(20))


def test_targets_apart_from_the_table():
    """Oracle: a relation. Separate labels give the scores of the labels in the table."""
    model = fitted(labels_model(), "tall")
    rest = PEOPLE.drop(columns="tall")
    assert model.evaluate(rest, PEOPLE.tall) == model.evaluate(PEOPLE)
    logs = fitted(labels_model(), "tall", validation_data=(rest, PEOPLE.tall)).history.history
    assert (
        logs["val_loss"][-1]
        == fitted(labels_model(), "tall", validation_data=PEOPLE).history.history["val_loss"][-1]
    )
    weighted = fitted(
        labels_model(), "tall", validation_data=(rest, PEOPLE.tall, np.linspace(0, 1, N))
    ).history.history
    assert weighted["val_loss"][-1] != logs["val_loss"][-1]


def test_columns_without_names_are_found_by_their_number():
    """pandas.read_csv(path, header=None) names columns 0, 1, 2. Oracle: the same frame with names."""
    rows = np.random.default_rng(0).normal(size=(40, 3))
    losses = []
    for frame, target in (
        (pandas.DataFrame(rows), 2),
        (pandas.DataFrame(rows, columns=list("012")), "2"),
    ):
        model = gn.Sequential([gn.layers.Dense(1)], seed=0)
        history = model.fit(frame, target=target, column_types={0: "number"}, verbose=0)
        losses.append(history.history["loss"])
        assert model.preprocessor.target.name == "2"
    assert losses[0] == losses[1]


def test_many_like_columns_are_one_line(capsys):
    """Oracle: by hand: 400 constant columns, six of them 1, and five with a text per row."""
    rng, n = np.random.default_rng(0), 40
    columns = {f"w{i}": np.full(n, float(i < 6)) for i in range(400)}
    columns |= {f"id{i}": [f"{i}-{j}" for j in range(n)] for i in range(5)}
    frame = {"a": rng.normal(size=n), "z": np.zeros(n)} | columns | {"y": np.tile(["u", "v"], 20)}
    model = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")], seed=0)
    model.fit(frame, target="y", epochs=1)
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("left out")] == [
        "left out: z, w0, w1 and 398 more (z: it is always 0.0), "
        "id0, id1, id2 and 2 more (nearly every row has a different value)"
    ]
    assert max(map(len, lines)) < 200


def test_many_like_columns_of_a_file_are_one_line(tmp_path, capsys):
    """Oracle: by hand: the names of 300 columns are numbers, as in a spectrum."""
    rng, file = np.random.default_rng(0), tmp_path / "spectrum.csv"
    rows = [
        [*map(str, range(400, 700)), "y"],
        *([*rng.normal(size=300), "ab"[i % 2]] for i in range(20)),
    ]
    file.write_text("\n".join(",".join(map(str, row)) for row in rows))
    model = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")], seed=0)
    model.fit(str(file), target="y", epochs=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 8
    assert sum("'400', '401', '402' and 297 more" in line for line in lines) == 1


def patients(n=300):
    """Return a table with a misspelled class, a code for missing, and a column that is the answer."""
    rng = np.random.default_rng(1)
    frame = pandas.DataFrame(
        {
            "temperature": rng.normal(37, 1, n).round(1),
            "age": rng.integers(20, 80, n),
            "state": rng.choice(["healthy", "sick"], n),
        }
    )
    frame["treated"] = frame.state == "sick"
    frame.loc[rng.random(n) < 0.1, "temperature"] = -999
    frame.loc[[4, 5], "state"] = ["Healthy", "helthy"]
    return frame


def test_problems_of_a_table_are_warnings_before_training(capsys):
    """Oracle: by construction. The first fit of a model says it once, on the user's own line."""
    layers = [Dense(4, activation="softmax")]
    model = gn.Sequential(layers, seed=0)
    with pytest.warns(DataWarning) as record:
        model.fit(patients(), target="state", verbose=0)
    texts = [str(warning.message) for warning in record]
    starts = ["state: some classes may be one", "state: each of the classes", "-999 seems to stand"]
    assert [text.startswith(start) for text, start in zip(texts, starts, strict=False)] == [
        True
    ] * 3
    assert texts[3].startswith("treated: alone gives state away.")
    assert len(texts) == 4
    assert {warning.filename for warning in record} == {__file__}
    model.fit(patients(), target="state", verbose=0)  # warnings are errors in tests
    clean = patients().drop([4, 5]).drop(columns="treated")
    two = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    two.fit(gn.data.read_table(clean, missing=[-999]), target="state", verbose=0)


def test_a_number_that_gives_the_target_away_is_a_warning():
    frame = patients()[["temperature", "age"]].replace(-999, 37)
    frame["fahrenheit"] = frame.temperature * 1.8 + 32
    with pytest.warns(DataWarning, match="fahrenheit: alone gives temperature away"):
        numbers_model().fit(frame, target="temperature", verbose=0)


def test_many_columns_without_a_known_category_are_one_warning():
    """Oracle: by hand: 40 columns of categories, of which 39 hold only new ones."""
    columns = {f"c{i}": np.tile(["a", "b"], 20) for i in range(40)}
    model = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")], seed=0)
    model.fit(columns | {"y": np.tile(["u", "v"], 20)}, target="y", epochs=1, verbose=0)
    rows = {f"c{i}": ["z", "z" if i else "a"] for i in range(40)}
    with pytest.warns(DataWarning) as warned:
        model.predict(rows)
    assert [str(warning.message) for warning in warned] == [
        "column 'c1', column 'c2', column 'c3' and 36 more: none of the training categories among z"
    ]
