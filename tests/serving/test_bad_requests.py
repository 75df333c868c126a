"""What nobody should send: each is refused in one sentence, and the next good question is answered."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from tests.serving.bad_requests import Bad, bad_request, bomb_png, document, open_slowly, send
from tests.serving.running import MODEL, asks, data_url

QUESTION = "How tall is the armchair?"
_MAX_GROWTH_MB = 60
_HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
_CHUNKED = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
SLOW = [b"", b"POST /v1", _HEAD, _HEAD + b"Content-Length: 100\r\n\r\n{", _CHUNKED + b"5\r\n"]
MALFORMED = [
    b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n", b"\0" * 4000,
    _HEAD + b"Content-Length: -5\r\n\r\n", _HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    _CHUNKED + b"zz\r\n", b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
]  # fmt: skip


def good(client, room):
    found = client.chat.completions.create(
        model=MODEL, messages=asks(QUESTION, room.url), extra_body={"spatiallake": room.about}
    )
    return found.choices[0].message.content


def attacked(server, client, room, count, seed):
    """Send bad requests from eight clients beside slow ones; return what is wrong with the responses."""
    rng = random.Random(seed)
    expected = good(client, room)
    requests = [bad_request(rng) for _ in range(count)]
    warm = requests[: count // 3]
    slow = [open_slowly(server.url, SLOW[number % len(SLOW)]) for number in range(25)]
    before = {one.pid for one in server.workers()}
    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(lambda bad: send(server.url, bad), warm))
        held_mb = server.memory_mb()
        told += threads.map(lambda bad: send(server.url, bad), requests[len(warm) :])
    grown_mb = server.memory_mb() - held_mb
    faults = [fault for one in told for fault in one.faults()]
    assert good(client, room) == expected
    with ThreadPoolExecutor(50) as threads:
        assert set(threads.map(lambda _: good(client, room), range(50))) == {expected}
    for one in slow:
        one.close()
    assert {one.pid for one in server.workers()} == before, "a process died"
    assert grown_mb < _MAX_GROWTH_MB
    assert sum(one.status != 200 for one in told) > 0.8 * count
    return faults


def test_bad_requests_are_refused_and_the_next_good_one_is_answered(server, client, room, place):
    assert attacked(server, client, room, 120, seed=1) == []
    assert [one for one in place.rglob("*") if one.is_file()] == []


@pytest.mark.long
def test_a_thousand_bad_requests_leave_the_server_as_it_was(server, client, room, place):
    assert attacked(server, client, room, 1000, seed=2) == []
    assert [one for one in place.rglob("*") if one.is_file()] == []


def test_what_is_too_large_is_refused(server, client, room):
    huge = Bad("huge", b'{"a": "' + b"x" * (17 * 2**20) + b'"}')
    told = send(server.url, huge)
    assert told.status == 413 and "larger than 16 MB" in told.text
    told = send(server.url, Bad("bomb", json.dumps(document(data_url(bomb_png(30_000, 20_000)))).encode()))
    assert told.status == 400 and "600,000,000 px" in told.text
    assert good(client, room)


def test_what_is_no_http_is_closed(server, client, room):
    for text in MALFORMED:
        with open_slowly(server.url, text) as opened, suppress(ConnectionError):
            opened.settimeout(30)
            said = opened.recv(4000)
            assert not said or said.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), said
            assert b"Traceback" not in said
    assert good(client, room)


def test_who_goes_away_in_the_middle_leaves_nothing_behind(server, client, room):
    body = b'{"model": "x"}'
    whole = _HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    for _ in range(30):
        open_slowly(server.url, whole).close()
        open_slowly(server.url, whole[:-5]).close()
    assert good(client, room)
