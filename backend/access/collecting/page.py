"""A payment request as people see it: one page that loads nothing and names nobody."""

from html import escape
from typing import Final

import segno

from backend.access.views import Json
from backend.protocol.money import format_decimal, to_base
from backend.protocol.types import Asset

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}
_STYLE: Final = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}"
    "dt{font-weight:600;margin-top:.75rem}dd{margin:0;overflow-wrap:anywhere}"
)
_TITLES: Final = {
    "open": "A payment is asked for",
    "paid": "This request is paid",
    "expired": "This request has expired: do not pay it",
}


def request_page(shown: Json, asset: Asset, decimals: int | None) -> str:
    """Return the page of a request; `decimals` are the token's, None if nobody knows them."""
    rows = [
        ("Amount", f"{_amount(shown, asset, decimals)} {shown['asset']}"),
        ("To", shown["payee"]),
        ("Memo", shown["memo"]),
    ]
    if shown["expires_at"] is not None:
        rows.append(("Until", shown["expires_at"]))
    if shown["payment_id"] is not None:
        rows.append(("Payment", shown["payment_id"]))
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in rows)
    title, code = escape(_TITLES[shown["status"]]), escape(shown["eip681"])
    ways = ""
    if shown["status"] == "open":
        command = escape(f"causeway pay NAME --request {shown['id']}")
        ways = (
            f"<h2>Pay</h2><dl><dt>In the ledger, final at once</dt><dd><code>{command}</code></dd>"
            f'<dt>On the chain, by a wallet</dt><dd><a href="{code}">{code}</a></dd></dl>'
            f"{_picture(shown['eip681'])}"
            "<p>What is paid on the chain reaches the payee, but this page will not show it.</p>"
        )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1><dl>{listed}</dl>{ways}"
        "</body></html>"
    )


def _picture(text: str) -> str:
    """Return a QR code as SVG, which is part of the page and loads nothing."""
    return str(segno.make_qr(text).svg_inline(scale=4))


def _amount(shown: Json, asset: Asset, decimals: int | None) -> str:
    if shown["amount"] is None:
        return "any amount of"
    if decimals is None:
        return f"{shown['amount']} minor units of"
    return format_decimal(to_base(int(shown["amount"]), asset.unit), decimals)
