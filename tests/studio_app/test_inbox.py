"""The inbox of a session. Oracle: the order in which the test puts and takes messages."""

import threading

from glassnet.studio_app.inbox import Inbox


def test_messages_are_taken_in_their_order():
    inbox = Inbox()
    assert inbox.take(waits=False) is None
    for message in "abc":
        inbox.put(message)
    assert [inbox.take(waits=True) for _ in "abc"] == ["a", "b", "c"]


def test_a_message_that_waits_is_seen_and_stays():
    inbox = Inbox()
    inbox.put("a")
    assert inbox.has(str.islower)
    assert not inbox.has(str.isupper)
    assert inbox.take(waits=False) == "a"
    assert not inbox.has(str.islower)


def test_the_end_wakes_whoever_waits_and_drops_the_rest():
    inbox, results = Inbox(), []
    thread = threading.Thread(target=lambda: results.append(inbox.take(waits=True)))
    thread.start()
    inbox.close()
    thread.join(timeout=20)
    assert results == [None]
    inbox.put("late")
    assert inbox.take(waits=False) is None
    assert inbox.is_closed
