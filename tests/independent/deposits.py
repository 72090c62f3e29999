"""The deposit queue, deposits by signature, and the key of a claimed withdrawal (section 7)."""

from dataclasses import dataclass

from tests.independent.codec import Reader, keccak, u


@dataclass(frozen=True)
class Deposit:
    token: bytes
    asset_id: int
    owner: bytes
    amount_minor: int
    l1_ts_s: int

    def encoded(self) -> bytes:
        ends = u(self.amount_minor, 6) + u(self.l1_ts_s, 8)
        return self.token + u(self.asset_id, 2) + self.owner + ends

    def link(self, previous: bytes) -> bytes:
        return keccak(previous, self.encoded())


def read_deposit(reader: Reader) -> Deposit:
    token, asset_id, owner = reader.take(20), reader.number(2), reader.take(20)
    return Deposit(token, asset_id, owner, reader.number(6), reader.number(8))


def deposit_nonce(asset_id: int, owner: bytes, salt: bytes) -> bytes:
    kind = keccak(b"Deposit(uint16 assetId,address owner,bytes32 salt)")
    return keccak(kind, u(asset_id, 32), bytes(12), owner, salt)


def withdrawal_key(owner: bytes, nonce: int, asset: bytes, amount: int) -> bytes:
    """`amount` in base units."""
    return keccak(owner, u(nonce, 8), asset, u(amount, 32))
