"""What a platform publishes, read by a watcher over HTTP.

- evidence by slot; entries that can't be read are none
- an unknown batch: not known; no answer: unavailable
"""

from types import SimpleNamespace

import pytest
from aiohttp import web

from backend.protocol.errors import ChainUnavailable
from backend.protocol.evidence import Evidence
from backend.protocol.hashing import keccak
from backend.protocol.types import digest_text
from backend.settlement.watching import evidence as module
from backend.settlement.watching.evidence import PublishedEvidence
from scripts.ports import free_port
from tests.unit.engine.committee import key, payment

BATCH = SimpleNamespace(
    header=SimpleNamespace(number=7, chunk_count=2), header_hash=keccak(b"batch")
)
KNOWN = Evidence(payment(key("payer"), key("payee").address, 5, 0), 0)
ENTRIES = [
    {"slot_number": "4", "evidence": "0x" + KNOWN.encode().hex()},
    {"slot_number": "5", "evidence": "0x99"},
    {"slot_number": "six", "evidence": "0x00"},
    {"evidence": None},
    "nothing",
    {"slot_number": "64", "evidence": "0x00"},
    {"slot_number": "128", "evidence": "0x00"},
    {"slot_number": "-1", "evidence": "0x00"},
    {"slot_number": float("inf"), "evidence": "0x00"},
]


@pytest.fixture
async def serve():
    """Return what serves an answer at the place of a batch's evidence; it gives the URL."""
    runners = []

    async def started(answer):
        async def handle(request):
            assert request.query["header_hash"] == digest_text(BATCH.header_hash)
            return answer()

        app = web.Application()
        app.router.add_get("/v1/batches/7/evidence", handle)
        runner = web.AppRunner(app)
        runners.append(runner)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return f"http://127.0.0.1:{port}/"

    yield started
    for runner in runners:
        await runner.cleanup()


async def test_evidence__published__is_read_succeeds(serve):
    url = await serve(lambda: web.json_response({"data": ENTRIES}))

    assert await PublishedEvidence(url).evidence(BATCH) == {4: KNOWN, 64: Evidence(None, 0)}


async def test_evidence__batch_unknown__is_not_known_holds(serve):
    url = await serve(lambda: web.json_response({}, status=404))

    assert await PublishedEvidence(url).evidence(BATCH) is None


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(status=500),
        lambda: web.Response(text="no JSON"),
        lambda: web.json_response([]),
        lambda: web.json_response({"data": None}),
        lambda: web.Response(text="[" * 100_000),
    ],
    ids=["broken", "another server", "a list", "nothing", "deep"],
)
async def test_evidence__no_answer__rejects(serve, answer):
    url = await serve(answer)

    with pytest.raises(ChainUnavailable):
        await PublishedEvidence(url).evidence(BATCH)


async def test_evidence__answer_without_end__rejects(serve, monkeypatch):
    monkeypatch.setattr(module, "_SIZE_BYTES_MAX", 1000)
    url = await serve(lambda: web.json_response({"data": ENTRIES * 100}))

    with pytest.raises(ChainUnavailable):
        await PublishedEvidence(url).evidence(BATCH)


async def test_evidence__nobody_there__rejects():
    with pytest.raises(ChainUnavailable):
        await PublishedEvidence(f"http://127.0.0.1:{free_port()}").evidence(BATCH)
