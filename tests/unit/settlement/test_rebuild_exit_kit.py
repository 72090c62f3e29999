"""What stands in an exit kit, whose it is, and when it can be sent.

- one owner's: his accounts, claims, deposits alone; requests with a margin in their bounty
- everybody's: in parts that fit a transaction; no request, which only owners can send
- an exit that waits is not asked for twice; who was paid is left out
- a settled state is shown where it has a balance: it stands for ever
- who advanced a withdrawal claims it, its owner does not
- before any batch; with a wrong batch above; frozen
- as JSON and as text: token names that would fool people
"""

from dataclasses import replace

import pytest

from backend.protocol.batches import genesis_header
from backend.protocol.hashing import ZERO_DIGEST, keccak
from backend.protocol.money import AmountMinor, BalanceMinor
from backend.protocol.state_tree import GENESIS_LEAVES
from backend.protocol.types import AccountId, Address, Asset, DepositRecord, Leaf, address_text
from backend.settlement.artifacts import artifact
from backend.settlement.batch_data import AcceptedBatch
from backend.settlement.chain import Contract
from backend.settlement.exit_kit import Deadlines, Position, StateAt, Unpaid, exit_kit
from backend.settlement.exit_kit_file import kit_json, kit_text
from backend.settlement.proving.replay import LedgerState
from backend.settlement.queries import TokenName

ALICE, BOB, CAROL, TOKEN = (Address(bytes([number]) * 20) for number in (1, 2, 3, 9))
ROLLUP = Contract(b"\x0a" * 20, artifact("Rollup").abi)
EXITS = Contract(b"\x0b" * 20, artifact("Exits").abi)
ALICES, BOBS = AccountId(0x01000000), AccountId(0x02000000)
TRANSACTION_BYTES_MAX = 131_072


def leaf(owner, balance_minor, asset_id=1) -> Leaf:
    return Leaf(owner, asset_id, 3, BalanceMinor(balance_minor))


def state_at(number: int, leaves: dict) -> StateAt:
    state = LedgerState.of(GENESIS_LEAVES | leaves)
    header = replace(genesis_header(state.tree.root), number=number)
    return StateAt(AcceptedBatch(header, 1_000 + number, 15), state)


LAST = state_at(7, {ALICES: leaf(ALICE, 70), BOBS: leaf(BOB, 0)})
SETTLED = state_at(5, {ALICES: leaf(ALICE, 50), BOBS: leaf(BOB, 5)})


def position(**changes) -> Position:
    plain = Position(
        chain_id=31337,
        rollup=ROLLUP,
        exits_contract=EXITS,
        ts_s=2_000,
        block_number=12,
        deadlines=Deadlines(60, 600, 700, 9_000),
        bounty_wei=10**15,
        tip=7,
        frontier=5,
        frozen_ts_s=0,
        rolled_back_ts_s=1_500,
        assets={1: Asset(1, TOKEN, 10, CAROL)},
        names={1: TokenName("USDX", 6)},
        last=LAST,
        settled=SETTLED,
        unsettled=tuple(state_at(number, {}).batch for number in (6, 7)),
        unpaid=(),
        waiting_deposits={},
        exits={},
        escaped=frozenset(),
    )
    return replace(plain, **changes)


def kit_of(owner, **changes):
    return kit_json(exit_kit(position(**changes), owner))


def calls(kit, what) -> list:
    return [call for call in kit["calls"] if call["what"] == what]


def arguments(call) -> dict:
    contract = next(one for one in (ROLLUP, EXITS) if address_text(one.address) == call["to"])
    return contract.abi.decode_call(bytes.fromhex(call["data"][2:])).values


def deposit(owner) -> DepositRecord:
    return DepositRecord(TOKEN, 1, owner, AmountMinor(4), 1_400)


def unpaid(number: int, payee=ALICE) -> Unpaid:
    proof = (9, b"", [ZERO_DIGEST] * 10, ALICE, 1, 3, 50, [ZERO_DIGEST] * 32)
    return Unpaid(state_at(number, {}).batch, ALICE, payee, 1, 25, 2, proof)


def test_kit__of_one_owner__shows_what_is_settled_succeeds():
    kit = kit_of(ALICE)

    assert [(one["account_id"], one["balance"]) for one in kit["accounts"]] == [(ALICES, "700")]
    [request] = calls(kit, "request-exit")
    shown = arguments(request)
    assert shown["batch"]["header"]["number"] == 5
    assert shown["account"]["balanceMinor"] == 50
    assert (request["value"], request["from"]) == (str(2 * 10**15), address_text(ALICE))
    [escape] = calls(kit, "escape")
    shown = arguments(escape)
    assert shown["batch"]["header"]["number"] == 7
    assert [one["balanceMinor"] for one in shown["accounts"]["leaves"]] == [70]
    assert "frozen" in escape["after"]


def test_kit__balance_in_the_last_batch_alone__that_is_shown_succeeds():
    settled = state_at(5, {ALICES: leaf(ALICE, 0)})

    [request] = calls(kit_of(ALICE, settled=settled), "request-exit")

    assert arguments(request)["batch"]["header"]["number"] == 7


def test_kit__money_gone_since__can_still_be_asked_for_holds():
    """The committee has to sweep what is there; a balance of 0 in the last batch serves it."""
    kit = kit_of(BOB)

    assert len(calls(kit, "request-exit")) == 1
    assert calls(kit, "escape") == []


def test_kit__exit_waits__freeze_at_its_deadline_succeeds():
    kit = kit_of(ALICE, exits={(ALICES, ALICE): 1_800})

    assert calls(kit, "request-exit") == []
    by_exit, by_silence = calls(kit, "freeze")
    assert by_exit["not_before_ts_s"] == 1_800 + 600
    assert by_silence["not_before_ts_s"] == 1_500 + 9_000  # from the roll-back on


def test_kit__settlements_and_claims__wait_for_their_windows_holds():
    kit = kit_of(ALICE, unpaid=(unpaid(4), unpaid(7)))

    [settle] = calls(kit, "settle")
    assert [one["header"]["number"] for one in arguments(settle)["batches"]] == [6, 7]
    assert settle["not_before_ts_s"] == 1_007 + 60
    early, late = calls(kit, "claim")
    assert (early["not_before_ts_s"], early["after"]) == (0, None)
    assert (late["not_before_ts_s"], late["after"]) == (1_007 + 60, "batch 7 is settled")


def test_kit__withdrawal_advanced__its_provider_claims_holds():
    sold = (unpaid(4, payee=BOB),)

    assert calls(kit_of(ALICE, unpaid=sold), "claim") == []
    assert len(calls(kit_of(BOB, unpaid=sold), "claim")) == 1
    assert len(calls(kit_of(None, unpaid=sold), "claim")) == 1


def test_kit__deposits__are_refunded_in_runs_holds():
    waiting = {index: deposit(ALICE) for index in (3, 4, 5, 8)} | {6: deposit(BOB)}

    kit = kit_of(ALICE, waiting_deposits=waiting)

    shown = [arguments(call) for call in calls(kit, "refund")]
    assert [(one["firstIndex"], len(one["records"])) for one in shown] == [(3, 3), (8, 1)]
    freeze = calls(kit, "freeze")[0]
    assert (arguments(freeze)["index"], freeze["not_before_ts_s"]) == (3, 1_500 + 700)


def test_kit__of_everybody__parts_fit_a_transaction_holds():
    scattered = {
        AccountId(int.from_bytes(keccak(bytes([number]))[:4])): leaf(ALICE, number + 1, number)
        for number in range(120)
    }
    assets = {number: Asset(number, TOKEN, 1, CAROL) for number in range(120)}
    last = state_at(7, scattered)
    waiting = dict.fromkeys(range(130), deposit(BOB))

    kit = kit_of(None, last=last, settled=None, assets=assets, waiting_deposits=waiting)

    assert calls(kit, "request-exit") == []
    escapes = [arguments(call)["accounts"]["leaves"] for call in calls(kit, "escape")]
    assert sorted(leaf["accountId"] for part in escapes for leaf in part) == sorted(scattered)
    assert [len(part) for part in escapes] == [50, 50, 20]
    assert [len(arguments(call)["records"]) for call in calls(kit, "refund")] == [50, 50, 30]
    assert all(len(call["data"]) // 2 < TRANSACTION_BYTES_MAX for call in kit["calls"])


def test_kit__before_any_batch__only_deposits_holds():
    kit = kit_of(
        ALICE,
        tip=0,
        frontier=0,
        last=None,
        settled=None,
        unsettled=(),
        waiting_deposits={0: deposit(ALICE)},
    )

    assert [call["what"] for call in kit["calls"]] == ["freeze", "refund"]
    assert (kit["batch"], kit["tip"], kit["accounts"]) == (0, 0, [])


def test_kit__wrong_batch_above__no_freeze_yet_holds():
    """The last state known is not the tip's, and nobody can show a leaf under a wrong root."""
    made = exit_kit(position(tip=8, exits={(ALICES, ALICE): 1_800}), ALICE)

    assert calls(kit_json(made), "freeze") == []
    assert "has to be rolled back" in kit_text(made)


def test_kit__frozen__no_requests_and_bounties_come_back_holds():
    kit = kit_of(ALICE, frozen_ts_s=1_900, exits={(ALICES, ALICE): 1_000})

    assert kit["frozen_ts_s"] == 1_900
    assert calls(kit, "request-exit") == calls(kit, "freeze") == []
    [credit] = calls(kit, "credit-bounty")
    assert list(arguments(credit).values()) == [ALICES, ALICE]
    [draw] = calls(kit, "draw-bounty")
    assert draw["from"] == address_text(ALICE)


def test_kit__escaped__is_left_out_holds():
    kit = kit_of(ALICE, frozen_ts_s=1_900, escaped=frozenset({ALICES}))

    assert kit["accounts"] == calls(kit, "escape") == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (TokenName("USDX", 2), "7 USDX"),
        (TokenName("US\n\x1b[2JDX", 0), "700 US2JDX"),
        (TokenName("a" * 99, 18), "0.0000000000000007 aaaaaaaaaaaa"),
        (None, f"700 base units of token {address_text(TOKEN)}"),
    ],
)
def test_kit_text__token_names__fool_nobody_holds(name, shown):
    text = kit_text(exit_kit(position(names={} if name is None else {1: name}), ALICE))

    assert shown in text
    assert "\x1b" not in text


def test_kit_text__calls__are_numbered_and_timed_succeeds():
    text = kit_text(exit_kit(position(exits={(ALICES, ALICE): 1_800}), ALICE))

    assert "0. Freeze the rollup: the exit of account 16777216 was not served." in text
    assert "Not before 1970-01-01 00:40:00 UTC." in text
