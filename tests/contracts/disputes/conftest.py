"""The rollup's world, and what proves fraud in it."""

import pytest

from tests.contracts.rollup.conftest import (  # noqa: F401 - fixtures
    asset_id,
    attacker,
    blob_carrier,
    committee,
    deposit,
    errors_by_their_bytes,
    gate,
    keys,
    kzg,
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


@pytest.fixture
def harness(project, lister):  # noqa: F811
    return lister.deploy(project.DisputesHarness)
