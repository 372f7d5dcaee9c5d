"""Random damage to CSV files. Oracle: a relation. A file is read, or refused in Glassnet's words."""

import contextlib
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glassnet.data import csv_reader
from glassnet.data.table import read_table, split_target
from glassnet.errors import GlassnetError

FILES = [
    b"a,b,y\n1,x,yes\n2.5,,no\n,z,yes\n",
    b"a;b;y\r\n1.200;1,5;NA\r\n950;2,5;EU\r\n",
    b'# by me\nsep=,\n"a","b"\n"two\nlines",1\n"say ""so""",2\n',
    "day\tstädte\n2024-01-01\tKöln\n2024-01-02 13:05:00+01:00\tÅ\n".encode(),
    "\ufeffa|b\n-0|9007199254740993\n?|None\n".encode("utf-16"),
    b"id   x\n1    2\n3    4\n",
    b"Title\n\nname,age,\nBo,5,\nCy,6,\n",
]
PIECES = [
    *(b"\0", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\r", b"\n", b'"', b'""', b",", b";", b"\t"),
    *(b"#", b"sep=", b"NA", b"-", b".", b"1.200", b"9" * 400, b"1e999", b"0x1", b"_", b"\xed\xa0\x80"),
    *(b"a,a", b" ", b"\x1a", b"\x1f\x8b", b"PK\3\4", b"nan", b"-0", "\u2028".encode(), b"'"),
]  # fmt: skip

EDITS = st.lists(
    st.tuples(st.integers(0, 200), st.sampled_from([0, 0, 1, 5]), st.sampled_from(PIECES)),
    max_size=4,
)
"""Position, number of bytes to delete, and bytes to insert."""

OPTIONS = st.sampled_from(
    [{}, {}, {}, {"header": None}, {"header": 2}, {"decimal": ","}, {"thousands": "."}]
    + [{"missing": ["x"]}, {"delimiter": " "}, {"delimiter": ";"}, {"names": ["p", "q"]}]
)


def damage(raw, edits):
    """Return the file with bytes replaced."""
    for position, n_deleted, piece in edits:
        start = position % (len(raw) + 1)
        raw = raw[:start] + piece + raw[start + n_deleted :]
    return raw


@pytest.mark.parametrize("size", [0, 2**60], ids=["pandas", "csv module"])
@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(raw=st.sampled_from(FILES), edits=EDITS, options=OPTIONS)
def test_damaged_files_raise_errors_of_glassnet_alone(
    tmp_path, monkeypatch, size, raw, edits, options
):
    monkeypatch.setattr(csv_reader, "MIN_PANDAS_BYTES", size)
    path = tmp_path / "t.csv"
    path.write_bytes(damage(raw, edits))
    with contextlib.suppress(GlassnetError):
        table = read_table(path, **options)
        assert len({len(column) for column in table.columns.values()}) == 1
        split_target(table, list(table.columns)[-1])


def test_random_bytes_raise_errors_of_glassnet_alone(tmp_path):
    r, path, refused = random.Random(0), tmp_path / "t.csv", 0
    for _ in range(300):
        path.write_bytes(r.randbytes(r.choice([1, 10, 100])))
        try:
            read_table(path)
        except GlassnetError:
            refused += 1
    assert refused > 200
