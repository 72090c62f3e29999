"""Every call with made-up input, over HTTP: no 5xx, and only answers that OpenAPI tells of.

A short run always, a long one with the long tests.
"""

import asyncio
import threading
from contextlib import contextmanager

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from backend.serving import bind
from tests.unit.access.world import API_KEY, running_world

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


@schemathesis.serializer("application/x-ndjson", "application/x-causeway-orders")
def as_it_is(_context, value):
    return value if isinstance(value, bytes) else str(value).encode()


HEADERS = {"Authorization": f"Bearer {API_KEY}"}
ENDLESS = "/v1/events"


@contextmanager
def served(folder):
    """Serve a world from a thread of its own; yield its address."""
    started, server = threading.Event(), []
    with bind("127.0.0.1", 0) as listener:

        async def serve():
            async with running_world(folder) as world:
                server.append(uvicorn.Server(uvicorn.Config(world.api, log_config=None)))
                running = asyncio.create_task(server[0].serve([listener]))
                while not server[0].started:
                    await asyncio.sleep(0.01)
                started.set()
                await running

        thread = threading.Thread(target=asyncio.run, args=(serve(),))
        thread.start()
        assert started.wait(30)
        host, port = listener.getsockname()
        try:
            yield f"http://{host}:{port}"
        finally:
            server[0].should_exit = True
            thread.join()


def ask_all(url, examples):
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path == ENDLESS:
            continue
        asked += 1

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def check(case: Case) -> None:
            response = case.call(headers=HEADERS)
            case.validate_response(response, checks=CHECKS)

        check()
    return asked


def test_api__made_up_input__answers_as_documented_holds(tmp_path):
    with served(tmp_path) as url:
        assert ask_all(url, examples=5) > 30


@pytest.mark.long
@pytest.mark.timeout(600)
def test_api__much_made_up_input__answers_as_documented_holds(tmp_path):
    with served(tmp_path) as url:
        ask_all(url, examples=300)
