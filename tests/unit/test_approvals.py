"""What proposals and payouts need is fitted, by name and argument; mypy checks the types.

- ports of proposals and payouts: settlement and the engine fit them, and so do the tests' own
- a deployment without a treasury
"""

import inspect
from dataclasses import fields

import pytest
from sqlalchemy import create_engine

from backend.access.payouts import ports as payout_ports
from backend.access.proposals import ports as proposal_ports
from backend.approvals import approval_needs
from backend.engine.node import Node
from backend.protocol.types import Address
from backend.settlement import dry_run, treasury
from backend.settlement.client import ChainClient
from backend.settlement.deployment_file import LOCAL_PARAMETERS, Deployment, Roles
from backend.settlement.payee_check import PayeeChecks
from tests.unit.access.treasury import FakePayees, FakeTreasury


def members(port):
    return {name: value for name, value in vars(port).items() if not name.startswith("_")}


@pytest.mark.parametrize(
    ("port", "fitting"),
    [
        (proposal_ports.Treasury, treasury.TreasuryQueries),
        (proposal_ports.Treasury, FakeTreasury),
        (payout_ports.PayeeCheck, PayeeChecks),
        (payout_ports.PayeeCheck, FakePayees),
        (payout_ports.PayingNode, Node),
    ],
)
def test_port__methods__holds(port, fitting):
    for name, method in members(port).items():
        if not inspect.isfunction(method):
            continue
        ours, theirs = inspect.signature(method), inspect.signature(getattr(fitting, name))
        assert list(ours.parameters) == list(theirs.parameters), name


@pytest.mark.parametrize(
    ("port", "fitting"),
    [
        (proposal_ports.Needs, treasury.Needs),
        (proposal_ports.ProposalState, treasury.ProposalState),
        (proposal_ports.CallEffect, dry_run.CallEffect),
        (proposal_ports.BalanceChange, dry_run.BalanceChange),
    ],
)
def test_port__fields__holds(port, fitting):
    assert set(members(port)) <= {field.name for field in fields(fitting)}


def test_approval_needs__no_treasury__has_none_succeeds():
    nobody = Address(bytes(20))
    deployment = Deployment(
        31337, bytes(32), 0, LOCAL_PARAMETERS, Roles(nobody, nobody, ()), {}, ()
    )
    client, engine = ChainClient("http://127.0.0.1:1"), create_engine("sqlite://")

    needs = approval_needs(client, deployment, None, engine, None, nobody, lambda: 0)

    assert needs.treasury is None
    assert needs.returns == nobody
