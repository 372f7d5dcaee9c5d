"""Pauses of the garbage collector. Oracle: gc.callbacks, which Python calls at each collection."""

import gc

import pytest

from glassnet import garbage_collection


@pytest.fixture
def collections():
    """Count the collections, and leave the collector as it was."""
    seen, was_enabled = [], gc.isenabled()

    def count(phase, _):
        seen.append(phase)

    gc.callbacks.append(count)
    gc.enable()
    yield seen
    gc.callbacks.remove(count)
    if not was_enabled:
        gc.disable()


def make_objects():
    return [[i] for i in range(50_000)]


def test_nothing_is_collected_during_a_pause(collections):
    with garbage_collection.paused():
        make_objects()
    assert collections == []
    make_objects()
    assert "start" in collections
    assert gc.isenabled()


def test_an_error_ends_the_pause(collections):
    with pytest.raises(KeyError), garbage_collection.paused():
        raise KeyError
    assert gc.isenabled()


def test_a_collector_that_the_user_stopped_stays_stopped(collections):
    gc.disable()
    with garbage_collection.paused():
        pass
    assert not gc.isenabled()


def test_pauses_may_be_nested(collections):
    with garbage_collection.paused():
        with garbage_collection.paused():
            pass
        make_objects()
    assert collections == []
    assert gc.isenabled()
