"""Tests of the recordings of Keras: they are read as written, and other inputs are an error."""

from types import SimpleNamespace

import numpy as np
import pytest

import recording
from recording import FOLDER, Recordings, fingerprint, plain, same_answer, same_inputs

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
ANSWER = {
    "losses": [0.1, float("nan"), 1e-300],
    "y": X,
    "mask": X > 0,
    "ids": np.arange(3),
    "none": None,
    "one": np.float32(0.3),
    "empty": np.zeros((0, 2)),
    "words": ["a", True, 7, [], {}],
}


def written(tmp_path):
    recordings = Recordings(tmp_path / "test_a.npz", {"keras": "1.2", "jax": "3.4"}, {})
    recordings.add("case", fingerprint((X, {"units": 3})), plain(ANSWER))
    recordings.write()
    return Recordings.read(recordings.file)


def test_answers_come_back_to_the_bit(tmp_path):
    recordings = written(tmp_path)
    same_answer(plain(ANSWER), recordings.stored("case", fingerprint((X, {"units": 3}))), 0)
    assert recordings.versions == {"keras": "1.2", "jax": "3.4"}


def test_equal_answers_are_equal_files(tmp_path):
    first = written(tmp_path).file.read_bytes()
    assert written(tmp_path).file.read_bytes() == first


@pytest.mark.parametrize(
    "inputs",
    [
        (X + np.float32(1e-4), {"units": 3}),
        (2 * X, {"units": 3}),
        (X[::-1], {"units": 3}),
        (X.T, {"units": 3}),
        (X.astype(np.float64), {"units": 3}),
        (X, {"units": 4}),
        (X, {"units": 3, "use_bias": False}),
        (X,),
    ],
    ids=["moved", "scaled", "turned", "transposed", "wider", "option", "more", "fewer"],
)
def test_other_inputs_are_refused(tmp_path, inputs):
    text = r"test_a\.npz: 'case' was recorded \(by keras 1\.2 on jax 3\.4\) with other inputs\. Run pytest --record"
    with pytest.raises(pytest.fail.Exception, match=text):
        written(tmp_path).stored("case", fingerprint(inputs))


def test_the_last_bit_of_an_input_is_another_machines():
    assert same_inputs(fingerprint(np.nextafter(X, np.float32(9))), fingerprint(X))
    assert not same_inputs(fingerprint([3, 4]), fingerprint([4, 3]))
    assert not same_inputs(fingerprint(np.array([3, 4])), fingerprint(np.array([4, 3])))
    with pytest.raises(AssertionError, match="an input must be a value or an array"):
        fingerprint([object()])


def test_what_is_not_recorded_is_said(tmp_path):
    with pytest.raises(
        pytest.fail.Exception,
        match=r"test_a\.npz: no recording of 'other'\. Run pytest --record-k",
    ):
        written(tmp_path).stored("other", fingerprint(X))


def test_two_questions_have_two_names(tmp_path):
    recordings = written(tmp_path)
    recordings.add("case", fingerprint((X, {"units": 3})), plain(ANSWER))
    with pytest.raises(pytest.fail.Exception, match="'case' has two different inputs"):
        recordings.add("case", fingerprint(X), plain(ANSWER))


@pytest.mark.parametrize(
    "change",
    [
        {"losses": [0.1, float("nan"), 0.1]},
        {"y": X + np.float32(1e-3)},
        {"y": X[:2]},
        {"y": X.astype(np.float64)},
        {"mask": X > 0.5},
        {"none": 0},
        {"words": ["b", True, 7, [], {}]},
        {"words": ["a", 1, 7, [], {}]},
        {"more": 1},
    ],
    ids=str,
)
def test_keras_is_held_to_what_is_recorded(change):
    stored = plain(ANSWER)
    same_answer(plain(ANSWER | {"y": X * np.float32(1 + 1e-6)}), stored, recording.ROUNDING)
    with pytest.raises(AssertionError):
        same_answer(plain(ANSWER | change), stored, recording.ROUNDING)


@pytest.mark.parametrize("record", [False, True])
def test_a_test_comes_recorded_and_live_or_records(record):
    calls = []
    config = SimpleNamespace(getoption=lambda name: record)
    metafunc = SimpleNamespace(
        fixturenames=["recorded"],
        config=config,
        parametrize=lambda *args, **options: calls.append(args),
    )
    recording.pytest_generate_tests(metafunc)
    ((name, modes),) = calls
    assert name == "recorded"
    if record:
        assert modes == ["record"]
    else:
        assert modes[0] == "recorded"
        assert modes[1].values == ("live",)
        assert {mark.name for mark in modes[1].marks} == {"live_keras", "slow"}


def test_recordings_are_of_tests_and_small():
    files = list(FOLDER.glob("*"))
    modules = {path.stem for path in FOLDER.parent.rglob("test_*.py")}
    assert {path.stem for path in files} <= modules
    assert sum(path.stat().st_size for path in files) < 1_000_000


def test_numbers_as_recorded_need_no_keras(recorded, request):
    """Only [live] runs the function."""
    ran = []
    got = recorded(lambda keras, x: ran.append(keras.__name__) or keras.ops.relu(x), X)
    np.testing.assert_array_equal(got, np.maximum(X, 0))
    assert ran == ([] if request.node.callspec.params["recorded"] == "recorded" else ["keras"])
