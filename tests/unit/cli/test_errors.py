"""How errors are shown.

- expected ones: code, message, what to do next
- names are enough for those whose modules are slow to load
- a mistake of ours is not explained away
"""

import pytest
from pydantic import ValidationError

from backend.cli.errors import explain
from backend.config import Settings
from backend.console.errors import NoApiKey
from backend.local import StartFailed
from backend.protocol.errors import AmountZero, ChainUnavailable
from backend.settlement.deployment import NoNode
from causeway import ApiConnectionError, OrderMismatch
from causeway.errors import status_error


def api_error(code, status_code=409):
    return status_error(status_code, {"error": {"code": code, "message": "It is so."}})


@pytest.mark.parametrize(
    ("error", "code", "part"),
    [
        (NoApiKey(), "NO_API_KEY", "causeway up"),
        (AmountZero(), "AMOUNT_ZERO", "at least one"),
        (ChainUnavailable(), "CHAIN_UNAVAILABLE", "causeway up"),
        (ApiConnectionError("refused"), "NO_CONNECTION", "causeway up"),
        (api_error("KYC_REQUIRED"), "KYC_REQUIRED", "It is so. `causeway kyc apply"),
        (api_error("NOT_ELIGIBLE"), "NOT_ELIGIBLE", "causeway kyc record"),
        (api_error("PATH_UNKNOWN", 404), "PATH_UNKNOWN", "causeway down"),
        (status_error(502, None), "NO_CONNECTION", "502"),
        (OrderMismatch("fee", "at most 5", 10), "FEE_MISMATCH", "--fee-max"),
        (OrderMismatch("payee", "a", "b"), "ORDER_MISMATCH", "Nothing was signed"),
        (NoNode("http://node"), "NO_NODE", "http://node"),
        (StartFailed("see the log"), "START_FAILED", "see the log"),
    ],
)
def test_explain__expected__says_what_to_do_succeeds(error, code, part):
    found = explain(error)

    assert found is not None
    assert found[0] == code
    assert part in found[1]


def test_explain__wrong_settings__names_the_variable_succeeds(monkeypatch):
    monkeypatch.setenv("CAUSEWAY_API_PORT", "many")

    with pytest.raises(ValidationError) as refused:
        Settings()

    code, message = explain(refused.value)
    assert code == "SETTINGS_INVALID"
    assert "CAUSEWAY_API_PORT" in message


@pytest.mark.parametrize("error", [KeyError("token"), RuntimeError("loop"), AssertionError()])
def test_explain__mistake_of_ours__is_none_holds(error):
    assert explain(error) is None
