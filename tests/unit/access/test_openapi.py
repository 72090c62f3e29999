"""OpenAPI tells every call's example and errors."""

import json

from backend.access.api import payments as payments_module
from backend.protocol.errors import error_classes
from tests.unit.access.scenes import (
    get,
)


async def test_openapi__every_call__has_an_example_and_its_errors_holds(world):
    schema = await get(world, "/openapi.json")

    assert schema["openapi"].startswith("3.1")
    for path, operations in schema["paths"].items():
        if not path.startswith("/v1/"):
            continue
        for method, operation in operations.items():
            answers = operation["responses"]
            good = [answers[status] for status in answers if status.startswith("2")]
            contents = [content for answer in good for content in answer["content"].values()]
            assert any("example" in content for content in contents), (path, method)
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            assert "$ref" not in body.get("schema", {}) or "examples" in body, (path, method)
            assert "401" in answers, (path, method)
            assert operation["summary"], (path, method)
    errors = json.dumps(schema["paths"]["/v1/payments"]["post"]["responses"])
    for error in payments_module.PAYMENT_ERRORS:
        assert error.code in errors
    assert error_classes()
