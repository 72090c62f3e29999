"""Events: a stream of what happens, to be taken up again where it broke off."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from backend.access.api import examples
from backend.access.api.common import address_or_none
from backend.access.auth import needs
from backend.access.broadcast import Told
from backend.access.errors import documented
from backend.access.responses import json_text
from backend.access.services import Services, ServicesIn
from backend.protocol.errors import BackPressure
from backend.protocol.types import Address
from backend.records.event_stream import Event, EventPosition
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/events", tags=["events"])
Caller = Annotated[ApiKey, Depends(needs("events:read"))]


@router.get(
    "",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events",
            "content": {"text/event-stream": {"example": f"data: {json_text(examples.EVENT)}\n\n"}},
        },
        **documented(BackPressure),
    },
)
async def stream_events(
    services: ServicesIn,
    _caller: Caller,
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
    after: Annotated[str | None, Query(max_length=42, description="As Last-Event-ID")] = None,
    types: Annotated[str | None, Query(max_length=500, description="With commas")] = None,
    party: Annotated[str | None, Query(description="Owner, payer or payee")] = None,
) -> StreamingResponse:
    """Follow events: those after `Last-Event-ID` (0.0 is the beginning), then new ones as they
    come; without it only new ones. An event may come twice after a restart. A payment has an event
    when it is final or rejected; that it is posted and settled, its batch tells.
    """
    services.broadcast.check_room()
    text = last_event_id or after
    stream = services.needs.stream
    position = await run_in_threadpool(stream.end) if text is None else EventPosition.parse(text)
    wanted = tuple(filter(None, (types or "").split(",")))
    follower = Follower(services, position, wanted, address_or_none("party", party))
    return StreamingResponse(
        follower.texts(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


class Follower:
    """One listener: he reads what he missed, then takes what is told to all."""

    def __init__(
        self,
        services: Services,
        position: EventPosition,
        types: tuple[str, ...],
        party: Address | None,
    ) -> None:
        self._broadcast = services.broadcast
        self._heartbeat_s = services.settings.heartbeat_ms / 1000
        self._position = position
        self._types = types
        self._party = party

    async def texts(self) -> AsyncIterator[str]:
        """Yield the stream's text, until the server can't read any more."""
        seat = await self._broadcast.join()
        try:
            yield f"retry: 1000\nid: {self._position}\n\n"
            while not seat.is_over:
                if seat.is_behind:
                    seat.is_behind = False
                    async for text in self._missed():
                        yield text
                text = "".join(self._text(told) for told in seat.take() if self._wants(told.event))
                if text:
                    yield text
                    continue
                try:
                    await asyncio.wait_for(seat.changed.wait(), self._heartbeat_s)
                except TimeoutError:
                    yield ": alive\n\n"
        finally:
            self._broadcast.leave(seat)

    async def _missed(self) -> AsyncIterator[str]:
        while True:
            end, told = await run_in_threadpool(
                self._broadcast.read, self._position, self._types, self._party
            )
            if not told:
                self._position = self._position.joined(end)
                return
            yield "".join(map(self._text, told))

    def _text(self, told: Told) -> str:
        self._position = self._position.joined(told.event.position)
        return f"id: {self._position}\n{told.text}"

    def _wants(self, event: Event) -> bool:
        """Return whether an event is new to this listener, and one that he asked for."""
        row = event.row
        return (
            not self._position.has(row)
            and (not self._types or row.type in self._types)
            and (self._party is None or self._party in (row.owner, row.counterparty))
        )
