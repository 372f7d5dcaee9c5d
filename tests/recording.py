"""Recorded results of Keras in tests/recorded/*.npz, so that tests do not need to import Keras.

A test uses the fixture `recorded` with a function that computes the result in Keras:
`recorded(lambda keras, x: keras.ops.relu(x), x)`. Every such test runs twice. [recorded] gets the
stored numbers. [live], marked live_keras and slow, runs Keras, compares its numbers with the stored
ones, and returns the former. `pytest --record-keras FILES` runs Keras and stores its numbers in one
file per test module.

A recording stores a fingerprint of its inputs: shapes, types, all values that are not floats, and
weighted sums of the floats, which may differ in the last bits on another machine. Other inputs are
an error.
"""

import hashlib
import importlib.metadata
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parent / "recorded"
ROUNDING = 1e-5
"""The largest difference, relative and absolute, of Keras's numbers on two machines."""
SAME_INPUTS = 1e-6
"""The largest difference of weighted sums of inputs, relative to the sum of absolute values."""


def plain(answer):
    """Return an answer as dicts, lists, NumPy arrays and JSON values."""
    if isinstance(answer, dict):
        return {str(key): plain(value) for key, value in answer.items()}
    if isinstance(answer, list | tuple):
        return [plain(value) for value in answer]
    if answer is None or isinstance(answer, bool | int | float | str):
        return answer
    return np.asarray(answer)


def fingerprint(inputs):
    """Return a hash of the exact part of the inputs, and two sums of each array of floats."""
    sums = []

    def describe(value):
        if isinstance(value, dict):
            return {str(key): describe(value[key]) for key in sorted(value)}
        if isinstance(value, list | tuple):
            return [describe(item) for item in value]
        if not hasattr(value, "__array__"):
            assert " at 0x" not in repr(value), f"an input must be a value or an array: {value!r}"
            return repr(value)
        array = np.asarray(value)
        if not np.issubdtype(array.dtype, np.floating):
            return [array.dtype.name, array.shape, hashlib.sha256(array.tobytes()).hexdigest()]
        flat = array.ravel().astype(np.float64)
        sums.append([float(flat @ np.cos(1.0 + np.arange(flat.size))), float(np.abs(flat).sum())])
        return [array.dtype.name, array.shape]

    return hashlib.sha256(json.dumps(describe(inputs)).encode()).hexdigest()[:16], sums


def same_inputs(one, other):
    """Return whether two fingerprints belong to equal inputs."""
    if one[0] != other[0] or len(one[1]) != len(other[1]):
        return False
    return all(
        abs(a - b) <= SAME_INPUTS * max(size, other_size)
        for (a, size), (b, other_size) in zip(one[1], other[1], strict=True)
    )


def same_answer(got, stored, tolerance, where="answer"):
    """Assert that two answers are equal, with `tolerance` (relative and absolute) for numbers."""
    if isinstance(got, dict) and isinstance(stored, dict):
        assert list(got) == list(stored), where
        for key in got:
            same_answer(got[key], stored[key], tolerance, f"{where}[{key!r}]")
    elif isinstance(got, list) and isinstance(stored, list):
        assert len(got) == len(stored), where
        for i, (a, b) in enumerate(zip(got, stored, strict=True)):
            same_answer(a, b, tolerance, f"{where}[{i}]")
    elif isinstance(got, np.ndarray | float):
        a, b = np.asarray(got), np.asarray(stored)
        assert (a.shape, a.dtype) == (b.shape, b.dtype), where
        np.testing.assert_allclose(
            a,
            b,
            rtol=tolerance,
            atol=tolerance,
            err_msg=f"{where}: Keras and the recording differ",
        )
    else:
        assert (type(got), got) == (type(stored), stored), where


@dataclass(frozen=True)
class Case:
    """Answer of Keras, with the fingerprint of its inputs."""

    inputs: tuple[str, list[list[float]]]
    answer: Any


@dataclass
class Recordings:
    """Cases of one test module, stored as a JSON text and the bytes of all arrays."""

    file: Path
    versions: dict[str, str]
    cases: dict[str, Case]

    @classmethod
    def read(cls, file):
        if not file.exists():
            return cls(file, {}, {})
        with np.load(file) as stored:
            about, numbers = json.loads(stored["about"].tobytes()), stored["numbers"].tobytes()

        def unpack(answer):
            if isinstance(answer, list):
                return [unpack(item) for item in answer]
            if not isinstance(answer, dict):
                return answer
            if "dict" in answer:
                return {key: unpack(value) for key, value in answer["dict"].items()}
            shape, dtype = answer["shape"], np.dtype(answer["dtype"])
            return np.frombuffer(
                numbers, dtype, int(np.prod(shape, dtype=int)), answer["at"]
            ).reshape(shape)

        cases = {
            name: Case(tuple(case["inputs"]), unpack(case["answer"]))
            for name, case in about["cases"].items()
        }
        return cls(file, about["versions"], cases)

    def write(self):
        numbers = bytearray()

        def pack(answer):
            if isinstance(answer, dict):
                return {"dict": {key: pack(value) for key, value in answer.items()}}
            if isinstance(answer, list):
                return [pack(item) for item in answer]
            if not isinstance(answer, np.ndarray):
                return answer
            at = len(numbers)
            numbers.extend(answer.tobytes())
            return {"dtype": answer.dtype.name, "shape": answer.shape, "at": at}

        cases = {
            name: {"inputs": case.inputs, "answer": pack(case.answer)}
            for name, case in sorted(self.cases.items())
        }
        text = json.dumps({"versions": self.versions, "cases": cases}).encode()
        self.file.parent.mkdir(exist_ok=True)
        np.savez_compressed(
            self.file,
            about=np.frombuffer(text, np.uint8),
            numbers=np.frombuffer(bytes(numbers), np.uint8),
        )

    def stored(self, name, inputs):
        """Return the recorded answer for these inputs."""
        fix = f"Run pytest --record-keras {self.file.stem}.py and look at the changes."
        if name not in self.cases:
            pytest.fail(f"{self.file.name}: no recording of {name!r}. {fix}", pytrace=False)
        case = self.cases[name]
        if not same_inputs(inputs, case.inputs):
            made = " on ".join(f"{package} {version}" for package, version in self.versions.items())
            message = f"{name!r} was recorded (by {made}) with other inputs. {fix}"
            pytest.fail(f"{self.file.name}: {message}", pytrace=False)
        return case.answer

    def add(self, name, inputs, answer):
        """Record an answer. A name may have one set of inputs only."""
        if name in self.cases and not same_inputs(inputs, self.cases[name].inputs):
            message = f"{name!r} has two different inputs. Pass name=... to tell them apart."
            pytest.fail(f"{self.file.name}: {message}", pytrace=False)
        self.cases[name] = Case(inputs, answer)


RECORDINGS = pytest.StashKey[dict[Path, Recordings]]()
"""The recordings by file: those read, or with --record-keras those to be written."""


def pytest_addoption(parser):
    parser.addoption(
        "--record-keras",
        action="store_true",
        help="run Keras and store its numbers under tests/recorded, in one process",
    )


def pytest_configure(config):
    config.stash[RECORDINGS] = {}
    if config.getoption("--record-keras") and (
        hasattr(config, "workerinput") or getattr(config.option, "numprocesses", None)
    ):
        raise pytest.UsageError(
            "--record-keras: expected one process, as it writes whole files. Leave out -n."
        )


def pytest_generate_tests(metafunc):
    if "recorded" in metafunc.fixturenames:
        live = pytest.param("live", marks=[pytest.mark.live_keras, pytest.mark.slow])
        recording = metafunc.config.getoption("--record-keras")
        metafunc.parametrize(
            "recorded", ["record"] if recording else ["recorded", live], indirect=True
        )


def pytest_sessionfinish(session):
    config = session.config
    if config.getoption("--record-keras"):
        part = (
            config.option.keyword
            or config.option.markexpr
            or any("::" in arg for arg in config.args)
        )
        for new in config.stash[RECORDINGS].values():
            if part:  # a full run drops recordings that no test uses
                new.cases = Recordings.read(new.file).cases | new.cases
            new.write()


def run_live(live, inputs):
    """Return the answer of Keras, without its warnings."""
    from oracles import import_keras

    keras = import_keras()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return plain(live(keras, *inputs))


@pytest.fixture
def recorded(request):
    """Return a function that gives the result of Keras.

    `recorded(live, *inputs, name="", tolerance=...)` is the result of `live(keras, *inputs)`. A
    test with several results names them.
    """
    mode, recordings = request.param, request.config.stash[RECORDINGS]
    file = FOLDER / f"{request.path.stem}.npz"
    case = f"{request.node.originalname} {request.node.callspec.id.removeprefix(mode).removeprefix('-')}".strip()
    if file not in recordings:
        versions = (
            {package: importlib.metadata.version(package) for package in ("keras", "jax")}
            if mode == "record"
            else {}
        )
        recordings[file] = (
            Recordings(file, versions, {}) if mode == "record" else Recordings.read(file)
        )

    def get(live, *inputs, name="", tolerance=ROUNDING):
        key, inputs_fingerprint = f"{case}: {name}" if name else case, fingerprint(inputs)
        if mode == "recorded":
            return recordings[file].stored(key, inputs_fingerprint)
        answer = run_live(live, inputs)
        if mode == "record":
            recordings[file].add(key, inputs_fingerprint, answer)
        else:
            same_answer(answer, recordings[file].stored(key, inputs_fingerprint), tolerance)
        return answer

    return get
