"""Values that processes exchange. Oracle: the values that each process sent."""

import json
import subprocess
import sys

import numpy as np
import pytest
from process_scripts import environment, finish, start_pair

from glassnet.errors import ConfigError, DataError
from glassnet.processes import exchange

EXCHANGES = """
import json, sys
import numpy as np
import glassnet as gn
from glassnet.errors import DataError
from glassnet.processes import exchange

process = gn.distribute()
exchange.MAX_KEYS = 5
own = {"index": process.index, "array": np.arange(3, dtype=np.float32) + process.index}
result = {"count": process.count, "index": process.index}
received = exchange.broadcast(own, "own values")
result["broadcast"] = [received["index"], received["array"].tolist(), str(received["array"].dtype)]
result["gathered"] = [each["index"] for each in exchange.all_gather(own, "own values")]
result["many"] = [exchange.broadcast(10 * process.index + i, "number") for i in range(23)]
result["eras"] = exchange._group.era
result["called"] = exchange.call_on_first(lambda: 5 + process.index, "a result")

def refuse():
    raise DataError("row 7 is empty.")

try:
    exchange.call_on_first(refuse, "a refusal")
except DataError as error:
    result["refused"] = str(error)
try:
    exchange.raise_together(DataError("no rows") if process.index else None, "rows")
except DataError as error:
    result["together"] = str(error)
exchange.barrier("the end")
open(sys.argv[1] + str(process.index), "w").write(json.dumps(result))
"""


def test_two_processes_exchange_values(tmp_path):
    """Also when values of the past are deleted after every five exchanges."""
    for code, out, err in finish(start_pair(EXCHANGES, tmp_path / "result")):
        assert code == 0, out + err
    first, second = (json.loads((tmp_path / f"result{i}").read_text()) for i in range(2))
    assert (first.pop("index"), second.pop("index")) == (0, 1)
    assert first.pop("together") == "process 1: no rows"
    assert second.pop("together") == "no rows"
    assert first.pop("eras") == second.pop("eras") >= 4
    expected = {
        "count": 2,
        "broadcast": [0, [0.0, 1.0, 2.0], "float32"],
        "gathered": [0, 1],
        "many": list(range(23)),
        "called": 5,
        "refused": "row 7 is empty.",
    }
    assert first == second == expected


MISMATCH = """
import glassnet as gn
from glassnet.processes import exchange

process = gn.distribute()
if {same_call}:
    exchange.barrier("the fit" if process.index else "the evaluation")
elif process.index == {ends}:
    {ending}
exchange.barrier("the end")
"""


def run_mismatch(same_call=False, ends=1, ending="pass"):
    code = MISMATCH.format(same_call=same_call, ends=ends, ending=ending)
    return finish(start_pair(code))


@pytest.mark.slow
def test_processes_at_different_calls_are_named():
    outcomes = run_mismatch(same_call=True)
    assert all(code != 0 for code, _, _ in outcomes)
    errors = "".join(err for _, _, err in outcomes)
    assert "expected process" in errors
    assert "call='the fit'" in errors or "call='the evaluation'" in errors
    assert "Every process must run the same script" in errors


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        ("raise ValueError('no file')", "Process 1 ended: ValueError: no file."),
        ("raise SystemExit(3)", "Process 1 ended: its script ended."),
    ],
)
def test_a_process_that_ends_early_ends_the_other(ending, reason):
    """JAX alone would let both wait for each other."""
    (first_code, _, first_error), (second_code, _, second_error) = run_mismatch(ending=ending)
    assert first_code == second_code == 1
    assert reason in first_error
    assert "no file" in second_error or "ended while the others go on" in second_error


@pytest.mark.slow
@pytest.mark.parametrize("failing", [0, 1])
def test_a_process_that_is_done_ends_quietly_after_an_error_of_the_other(failing):
    """JAX alone would abort it, with lines about RPC that no user understands."""
    code = f"""
import time
import glassnet as gn

if gn.distribute().index == {failing}:
    time.sleep(0.5)
    raise ValueError("no file")
"""
    outcomes = finish(start_pair(code))
    failed, done = outcomes[failing], outcomes[1 - failing]
    assert failed[0] == 1
    assert failed[2].endswith("ValueError: no file\n")
    assert (done[0], done[2]) == (0, "")


def test_one_process_gets_its_own_values_at_once():
    def refuse():
        raise DataError("no rows")

    assert (exchange.process_count(), exchange.process_index(), exchange.is_first()) == (1, 0, True)
    value = object()
    assert exchange.broadcast(value, "a value") is value
    assert exchange.all_gather(value, "a value") == [value]
    assert exchange.call_on_first(lambda: value, "a value") is value
    exchange.barrier("here")
    exchange.raise_together(None, "errors")
    with pytest.raises(DataError, match="no rows"):
        exchange.raise_together(DataError("no rows"), "errors")
    with pytest.raises(DataError, match="no rows"):
        exchange.call_on_first(refuse, "a value")


def test_one_process_does_not_load_jax():
    code = (
        "from glassnet.processes import exchange as e, start; e.broadcast(1, 'x'); e.barrier('y')"
    )
    code += "; import sys; assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], env=environment(), check=True)


def test_values_are_the_same_after_their_way():
    value = {
        "none": None,
        "numbers": [1, 2.5, float("inf"), 1e-300],
        "text": "line\nü",
        "arrays": [np.arange(6.0).reshape(2, 3)[:, ::2], np.float32(0.1), np.array(["a"])],
    }
    received = exchange.decode(exchange.encode(value))
    arrays = received.pop("arrays")
    for sent, array in zip(value.pop("arrays"), arrays, strict=True):
        assert array.dtype == sent.dtype
        np.testing.assert_array_equal(array, sent)
    assert received == value


def test_objects_of_other_types_are_refused():
    with pytest.raises(TypeError, match="object cannot be sent to another process"):
        exchange.encode([object()])
    with pytest.raises(ValueError, match="allow_pickle=False"):
        exchange.encode(np.array([object()]))


class StoredValues:
    """A store with the methods of JAX's client; a value that is missing never comes."""

    def __init__(self, values):
        self.values = values

    def blocking_key_value_get_bytes(self, key, timeout_in_ms):
        return self.key_value_try_get_bytes(key, "DEADLINE_EXCEEDED")

    def key_value_try_get_bytes(self, key, missing="NOT_FOUND"):
        from jax.errors import JaxRuntimeError

        if key not in self.values:
            raise JaxRuntimeError(missing)
        return self.values[key]


def test_a_long_wait_says_for_whom(monkeypatch, capsys):
    """The other process then ends, which is an error."""
    monkeypatch.setattr(exchange, "NOTICE_SECONDS", 0.0)
    values = {}
    group = exchange.ProcessGroup(StoredValues(values), 1, 2)
    monkeypatch.setattr(
        group, "_say", lambda text: (print(text), values.update({"glassnet/ended/0": b"KeyError"}))
    )
    with pytest.raises(ConfigError, match=r"at: rates\. Process 0 ended: KeyError\."):
        group.receive(0, "rates")
    assert capsys.readouterr().out == "has waited 0 s for process 0, at: rates\n"
