"""The client's bytes are HTTP, and a mere socket is enough to talk to."""

import asyncio

import pytest

from scripts.bench import bare, wire


def test_send_all__a_server_that_answers__counts_time_succeeds():
    request = wire.request("/v1/payments", b'{"a":1}', "application/json", "key")
    with bare.running(bare.serve_fixed) as port:
        assert wire.send_all_here(port, [[request] * 20] * 4, bare.STATUS) > 0


def test_send_all__another_status__rejects():
    request = wire.request("/v1/payments", b"{}", "application/json", "key")
    with (
        bare.running(bare.serve_fixed) as port,
        pytest.raises(RuntimeError, match="answered 202"),
    ):
        wire.send_all_here(port, [[request]], expected=200)


def test_connection__an_answer_in_pieces__is_told_once_succeeds():
    answers = []
    connection = wire.Connection(lambda *answer: answers.append(answer), lambda: None)

    for piece in (b"HTTP/1.1 429 Too", b" Many\r\ncontent-length: 3\r\n", b"\r\nab", b"c"):
        assert answers == []
        connection.data_received(piece)

    assert answers == [(429, b"abc")]


async def test_send_all__server_that_hangs_up__rejects():
    def hang_up(_reader, writer):
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(RuntimeError, match="lost"):
            await wire.send_all(port, [[b"x"]], expected=200)


def test_request__final_awaited__is_said_in_a_header_succeeds():
    plain = wire.request("/v1/payments", b"{}", "application/json", "key")
    awaited = wire.request("/v1/payments", b"{}", "application/json", "key", True)

    assert plain.endswith(b"Content-Length: 2\r\n\r\n{}")
    assert awaited.endswith(b"Content-Length: 2\r\nPrefer: wait=final\r\n\r\n{}")
