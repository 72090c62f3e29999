"""Prizes on the chain as a contract would keep them, and what their tests do again and again."""

from dataclasses import dataclass, field, replace

from eth_abi.abi import decode

from backend.access.prizes.desk import PrizeDesk
from backend.access.prizes.ports import PrizeBook, PrizeNeeds
from backend.protocol.authorised import leads_to
from backend.protocol.hashing import Digest, keccak
from backend.protocol.prizes import Prize, PrizePayout, entry_leaf
from backend.protocol.prizes import prize_id as id_of
from backend.protocol.types import Address, address_text
from backend.records.registers.prizes import Prizes
from tests.unit.access.world import key
from tests.unit.engine.committee import CHAIN_ID

ADDRESS = Address(b"\x0c" * 20)
SPONSOR = key("sponsor").address
ALICE, BOB, CAROL = (key(name).address for name in ("alice", "bob", "carol"))
CREATE = ["uint16", "uint8", "bytes32", "uint64", "uint64", "bytes32", "bytes32", "bytes"]
DAY_S = 24 * 3600


@dataclass
class Book(PrizeBook):
    """By the rules of contracts/interfaces/IPrizes.sol."""

    prizes: dict[bytes, Prize] = field(default_factory=dict)
    totals: dict[bytes, int] = field(default_factory=dict)
    paid: set[tuple[bytes, int]] = field(default_factory=set)
    allowed: int = 0

    @property
    def address(self):
        return ADDRESS

    async def prize(self, prize_id):
        return self.prizes.get(prize_id)

    async def purse_of(self, prize_id):
        return Address(keccak(b"purse" + prize_id)[:20])

    async def allowance(self, token, owner):
        return self.allowed

    async def refusal_of_claim(self, prize_id, entry, proof):
        if not leads_to(self.prizes[prize_id].root, entry_leaf(prize_id, entry), proof):
            return f"EntryNotInPrize(prizeId=0x{prize_id.hex()}, index={entry.index})"
        return None

    async def total_minor(self, prize_id):
        return self.totals.get(prize_id)

    async def claimed(self, prize_id):
        return frozenset(index for one, index in self.paid if one == prize_id)

    def create(self, transaction) -> Digest:
        """Do what a prepared transaction asks for."""
        values = decode(CREATE, bytes.fromhex(transaction["data"][10:]))
        asset_id, payout, root, total_minor, deadline_ts_s, terms_hash, salt, _ = values
        sponsor = Address(bytes.fromhex(transaction["from"][2:]))
        prize_id = id_of(CHAIN_ID, ADDRESS, sponsor, salt)
        assert prize_id not in self.prizes
        remaining_minor = 0 if payout == PrizePayout.ORDERS else total_minor
        self.prizes[prize_id] = Prize(
            sponsor, asset_id, PrizePayout(payout), deadline_ts_s, remaining_minor, root, terms_hash
        )
        self.totals[prize_id] = total_minor
        return prize_id

    def claim(self, prize_id: Digest, index: int, amount_minor: int) -> None:
        self.paid.add((prize_id, index))
        self.take(prize_id, amount_minor)

    def take(self, prize_id: Digest, amount_minor: int) -> None:
        prize = self.prizes[prize_id]
        left_minor = prize.remaining_minor - amount_minor
        self.prizes[prize_id] = replace(prize, remaining_minor=left_minor)


def with_prizes(world) -> Book:
    """Let the world's API have prizes."""
    book = Book()
    needs = PrizeNeeds(Prizes(world.databases.registers), book)
    world.api.state.services = replace(
        world.api.state.services, needs=replace(world.dependencies, prizes=needs)
    )
    assert PrizeDesk(world.api.state.services).needs is needs
    return book


def wish(world, payout="wallet", *people, **changes):
    rows = [f"{address_text(person)},{amount}\n" for person, amount in people or ((ALICE, "1"),)]
    body = {
        "sponsor": address_text(SPONSOR),
        "asset": "USDC",
        "payout": payout,
        "ends_at": str(world.clock() // 1000 + DAY_S),
        "csv": "payee,amount\n" + "".join(rows),
    } | changes
    return {name: value for name, value in body.items() if value is not None}


async def prepare(world, body, key_text="prize-1"):
    return await world.post("/v1/prizes", body, **{"Idempotency-Key": key_text})


async def check(world, person=SPONSOR, name="sponsor"):
    """Have somebody checked."""
    body = {"external_id": name, "person": address_text(person)}
    answer = await world.post("/v1/kyc/applicants", body, **{"Idempotency-Key": f"kyc {name}"})
    assert answer.json()["status"] == "approved"


async def show(world, prize_id, end=""):
    text = prize_id if isinstance(prize_id, str) else "0x" + prize_id.hex()
    return (await world.client.get(f"/v1/prizes/{text}{end}")).json()
