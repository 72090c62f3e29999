"""Batches as the command line shows them.

- one that the chain doesn't have yet: no transaction, no block of the chain
"""

from backend.access.views import built_batch_view
from backend.cli.batch import batch_table
from backend.cli.screen import Screen
from backend.protocol.batches import genesis_header
from backend.protocol.hashing import ZERO_DIGEST
from causeway import Batch
from tests.unit.access.world import settings_of


def test_batch_table__built__shows_no_transaction_succeeds(capsys):
    settings = settings_of()
    built = Batch.parse(built_batch_view(genesis_header(ZERO_DIGEST), settings))

    Screen(as_json=False).show({}, batch_table([built]))

    assert capsys.readouterr().out.split("\n")[1].split() == ["0", "built", "0", "0"]
