"""A ledger of two people, Alice (the payer) and Bob (the payee), whose operator may be honest."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from backend.protocol.state_tree import genesis_tree
from tests.contracts.core import CHALLENGE_WINDOW_S, WINDOWS, Core, stake_for
from tests.contracts.disputes.proofs import chunk_proof, leaf_proof
from tests.contracts.rollup.conftest import (  # noqa: F401 - fixtures
    DOLLAR,
    asset_id,
    attacker,
    committee,
    core,
    deposit,
    errors_by_their_bytes,
    exits,
    gate,
    keys,
    ledger,
    list_asset,
    lister,
    operator,
    pass_window,
    payee,
    payer,
    rollup,
    token,
)
from tests.contracts.rollup.ledger import Ledger, LedgerChunk
from tests.contracts.rollup.operator import AcceptedBatch, Operator, addresses_of

ALICE, BOB = 2, 0x05000003
MINT = 100 * DOLLAR
ZERO_ADDRESS = "0x" + "00" * 20
BOUNTY_WEI = 4 * 300_000 * 10**9  # at the floor

# ruff: noqa: F811 - fixtures are named as they are imported


@dataclass
class Posted:
    """A batch of one chunk as L1 accepted it, and what can be shown of it."""

    batch: AcceptedBatch
    chunk: LedgerChunk

    @property
    def number(self) -> int:
        return self.batch.header.number

    def leaf(self, account_id: int) -> tuple:
        """Return IRollup.LeafProof under the batch's postRoot."""
        return leaf_proof(self.chunk.tree, account_id)

    def showing(self, account_id: int) -> tuple:
        """Return the last three arguments of `showServed`."""
        return self.batch, chunk_proof([self.chunk], 0), self.leaf(account_id)


NO_BATCH = AcceptedBatch()


@dataclass
class Room:
    """What the tests do over and over."""

    core: Core
    operator: Operator
    ledger: Ledger
    chain: Any
    judge: Any  # the disputes contract as an account
    standing: list[Posted] = field(default_factory=list)

    @property
    def tip(self) -> AcceptedBatch:
        return self.standing[-1].batch if self.standing else NO_BATCH

    def post(self) -> Posted:
        """Post what the ledger has got since the last batch."""
        chunk = self.ledger.chunk()
        self.standing.append(Posted(self.operator.post([chunk]), chunk))
        return self.standing[-1]

    def request(self, posted: Posted, account_id: int, owner: Any, bounty_wei: int = BOUNTY_WEI):
        account = posted.leaf(account_id)
        return self.core.exits.requestExit(posted.batch, account, sender=owner, value=bounty_wei)

    def roll_back(self, posted: Posted, prover: Any = ZERO_ADDRESS):
        """Remove a batch and all after it; the next one begins where that one did."""
        receipt = self.core.rollup.rollBack(posted.batch, prover, sender=self.judge)
        del self.standing[posted.number - 1 :]
        self.ledger.tree = self.standing[-1].chunk.tree if self.standing else genesis_tree()
        self.operator.parent = self.tip
        self.operator.epoch += 1
        stake_for(addresses_of(self.operator.keys), self.core.committee, self.operator.account)
        return receipt

    def at(self, ts_s: int) -> None:
        """Give the next block its time."""
        self.chain.pending_timestamp = ts_s

    def settle(self):
        """Let the window of all batches pass, and settle those that are not."""
        self.at(max(self.tip.accepted_ts_s + CHALLENGE_WINDOW_S, self.chain.pending_timestamp))
        batches = [each.batch for each in self.standing[self.core.rollup.frontier() :]]
        return self.core.rollup.settle(batches, sender=self.operator.account)

    def freeze(self):
        """Freeze by silence."""
        self.at(self.chain.pending_timestamp + WINDOWS.silence_s)
        return self.core.rollup.freezeForSilence(self.tip, sender=self.operator.account)

    def end(self) -> None:
        """Freeze and settle what there is: the last word is spoken."""
        self.freeze()
        self.settle()


@pytest.fixture
def judge(core, accounts):
    account = accounts.impersonate_account(core.disputes.address)
    account.balance = 10**18
    return account


@pytest.fixture
def room(core, operator, ledger, chain, judge):
    return Room(core, operator, ledger, chain, judge)


@pytest.fixture
def posted(room, deposit, token, asset_id, payer, payee):
    """Alice has 100 dollars in the ledger, Bob an account without money."""
    deposit(token, MINT)
    room.ledger.open(ALICE, payer.address, asset_id).open(BOB, payee.address, asset_id)
    room.ledger.deposit(ALICE, MINT)
    return room.post()


@pytest.fixture
def requested(room, posted, payer):
    """Alice has asked for her exit."""
    room.request(posted, ALICE, payer)
    return posted


@pytest.fixture
def swept(room, requested):
    """A batch that serves Alice's exit."""
    room.ledger.withdraw(ALICE, MINT)
    return room.post()
