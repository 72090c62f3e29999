"""Payment requests. Law: one is paid by a final payment to its payee that bears its memo."""

import secrets
from typing import Final

from starlette.concurrency import run_in_threadpool

from backend.access.building import amount_minor_of
from backend.access.collecting.schemas import PaymentRequestIn
from backend.access.services import Services
from backend.access.texts import memo_of, time_text, ts_s_of
from backend.access.views import Json
from backend.protocol.errors import MalformedRequest, PayeeInvalid, PaymentRequestNotFound
from backend.protocol.hashing import ZERO_DIGEST, Digest, keccak
from backend.protocol.money import to_base
from backend.protocol.types import ZERO_ADDRESS, Asset, address_text, digest_text
from backend.records.registers.payment_requests import PaymentRequest

# A request can be read by whoever knows its id, so nobody may guess it: 128 random bits.
_PREFIX: Final = "preq_"
_ID_BYTES: Final = 16


async def create_request(services: Services, wish: PaymentRequestIn, scope: str) -> PaymentRequest:
    """Keep a request; a repeat of the scope returns the first. Raises PaymentError."""
    named = await services.assets.find(wish.asset)
    if wish.payee == ZERO_ADDRESS:
        raise PayeeInvalid(address_text(wish.payee))
    now_ts_ms = services.needs.clock_ms()
    expiry_ts_s = None if wish.expires_at is None else ts_s_of(wish.expires_at, "expires_at")
    if expiry_ts_s is not None and expiry_ts_s * 1000 <= now_ts_ms:
        raise MalformedRequest("expires_at", "it is over already")
    request_id = _PREFIX + secrets.token_hex(_ID_BYTES)
    request = PaymentRequest(
        request_id,
        scope,
        wish.payee,
        named.asset_id,
        None if wish.amount is None else amount_minor_of(wish.amount),
        keccak(request_id.encode()) if wish.memo is None else _memo(wish.memo),
        expiry_ts_s,
        now_ts_ms,
    )
    return await run_in_threadpool(services.needs.registers.collecting.requests.add, request)


def _memo(text: str) -> Digest:
    memo = memo_of(text)
    if memo == ZERO_DIGEST:
        raise MalformedRequest("memo", "it is zero, as that of a payment without a memo")
    return memo


async def find_request(services: Services, request_id: str) -> PaymentRequest:
    """Return a request. Raises PaymentRequestNotFound."""
    register = services.needs.registers.collecting.requests
    found = await run_in_threadpool(register.get, request_id)
    if found is None:
        raise PaymentRequestNotFound(request_id[:64])
    return found


def eip681(request: PaymentRequest, asset: Asset, chain_id: int) -> str:
    """Return the code by which a wallet pays the payee on L1 (EIP-681), past the ledger."""
    code = f"ethereum:{address_text(asset.token)}@{chain_id}/transfer"
    code += f"?address={address_text(request.payee)}"
    if request.amount_minor is None:
        return code
    return f"{code}&uint256={to_base(request.amount_minor, asset.unit)}"


def request_view(services: Services, request: PaymentRequest) -> Json:
    """Show a request, and whether it is paid. Blocks: call it from a thread."""
    settings = services.settings
    asset = services.node.assets()[request.asset_id]
    amount_minor = request.amount_minor
    paid = services.reader.payment_with_memo(
        request.payee, request.asset_id, request.memo, amount_minor or 1
    )
    expiry_ts_ms = None if request.expiry_ts_s is None else request.expiry_ts_s * 1000
    is_over = expiry_ts_ms is not None and expiry_ts_ms <= services.needs.clock_ms()
    payee, code = address_text(request.payee), services.assets.code_of(request.asset_id)
    amount = None if amount_minor is None else str(amount_minor)
    return {
        "object": "payment_request",
        "id": request.id,
        "status": "paid" if paid is not None else "expired" if is_over else "open",
        "payee": payee,
        "asset": code,
        "amount": amount,
        "memo": digest_text(request.memo),
        "created_at": time_text(request.created_ts_ms),
        "expires_at": time_text(expiry_ts_ms),
        "payment_id": None if paid is None else digest_text(paid.id),
        "link": f"{settings.public_url.rstrip('/')}/pay/{request.id}",
        "eip681": eip681(request, asset, settings.domain.chain_id),
        "ledger": {
            "chainId": settings.domain.chain_id,
            "verifyingContract": address_text(settings.domain.contract),
            "payee": payee,
            "asset": code,
            "token": address_text(asset.token),
            "amount": amount,
            "memo": digest_text(request.memo),
        },
    }
