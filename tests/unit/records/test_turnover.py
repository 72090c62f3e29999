"""Turnover: what a person paid to others since a deposit.

- counted: payments to others; not before the deposit, fees, other assets, withdrawals
- round trips: what came back from a payee is taken off, never below zero for each of them
- deposit not credited: nothing
"""

import pytest

from backend.records.database import open_database
from backend.records.projections import Projections
from backend.records.turnover import Turnovers
from tests.unit.records.journal import ASSET, DOMAIN, Journal, key


@pytest.fixture
def turnover(tmp_path):
    """Return a function that reads a journal's blocks, and then the turnover of "payer"."""

    def read(*blocks, deposit_index=1):
        engine = open_database("projections", f"sqlite:///{tmp_path / 'p.sqlite3'}")
        projections = Projections(engine, DOMAIN)
        journal = Journal()
        first = journal.add((), (("payer", 1_000), ("shop", 1_000)), (ASSET,))
        made = [first, *(block(journal) for block in blocks)]
        for final in made:
            projections.apply_final_block(final)
        return Turnovers(engine).since_deposit(key("payer").address, 1, deposit_index)

    return read


def deposit(journal):
    return journal.add((), (("payer", 500),))


def paying(*payments):
    def block(journal):
        return journal.add(tuple(journal.pay(*payment) for payment in payments))

    return block


@pytest.mark.parametrize(
    ("payments", "expected"),
    [
        ([("payer", "shop", 100, 0)], 100),
        ([("payer", "shop", 100, 7)], 100),
        ([("payer", "shop", 100, 0), ("payer", "friend", 50, 0)], 150),
        ([("payer", "shop", 100, 0), ("shop", "payer", 40, 0)], 60),
        ([("payer", "shop", 100, 0), ("shop", "payer", 100, 0)], 0),
        ([("shop", "payer", 300, 0), ("payer", "friend", 100, 0)], 100),
        ([], 0),
    ],
    ids=["paid", "fee", "two payees", "part back", "round trip", "other's surplus", "nothing"],
)
def test_since_deposit__payments__counts_what_stays_away_holds(turnover, payments, expected):
    assert turnover(deposit, paying(*payments), deposit_index=2) == expected


def test_since_deposit__paid_before_it__counts_nothing_holds(turnover):
    assert turnover(paying(("payer", "shop", 100, 0)), deposit, deposit_index=2) == 0


def test_since_deposit__not_credited__counts_nothing_holds(turnover):
    assert turnover(paying(("payer", "shop", 100, 0)), deposit_index=9) == 0
