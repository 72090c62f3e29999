"""Exits: prepared for their owner, and shown as the chain tells of them.

- prepare: the owner's transaction to the Exits contract, under a settled batch if there is one
- refused: no account, unknown asset, no balance on the chain, one under way, no chain, bad bodies
- shown: requested, swept, served; from when on it may freeze; filtered lists
"""

from types import SimpleNamespace

import pytest

from backend.access.api.leaving_examples import EXIT_WITH_DEADLINE, PREPARED_EXIT
from backend.access.leaving.views import exit_view
from backend.protocol.types import address_text
from backend.records.leaving_reader import ExitView
from backend.settlement.artifacts import artifact
from tests.unit.access.leaving.scenes import EXIT_WISH, Shown, account_id, ask, client_of, show
from tests.unit.access.scenes import PAYER, PAYER_TEXT, STRANGER, get, nothing_changes, post_batch
from tests.unit.access.world import BOUNTY_WEI, EXITS, error_of

KEY = {"Idempotency-Key": "exit-1"}


async def prepare(world, balances, **wish):
    async with client_of(world, proofs=Shown(balances)) as client:
        return await client.post("/v1/exits", json=EXIT_WISH | wish, headers=KEY)


async def test_request_exit__posted_batch__is_the_owners_transaction_succeeds(world):
    await post_batch(world, 1)

    answer = await prepare(world, {1: 700})

    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert set(shown) == set(PREPARED_EXIT)
    transaction = shown["transaction"]
    assert (shown["batch"], shown["account_id"]) == ("1", str(account_id(world)))
    assert (transaction["from"], transaction["to"]) == (PAYER_TEXT, address_text(EXITS))
    assert int(transaction["value"], 16) == int(shown["bounty_wei"]) == 2 * BOUNTY_WEI
    call = artifact("Exits").abi.decode_call(bytes.fromhex(transaction["data"][2:]))
    assert call.name == "requestExit"
    account = call.values["account"]
    assert (account["accountId"], account["owner"], account["balanceMinor"]) == (
        account_id(world),
        PAYER.address,
        700,
    )
    assert call.values["batch"]["header"]["number"] == 1


async def test_request_exit__settled_and_newer_batch__stands_on_the_settled_succeeds(world):
    await post_batch(world, 1, is_settled=True)
    await post_batch(world, 2)

    assert (await prepare(world, {1: 700, 2: 800})).json()["batch"] == "1"


@pytest.mark.parametrize("settled", [{}, {1: None}, {1: 0}])
async def test_request_exit__not_in_the_settled_batch__stands_on_the_newest_succeeds(
    world, settled
):
    await post_batch(world, 1, is_settled=True)
    await post_batch(world, 2)

    assert (await prepare(world, settled | {2: 800})).json()["batch"] == "2"


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"owner": address_text(STRANGER.address)}, (404, "ACCOUNT_NOT_FOUND")),
        ({"asset": "EURX"}, (422, "ASSET_UNKNOWN")),
        ({"owner": "0x12"}, (400, "MALFORMED_REQUEST")),
        ({"owner": 5}, (400, "MALFORMED_REQUEST")),
        ({"asset": ""}, (400, "MALFORMED_REQUEST")),
        ({"amount": "5"}, (400, "MALFORMED_REQUEST")),
    ],
)
async def test_request_exit__malformed__rejects(world, wish, expected):
    await post_batch(world, 1)
    async with nothing_changes(world):
        assert error_of(await prepare(world, {1: 700}, **wish)) == expected


async def test_request_exit__no_idempotency_key__rejects(world):
    assert error_of(await world.client.post("/v1/exits", json=EXIT_WISH)) == (
        400,
        "MALFORMED_REQUEST",
    )


@pytest.mark.parametrize("balances", [{}, {1: None}, {1: 0}])
async def test_request_exit__no_balance_on_the_chain__rejects(world, balances):
    await post_batch(world, 1)

    assert error_of(await prepare(world, balances)) == (404, "PROOF_NOT_AVAILABLE")


async def test_request_exit__chain_does_not_answer__rejects(world):
    await post_batch(world, 1)
    world.chain.is_available = False

    assert error_of(await prepare(world, {1: 700})) == (503, "CHAIN_UNAVAILABLE")


async def test_request_exit__one_under_way__waits_until_it_is_settled_holds(world):
    await post_batch(world, 1)
    ask(world, 0, 31)
    open_exit = (409, "EXIT_OPEN")

    async def prepared(key):
        async with client_of(world, proofs=Shown({1: 700})) as client:
            return await client.post("/v1/exits", json=EXIT_WISH, headers={"Idempotency-Key": key})

    assert error_of(await prepared("requested")) == open_exit
    show(world, 1, 32)
    assert error_of(await prepared("served")) == open_exit
    await post_batch(world, 1, is_settled=True)
    assert (await prepared("settled")).status_code == 200


async def test_get_exit__requested_and_served__succeeds(world):
    await post_batch(world, 1)
    ask(world, 0, 31)
    world.chain.waiting_since_ts_s = 1_800_000_000
    requested = await get(world, "/v1/exits/0")
    show(world, 1, 32)
    world.chain.waiting_since_ts_s = None
    served = await get(world, "/v1/exits/0")

    assert set(requested) == set(EXIT_WITH_DEADLINE)
    assert (requested["status"], requested["asset"]) == ("requested", "USDC")
    assert requested["may_freeze_at"] == "2027-01-15T08:10:00.000Z"
    assert (served["status"], served["served_in"]) == ("served", "1")
    assert served["may_freeze_at"] is None


def test_exit_view__account_not_known_yet__has_no_asset_holds():
    row = SimpleNamespace(
        exit_index=3, account_id=7, owner=PAYER.address, tx_hash=bytes(32), l1_block_number=5
    )

    shown = exit_view(ExitView(row, None, [], False), None)

    assert (shown["status"], shown["asset"], shown["served_in"]) == ("requested", None, None)


async def test_list_exits__filtered__succeeds(world):
    ask(world, 0, 31)
    ask(world, 1, 35)

    async def ids(query):
        return [one["id"] for one in (await get(world, f"/v1/exits{query}"))["data"]]

    assert await ids("") == ["1", "0"]
    assert await ids("?limit=1") == ["1"]
    assert await ids("?after=1") == ["0"]
    assert await ids(f"?owner={PAYER_TEXT}") == ["1", "0"]
    assert await ids(f"?owner={address_text(STRANGER.address)}") == []
    assert await ids(f"?account={account_id(world)}") == ["1", "0"]
    assert await ids("?account=5") == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/exits/7", (404, "EXIT_NOT_FOUND")),
        ("/v1/exits/x", (400, "MALFORMED_REQUEST")),
        ("/v1/exits?owner=0x1", (400, "MALFORMED_REQUEST")),
        ("/v1/exits?account=-1", (400, "MALFORMED_REQUEST")),
        ("/v1/exits?after=x", (400, "MALFORMED_REQUEST")),
    ],
)
async def test_get_exits__malformed__rejects(world, path, expected):
    assert error_of(await world.client.get(path)) == expected


async def test_get_exit_kit__frozen__is_shown_all_the_same_succeeds(world):
    async with client_of(world, frozen_ts_s=lambda: 5) as client:
        shown = (await client.get(f"/v1/exit-kit/{PAYER_TEXT}")).json()
        refused = await client.post("/v1/exits", json=EXIT_WISH, headers=KEY)
        malformed = await client.get("/v1/exit-kit/0x12")

    assert (shown["object"], shown["owner"]) == ("exit_kit", PAYER_TEXT)
    assert error_of(refused) == (503, "FROZEN")
    assert "/v1/exit-kit/ADDRESS" in refused.json()["error"]["message"]
    assert error_of(malformed) == (400, "MALFORMED_REQUEST")


async def test_get_exit__chain_does_not_answer__rejects(world):
    ask(world, 0, 31)
    world.chain.is_available = False

    assert error_of(await world.client.get("/v1/exits/0")) == (503, "CHAIN_UNAVAILABLE")
    assert (await world.client.get("/v1/exits")).status_code == 200
