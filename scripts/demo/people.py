"""Who takes part: keys derived from a seed, and what the CSV says they pay."""

import csv
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path

from eth_utils.address import to_checksum_address

from backend.protocol.hashing import keccak
from causeway.signing import Key

STRANGER = "stranger"  # nobody has checked this one


@dataclass(frozen=True)
class Person:
    """Somebody with a key of his own. The key exists in this process alone."""

    name: str
    secret: bytes

    @cached_property
    def key(self) -> Key:
        """What signs this person's orders."""
        return Key(self.secret)

    @property
    def address(self) -> str:
        return to_checksum_address(self.key.address)


@dataclass(frozen=True, slots=True)
class Line:
    """A payment of the CSV."""

    payer: Person
    payee: Person
    asset: str
    amount: Decimal

    def amount_minor(self, minor_decimals: int) -> int:
        """Return the amount in minor units. Raises ValueError if it has finer parts."""
        scaled = self.amount.scaleb(minor_decimals)
        if scaled != int(scaled):
            raise ValueError(f"{self.amount} {self.asset} is no whole number of minor units")
        return int(scaled)


class People:
    """All who take part, by name."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._people: dict[str, Person] = {}

    def __getitem__(self, name: str) -> Person:
        if name not in self._people:
            secret = keccak(f"{self._seed}/{name}".encode())
            self._people[name] = Person(name, secret)
        return self._people[name]

    def all(self) -> list[Person]:
        """Return everybody named so far."""
        return [self._people[name] for name in sorted(self._people)]


def read_lines(path: Path, people: People, count: int | None) -> list[Line]:
    """Return the first `count` payments of the CSV, or all."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))[:count]
    return [
        Line(people[row["payer"]], people[row["payee"]], row["asset"], Decimal(row["amount"]))
        for row in rows
    ]


def spending(lines: list[Line]) -> dict[tuple[str, str], Decimal]:
    """Return what each payer pays in each asset, by (name, asset)."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in lines:
        sums[line.payer.name, line.asset] += line.amount
    return dict(sums)
