"""Diagnosis before training. Oracles: faults put in on purpose, and `fit` on the same data."""

import pickle
import signal
from dataclasses import asdict, dataclass

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

import glassnet as gn
from glassnet.errors import ArgumentError, ConfigError, DataError
from glassnet.layers import Dense, Dropout, Embedding, Layer
from glassnet.optimizers import SGD, Adam
from glassnet.selection import diagnosis, smoke_tests

RNG = np.random.default_rng(0)
X = RNG.normal(size=(240, 4)).astype(np.float32)
LABELS = (X[:, 0] + X[:, 1] > 0).astype(int)
NUMBERS = X[:, 0] - 2 * X[:, 1]
HUGE = np.column_stack([X, 1e4 * RNG.normal(size=240)])  # a column of noise drowns the others


def classifier(rate=0.01, activation="sigmoid", loss="binary_crossentropy", seed=0):
    model = gn.Sequential([Dense(8, activation="tanh"), Dense(1, activation=activation)], seed=seed)
    model.compile(Adam(rate), loss)
    return model


def rule_of(findings):
    return findings.alarms[0].rule if findings.alarms else ""


def test_a_healthy_model_has_no_findings():
    findings = gn.diagnose(classifier(), X, LABELS, epochs=30)
    assert list(findings) == []
    names = ("overfitting", "validation_noise")
    assert findings.skipped == dict.fromkeys(names, "only the whole fit shows it")
    assert str(findings).startswith("No problem found.")


def test_the_model_stays_as_it_is():
    """Oracle: a model that was never diagnosed."""
    model, other = classifier(), classifier()
    gn.diagnose(model, X, LABELS, epochs=2)
    assert not model.built
    assert model.epoch == 0
    assert model.history is None
    for each in (model, other):
        each.fit(X, LABELS, epochs=2, verbose=0)
    before = model.get_weights()
    gn.diagnose(model, X * 1000, LABELS, epochs=2)
    for weights in (model.get_weights(), other.get_weights()):
        assert all(map(np.array_equal, weights, before))
    assert model.epoch == 2


def test_a_rate_in_the_evidence_is_the_number_that_the_user_wrote():
    (finding,) = gn.diagnose(classifier(1e-9), X, LABELS, epochs=30)
    assert finding.evidence["learning_rate"] == 1e-9
    assert finding.consequence.startswith("The best validation loss of a short training is 0.")


def test_the_same_call_has_the_same_result():
    calls = [gn.diagnose(classifier(30.0), X, LABELS, epochs=10) for _ in range(2)]
    assert calls[0].to_dict() == calls[1].to_dict()
    assert len(calls[0]) == 1


@pytest.mark.parametrize(
    ("expected", "model", "x", "y"),
    [
        ("rate_too_high", classifier(30.0), X, LABELS),
        ("rate_too_low", classifier(1e-7), X, LABELS),
        ("no_signal", classifier(), X, RNG.permutation(LABELS)),
        ("raw_scale", classifier(), HUGE, LABELS),
        ("wrong_output", classifier(activation="sigmoid", loss="mse"), X, 50 + NUMBERS),
    ],
)
def test_faults_are_named_before_training(expected, model, x, y):
    """Oracle: the fault that was put in."""
    findings = gn.diagnose(model, x, y, epochs=40)
    assert rule_of(findings) == expected
    assert findings[0].consequence
    assert findings[0].remedy


def test_the_rules_see_what_fit_sees():
    """Oracle: `history.evidence` of a fit on the same rows, all of which the smoke test uses."""
    model = classifier(30.0)
    seen = []
    real = diagnosis.judge
    try:
        diagnosis.judge = lambda evidence, mute: seen.append(evidence) or real(evidence, mute)
        gn.diagnose(model, X, LABELS, epochs=5, validation_split=0.2)
    finally:
        diagnosis.judge = real
    history = classifier(30.0).fit(X, LABELS, epochs=5, validation_split=0.2, verbose=0)
    (evidence,) = seen
    assert np.array_equal(evidence.run.loss, history.evidence.run.loss)
    assert np.array_equal(evidence.run.val_loss, history.evidence.run.val_loss)
    np.testing.assert_equal(asdict(evidence.rivals), asdict(history.evidence.rivals))
    assert evidence.is_smoke_test
    assert not history.evidence.is_smoke_test


def test_a_training_that_only_needs_more_steps_is_no_alarm(monkeypatch):
    """Oracle: `fit` with all planned epochs, which learns what a linear model cannot."""
    monkeypatch.setattr(diagnosis, "MAX_STEPS", 150)
    x = np.random.default_rng(3).uniform(-1, 1, (400, 2)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    model = classifier(0.003)
    findings = gn.diagnose(model, x, y, epochs=200)
    assert list(findings) == []
    reason = "the short training had 150 of 2,600 steps, and the others may suffice"
    assert findings.skipped["no_better_than_baseline"] == reason
    history = model.fit(x, y, epochs=200, verbose=0, validation_split=0.25)
    assert history.history["val_loss"][-1] < 0.3
    assert list(gn.diagnose(classifier(30.0), x, y, epochs=200)) != []


def test_rules_can_be_muted():
    findings = gn.diagnose(classifier(30.0), X, LABELS, epochs=5, mute=["rate_too_high"])
    assert "rate_too_high" not in (*(each.rule for each in findings), *findings.checked)
    gn.diagnose(classifier(), X, LABELS, epochs=1, mute="overfitting")
    with pytest.raises(ConfigError, match=r"mute.*Did you mean 'raw_scale'"):
        gn.diagnose(classifier(), X, LABELS, mute=["raw_scales"])


def test_callbacks_and_printing_have_no_effect(capsys):
    class Counter(gn.callbacks.Callback):
        def update(self, memory, record):
            raise AssertionError("a smoke test calls no callback")

    gn.diagnose(classifier(), X, LABELS, epochs=2, verbose=1, callbacks=[Counter()])
    assert capsys.readouterr().out == ""


# ------------------------------------------------------------------------------- kinds of data


def frame():
    table = pd.DataFrame(X, columns=list("abcd"))
    table["kind"] = np.where(LABELS, "yes", "no")
    return table


@pytest.mark.parametrize(
    "open_data",
    [
        lambda path: (X.tolist(), LABELS.tolist(), {}),
        lambda path: (frame(), None, {"target": "kind"}),
        lambda path: (
            frame().to_csv(path / "t.csv", index=False) or path / "t.csv",
            None,
            {"target": "kind", "column_types": {"d": "drop"}},
        ),
        lambda path: ([(X[i : i + 30], LABELS[i : i + 30]) for i in range(0, 240, 30)], None, {}),
        lambda path: (lambda: iter([(X, LABELS)]), None, {}),
        lambda path: (X, LABELS, {"sample_weight": np.ones(240), "class_weight": "balanced"}),
        lambda path: (X[50:], LABELS[50:], {"validation_data": (X[:50], LABELS[:50])}),
        lambda path: (X, LABELS, {"batch_size": "full"}),
    ],
    ids=["lists", "frame", "csv", "batches", "function", "weights", "validation", "full"],
)
def test_every_kind_of_data(open_data, tmp_path):
    x, y, options = open_data(tmp_path)
    assert list(gn.diagnose(classifier(0.03), x, y, epochs=30, **options)) == []


def test_a_memory_map(tmp_path):
    np.save(tmp_path / "x.npy", X)
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert list(gn.diagnose(classifier(0.03), x, LABELS, epochs=30)) == []
    assert rule_of(gn.diagnose(classifier(30.0), x, LABELS, epochs=10)) == "rate_too_high"


def test_a_series_and_texts_and_images(tmp_path):
    series = gn.data.series(pd.DataFrame({"v": np.sin(np.arange(200) / 4)}), target="v", length=6)
    model = gn.Sequential([gn.layers.Flatten(), Dense(1)], seed=0)
    assert list(gn.diagnose(model, series)) == []

    texts = np.array(["good film", "bad film", "good play", "bad play"] * 30)
    layers = [
        gn.layers.TextVectorization().adapt(texts),
        Embedding(20, 4),
        gn.layers.GlobalAveragePooling1D(),
    ]
    model = gn.Sequential([*layers, Dense(1, activation="sigmoid")], seed=0)
    model.compile(Adam(0.05), "binary_crossentropy")
    findings = gn.diagnose(model, texts, np.array([1, 0] * 60), epochs=30)
    assert rule_of(findings) == ""


# ---------------------------------------------------------------------------------- bad input


def test_a_model_without_loss_and_one_of_keras():
    model = gn.Sequential([Dense(8, activation="relu"), Dense(1, activation="sigmoid")], seed=0)
    assert list(gn.diagnose(model, X, LABELS)) == []
    assert model.optimizer is None

    from glassnet import keras

    other = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
    other.compile("adam", "binary_crossentropy")
    gn.diagnose(other, X, LABELS, epochs=2)


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("model", "expected a model as the first argument. Received: model='str'"),
        (gn.Sequential, "model='the class Sequential'"),
        (None, "Pass a gn.Sequential, or a model with Keras's layout."),
    ],
)
def test_what_is_no_model_is_refused(model, text):
    with pytest.raises(ConfigError) as error:
        gn.diagnose(model, X, LABELS)
    assert text in str(error.value)


def test_an_estimator_is_refused_with_what_to_do():
    with pytest.raises(ConfigError, match=r"estimator\.model_\.history\.findings"):
        gn.diagnose(gn.estimators.NeuralClassifier(), X, LABELS)


def test_arguments_out_of_range():
    with pytest.raises(ConfigError, match="epochs to be an int >= 1 or None"):
        gn.diagnose(classifier(), X, LABELS, epochs=0)
    with pytest.raises(ConfigError, match="batch_size to be an int >= 1"):
        gn.diagnose(classifier(), X, LABELS, batch_size=0)
    with pytest.raises(ArgumentError, match="Did you mean 'sample_weight'"):
        gn.diagnose(classifier(), X, LABELS, sample_weights=X[:, 0])


def test_an_iterator_is_refused_and_keeps_its_batches():
    batches = iter([(X, LABELS)] * 3)
    with pytest.raises(ConfigError, match="expected batches that can be iterated again") as error:
        gn.diagnose(classifier(), batches)
    assert "Pass a list, or a function that returns a new iterator." in str(error.value)
    assert len(list(batches)) == 3


@dataclass(frozen=True)
class Scale(Layer):
    start: float = 1.0

    def init(self, rng, shape):
        return {"scale": np.full(shape, self.start, np.float32)}

    def __call__(self, params, x):
        return params["scale"] * x


@pytest.mark.parametrize(("rate", "expected"), [(0.05, ""), (50.0, "not_finite")])
def test_a_loss_and_a_layer_of_the_user(rate, expected):
    """Oracle: the rate, which is usual or not."""
    model = gn.Sequential([Scale(), Dense(1)], seed=0)
    model.compile(SGD(rate), lambda y, output: jnp.mean(jnp.abs(y - output) ** 1.5, -1))
    assert rule_of(gn.diagnose(model, X, NUMBERS, epochs=40)) == expected


def bad_rows():
    x = X.copy()
    x[7, 2] = np.nan
    return x


@pytest.mark.parametrize(
    ("x", "y", "options"),
    [
        (bad_rows(), LABELS, {}),
        (X, LABELS[:-1], {}),
        (X, LABELS + 1.5, {}),
        (X, None, {}),
        (X[:0], LABELS[:0], {}),
        (X, LABELS, {"sample_weight": -np.ones(240)}),
        (X, LABELS, {"validation_split": 1.5}),
        (X, LABELS, {"target": "a"}),
        ([(X, LABELS)], None, {"validation_split": 0.2}),
        ([], None, {}),
    ],
)
def test_unusable_data_raise_what_fit_raises(x, y, options):
    """Oracle: `fit`."""
    with pytest.raises((ConfigError, DataError)) as expected:
        classifier().fit(x, y, verbose=0, **options)
    with pytest.raises(type(expected.value)) as error:
        gn.diagnose(classifier(), x, y, **options)
    assert str(error.value) == str(expected.value)


def test_few_rows_are_skipped_and_equal_targets_are_a_finding():
    few = gn.diagnose(classifier(), X[:5], np.arange(5) % 2)
    assert list(few) == []
    reason = "a short training needs 8 rows, but there are 5"
    assert few.skipped["rate_too_high"] == few.skipped["no_signal"] == reason
    same = gn.diagnose(classifier(), X, np.ones(240))
    assert [each.symptom for each in same] == ["All 240 training rows have the same target, 1."]
    assert same.skipped["raw_scale"] == "all targets are equal, so there is nothing to learn"
    model = gn.Sequential([Dense(1)], seed=0)
    numbers = gn.diagnose(model, X, np.full(240, 3.5))
    assert rule_of(numbers) == "no_signal"
    assert numbers.skipped["raw_scale"].startswith("all targets")
    one_row = gn.diagnose(classifier(), X[:1], LABELS[:1])
    assert list(one_row) == []
    assert one_row.skipped["no_signal"] == "a short training needs 8 rows, but there are 1"


def test_ctrl_c_in_the_smoke_test(monkeypatch):
    class Guard:
        interrupted = True

        def __enter__(self):
            return self

        def __exit__(self, *failure):
            pass

    monkeypatch.setattr(smoke_tests, "InterruptGuard", Guard)
    before = signal.getsignal(signal.SIGINT)
    findings = gn.diagnose(classifier(30.0), X, LABELS)
    assert list(findings) == []
    assert findings.skipped["rate_too_high"] == "the short training was interrupted by Ctrl-C"
    assert signal.getsignal(signal.SIGINT) is before


def test_a_slow_model_is_skipped(monkeypatch):
    monkeypatch.setattr(diagnosis, "MAX_SECONDS", 0.0)
    findings = gn.diagnose(classifier(30.0), X, LABELS)
    assert list(findings) == []
    assert findings.skipped["no_signal"] == "one epoch of the short training took too long"


# -------------------------------------------------------------------------------------- fuzz

KINDS = ("numbers", "classes", "one_hot", "binary", "several_numbers", "sequences", "ids")


def make_case(seed):
    """Return a random small model and random data, often badly matched on purpose."""
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    n, width = int(rng.choice([3, 9, 30, 90])), int(rng.choice([1, 3, 6]))
    x = rng.normal(size=(n, width)) * 10.0 ** rng.integers(-3, 5)
    if rng.random() < 0.2:
        x[:] = x[:1]
    layers = [Dense(int(rng.integers(1, 6)), activation=str(rng.choice(["relu", "tanh"])))]
    if rng.random() < 0.3:
        layers += [Dropout(0.5)]
    y, last = rng.normal(size=n), Dense(1)
    if kind == "classes":
        y, last = rng.integers(0, 3, n), Dense(3, activation="softmax")
    elif kind == "one_hot":
        y, last = np.eye(3)[rng.integers(0, 3, n)], Dense(3, activation="softmax")
    elif kind == "binary":
        y, last = rng.integers(0, 2, n), Dense(1, activation="sigmoid")
    elif kind == "several_numbers":
        y, last = rng.normal(size=(n, 2)), Dense(2)
    elif kind == "sequences":
        x = rng.normal(size=(n, 4, width))
        layers = [gn.layers.Masking(0.0), gn.layers.SimpleRNN(3)]
    elif kind == "ids":
        x = rng.integers(0, 9, (n, 5))
        layers = [Embedding(9, 3, mask_zero=True), gn.layers.GlobalAveragePooling1D()]
    model = gn.Sequential([*layers, last], seed=seed)
    if rng.random() < 0.8:
        losses = {"numbers": ["mse", "mae", "huber"], "several_numbers": ["mse"]}
        loss = None if kind not in losses else str(rng.choice(losses[kind]))
        if loss:
            rate = float(10.0 ** rng.integers(-6, 3))
            model.compile(rng.choice([SGD, Adam])(rate), loss)
    return model, x, y


@pytest.mark.parametrize("seed", range(14))
def test_random_models_and_data_raise_no_error(seed):
    """Whatever `fit` can train can be diagnosed, and findings can be stored and printed."""
    model, x, y = make_case(seed)
    findings = gn.diagnose(model, x, y, epochs=4, batch_size=16)
    again = pickle.loads(pickle.dumps(findings))
    assert str(again) == str(findings)
    assert again.skipped == findings.skipped
    assert findings._repr_html_()
    model.fit(x, y, epochs=1, verbose=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(14, 54))
def test_more_random_models_and_data_raise_no_error(seed):
    test_random_models_and_data_raise_no_error(seed)
