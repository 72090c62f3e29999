"""Pages for people who look around.

- /: leads to the reference
- each error's doc_url leads to its place on the page of errors
- a body that isn't named JSON, no API key: the answer says what to send
"""

import re

import pytest

from backend.protocol.errors import error_classes
from tests.unit.access.world import error_of


async def test_start__opened__leads_to_the_reference_succeeds(world):
    response = await world.client.get("/")

    assert (response.status_code, response.headers["location"]) == (307, "/docs")


async def test_errors_page__all_codes__have_their_place_holds(world):
    page = await world.client.get("/docs/errors", headers={"Authorization": ""})

    places = re.findall(r'<tr id="([a-z0-9-]+)"><td>\d{3}</td><td><code>(\w+)<', page.text)
    assert {code for _, code in places} >= {error.code for error in error_classes()}
    assert len({place for place, _ in places}) == len(places)
    assert "<script" not in page.text


@pytest.mark.parametrize("path", ["/v1/batches/99", "/v1/nowhere"])
async def test_doc_url__of_an_answer__is_on_the_page_holds(world, path):
    error = (await world.client.get(path)).json()["error"]
    page, _, place = error["doc_url"].partition("#")

    assert f'<tr id="{place}"' in (await world.client.get(page)).text


async def test_post__no_content_type__says_which_rejects(world):
    response = await world.client.post("/v1/payments", content=b"{}", headers={"Content-Type": ""})

    assert error_of(response) == (400, "MALFORMED_REQUEST")
    assert "send application/json" in response.json()["error"]["message"]


async def test_get__no_api_key__says_how_to_send_it_rejects(world):
    response = await world.client.get("/v1/payments", headers={"Authorization": ""})

    assert error_of(response) == (401, "API_KEY_INVALID")
    assert "Authorization: Bearer" in response.json()["error"]["message"]
