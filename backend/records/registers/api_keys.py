"""API keys. Law: only a hash of the secret is kept, and it is compared in constant time.

A key reads `cwk_<id>_<secret>`. The secret has 256 random bits, so a plain SHA-256 protects it.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Engine, Row, func, insert, select, update

from backend.records.tables.registers import api_keys

PREFIX: Final = "cwk"
BOOTSTRAP_ID: Final = "bootstrap"
ALL_SCOPES: Final = ("*",)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it may be shown: without its secret."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_ts_ms: int
    last_used_ts_ms: int | None
    revoked_ts_ms: int | None

    def allows(self, scope: str) -> bool:
        """Return whether the key may do `scope`, written `resource:read` or `resource:write`."""
        resource = scope.partition(":")[0]
        return not {"*", scope, f"{resource}:*"}.isdisjoint(self.scopes)


def _api_key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        row.id,
        row.name,
        tuple(row.scopes.split()),
        row.created_ts_ms,
        row.last_used_ts_ms,
        row.revoked_ts_ms,
    )


class ApiKeys:
    """The register of API keys."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, name: str, scopes: tuple[str, ...], ts_ms: int) -> tuple[ApiKey, str]:
        """Make a key; return it with the text that its holder sends, shown this once."""
        key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
        self._insert(key_id, name, secret, scopes, ts_ms)
        return ApiKey(key_id, name, scopes, ts_ms, None, None), f"{PREFIX}_{key_id}_{secret}"

    def ensure_bootstrap(self, text: str, ts_ms: int) -> None:
        """Let in whoever holds `text`, a secret of the settings. A repeat changes nothing; another
        `text` takes the place of the one before.
        """
        secret_sha256 = hashlib.sha256(text.encode()).digest()
        with self._engine.begin() as connection:
            found = connection.execute(
                update(api_keys)
                .where(api_keys.c.id == BOOTSTRAP_ID)
                .values(secret_sha256=secret_sha256)
            )
            exists = found.rowcount > 0
        if not exists:
            self._insert(BOOTSTRAP_ID, "bootstrap", text, ALL_SCOPES, ts_ms)

    def _insert(
        self, key_id: str, name: str, secret: str, scopes: tuple[str, ...], ts_ms: int
    ) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                insert(api_keys).values(
                    id=key_id,
                    name=name,
                    secret_sha256=hashlib.sha256(secret.encode()).digest(),
                    scopes=" ".join(scopes),
                    created_ts_ms=ts_ms,
                )
            )

    def find(self, text: str) -> ApiKey | None:
        """Return the key that `text` is, or nothing if there is none or it was revoked."""
        prefix, _, rest = text.partition("_")
        key_id, _, secret = rest.partition("_")
        found = None
        if prefix == PREFIX and key_id != BOOTSTRAP_ID:
            found = self._matching(key_id, secret)
        return found or self._matching(BOOTSTRAP_ID, text)

    def _matching(self, key_id: str, secret: str) -> ApiKey | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).first()
        # An unknown id costs the same comparison.
        expected = bytes(32) if row is None else row.secret_sha256
        matches = hmac.compare_digest(hashlib.sha256(secret.encode()).digest(), expected)
        if row is None or not matches or row.revoked_ts_ms is not None:
            return None
        return _api_key(row)

    def get(self, key_id: str) -> ApiKey | None:
        """Return a key, revoked or not."""
        with self._engine.connect() as connection:
            row = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).first()
        return None if row is None else _api_key(row)

    def list(self, after: str | None, limit: int) -> list[ApiKey]:
        """Return up to `limit` keys by id, those after `after`."""
        query = select(api_keys).order_by(api_keys.c.id).limit(limit)
        if after is not None:
            query = query.where(api_keys.c.id > after)
        with self._engine.connect() as connection:
            return [_api_key(row) for row in connection.execute(query)]

    def revoke(self, key_id: str, ts_ms: int) -> ApiKey | None:
        """Revoke a key for ever. A repeat keeps the first moment."""
        with self._engine.begin() as connection:
            connection.execute(
                update(api_keys)
                .where(api_keys.c.id == key_id)
                .values(revoked_ts_ms=func.coalesce(api_keys.c.revoked_ts_ms, ts_ms))
            )
        return self.get(key_id)

    def mark_used(self, key_id: str, ts_ms: int) -> None:
        """Note when a key was last used."""
        with self._engine.begin() as connection:
            connection.execute(
                update(api_keys).where(api_keys.c.id == key_id).values(last_used_ts_ms=ts_ms)
            )
