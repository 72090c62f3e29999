"""The status while nothing runs. A running platform's is tested in tests/e2e/test_cli.py."""

from backend.config import Settings
from backend.console.status import platform_status

CLOSED_PORT = 9


def test_status__nothing_runs__says_so_succeeds(tmp_path):
    settings = Settings(
        data_dir=tmp_path,
        deployments_dir=tmp_path,
        chain_port=CLOSED_PORT,
        api_port=CLOSED_PORT,
        api_key="cwk_x_y",
    )

    found = platform_status(settings)

    assert found["chain"]["is_running"] is False
    assert found["backend"]["status"] is None
    assert found["batches"] is None
    assert found["contracts"] == {}
