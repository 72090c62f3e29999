"""Settings.

- defaults work; the chain's URL follows host and port
- production refuses the default secrets, and a KYC provider that checks nobody unless told
- an unreadable value is refused
"""

import pytest
from pydantic import ValidationError

from backend.config import Settings


def test_settings__nothing_set__succeeds() -> None:
    settings = Settings(_env_file=None, chain_port=9545)

    assert settings.rpc_url == "http://127.0.0.1:9545"
    assert settings.api_url == "http://127.0.0.1:8000"


def test_settings__default_passphrase_in_production__rejects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CAUSEWAY_ENVIRONMENT", "production")

    with pytest.raises(ValidationError, match="CAUSEWAY_KEYS_PASSPHRASE"):
        Settings(_env_file=None)


def test_settings__own_passphrase_in_production__succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAUSEWAY_ENVIRONMENT", "production")
    monkeypatch.setenv("CAUSEWAY_KEYS_PASSPHRASE", "battery staple")
    monkeypatch.setenv("CAUSEWAY_KYC_WEBHOOK_SECRET", "battery charger")
    monkeypatch.setenv("CAUSEWAY_ALLOW_SANDBOX_KYC", "true")

    settings = Settings(_env_file=None)

    assert "battery" not in repr(settings)


def test_settings__sandbox_kyc_in_production__rejects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAUSEWAY_ENVIRONMENT", "production")
    monkeypatch.setenv("CAUSEWAY_KEYS_PASSPHRASE", "battery staple")
    monkeypatch.setenv("CAUSEWAY_KYC_WEBHOOK_SECRET", "battery charger")

    with pytest.raises(ValidationError, match="CAUSEWAY_ALLOW_SANDBOX_KYC"):
        Settings(_env_file=None)


def test_settings__sandbox_kyc_in_development__succeeds() -> None:
    settings = Settings(_env_file=None)

    assert (settings.kyc_provider, settings.allow_sandbox_kyc) == ("sandbox", False)


def test_settings__no_operations__rejects() -> None:
    with pytest.raises(ValidationError):
        Settings(_env_file=None, batch_operations=0)
