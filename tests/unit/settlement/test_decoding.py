"""Logs as events.

- each event of the rollup is told; of the others, what somebody follows
- a challenge is answered when none of its slots is open any more
- a deposit and a claim: all values in their places
"""

import pytest

from backend.protocol.types import DepositRecord
from backend.settlement.abi import Decoded
from backend.settlement.artifacts import artifact
from backend.settlement.chain import L1Point
from backend.settlement.decoding import event_of
from backend.settlement.events import DepositSeen, Place, WithdrawalClaimed

PLACE = Place(L1Point(7, b"\x07" * 32), b"\x08" * 32, 3)
OWNER, TOKEN = b"\x0a" * 20, b"\x0b" * 20
# BatchPosted needs its transaction; what failed has changed nothing; EIP-5267's event is none of
# ours.
READ_ELSEWHERE = {"BatchPosted", "EIP712DomainChanged", "EscapeFailed", "RefundFailed"}
SAMPLES = {"address": OWNER, "bytes32": b"\x0c" * 32, "uint8": 2, "address[]": (OWNER, TOKEN)}


def decoded(entry):
    values = {item["name"]: SAMPLES.get(item["type"], 5) for item in entry["inputs"]}
    if entry["name"] == "ChallengeAnswered":
        values["openPositions"] = 0
    return Decoded(entry["name"], values)


def events_of(name):
    return [entry for entry in artifact(name).abi.entries if entry["type"] == "event"]


@pytest.mark.parametrize("entry", events_of("Rollup"), ids=lambda entry: entry["name"])
def test_event__of_the_rollup__succeeds(entry):
    event = event_of(PLACE, decoded(entry))

    assert (event is None) == (entry["name"] in READ_ELSEWHERE)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Exits", {"ExitRequested", "ExitServed", "Advanced"}),
        ("Committee", {"EpochBegun"}),
        (
            "Challenges",
            {"ChallengeOpened", "ChallengeAnswered", "ChallengeExpired", "BondReleased"},
        ),
    ],
)
def test_event__of_exits_committee_and_challenges__succeeds(name, told):
    read = {e["name"] for e in events_of(name) if event_of(PLACE, decoded(e)) is not None}

    assert read == told


@pytest.mark.parametrize("positions", [1, 2**64 - 1])
def test_event__challenge_answered_in_part__is_none_holds(positions):
    values = {"headerHash": b"\x0c" * 32, "slotNumber": 65, "openPositions": positions}

    assert event_of(PLACE, Decoded("ChallengeAnswered", values)) is None


def test_event__of_the_registry__succeeds():
    told = {e["name"] for e in events_of("KycRegistry") if event_of(PLACE, decoded(e)) is not None}

    assert told == {"AttestationRecorded", "AttestorDismissed", "PersonRevoked"}


def test_event__deposit__succeeds():
    values = {
        "index": 4,
        "owner": OWNER,
        "assetId": 2,
        "token": TOKEN,
        "amountMinor": 99,
        "tsS": 1_700_000_000,
        "hash": bytes(32),
    }

    event = event_of(PLACE, Decoded("DepositQueued", values))

    assert event == DepositSeen(PLACE, 4, DepositRecord(TOKEN, 2, OWNER, 99, 1_700_000_000))


def test_event__claim__succeeds():
    values = {
        "owner": OWNER,
        "assetId": 2,
        "key": b"\x0c" * 32,
        "nonce": 6,
        "token": TOKEN,
        "amount": 10**18,
        "batchNumber": 8,
        "slotNumber": 70,
    }

    event = event_of(PLACE, Decoded("WithdrawalClaimed", values))

    assert event == WithdrawalClaimed(PLACE, OWNER, 2, TOKEN, 6, 10**18, 8, 70, b"\x0c" * 32)
