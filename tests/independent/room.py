"""A committee whose keys we have, and the log that it writes for an audit."""

from copy import deepcopy

from tests.independent import log, typed
from tests.independent.audit import Audit, Committee
from tests.independent.blocks import Block, Body
from tests.independent.codec import Invalid, keccak, sha256, u
from tests.independent.facts import Facts
from tests.independent.levels import MayHold
from tests.independent.worlds import DOMAIN, TS_S

KEYS = {typed.address_of(key): key for key in (keccak(b"member", u(i, 1)) for i in range(6))}
FIRST_MEMBERS = tuple(sorted(list(KEYS)[:4]))
SEQUENCER = keccak(b"sequencer")
COMMITTEE = Committee(1, FIRST_MEMBERS, (typed.address_of(SEQUENCER),))
IDENTITY = log.Identity(DOMAIN.chain_id, DOMAIN.contract, keccak(b"code"))
QUORUM = 3


class Room:
    """`run` has read all that was said; `facts` are L1's, by which its blocks are judged."""

    def __init__(self, facts: Facts, may_hold: MayHold, identity: log.Identity = IDENTITY) -> None:
        self.facts = facts
        self.domain = typed.Domain(identity.chain_id, identity.rollup)
        self.run = Audit(self.domain, COMMITTEE, identity.code_hash, may_hold)
        self.now_ms = TS_S * 1000 - 60_000
        self.written: list[bytes] = []
        self.say(identity)

    def say(self, *payloads: log.Payload) -> None:
        for payload in payloads:
            entry = log.Entry(self.now_ms, payload)
            self.run.feed(entry)
            self.written.append(log.write_entry(entry))

    def attest(self, l1_block_number: int) -> None:
        """All who are members, or ever will be, say that they have seen L1 up to here."""
        fields = (l1_block_number, keccak(u(l1_block_number, 8)))
        digest = self.domain.digest(typed.SEEN, *fields)
        self.say(*(log.Seen(*fields, typed.sign(key, digest)) for key in KEYS.values()))

    def proposed(self, body: Body, slots: bytes, ahead_ms: int) -> log.ProposedBlock:
        """A block upon the tip; `ahead_ms` is its time less that of the log."""
        number, hashes = len(self.run.finals) + 1, (keccak(slots), sha256(body.encoded()))
        counts = (len(slots) // 15, self.now_ms + ahead_ms)
        epoch = self.run.committee.epoch
        block = Block(number, epoch, 0, self.run.tip_hash, *hashes, *counts)
        digest = self.domain.digest(typed.PROPOSAL, block.digest(self.domain))
        return log.ProposedBlock(block, typed.sign(SEQUENCER, digest), body.encoded())

    def votes(self, block: Block) -> list[log.Vote]:
        digest = block.digest(self.domain)
        voters = self.run.committee.members[:QUORUM]
        return [log.Vote(digest, typed.sign(KEYS[member], digest)) for member in voters]

    def problem(self, proposed: log.ProposedBlock) -> str:
        """Why the block is invalid, by our own judgement; empty if it is valid."""
        run = deepcopy(self.run)
        try:
            for payload in (proposed, *self.votes(proposed.block)):
                run.feed(log.Entry(self.now_ms, payload))
            assert len(run.finals) == proposed.block.number
            self.facts.check(run.finals)
        except Invalid as error:
            return str(error)
        return ""
