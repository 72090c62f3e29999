"""Events: a stream of what happens, to be taken up again where it broke off."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from backend.access.api import examples
from backend.access.api.common import address_or_none
from backend.access.auth import needs
from backend.access.errors import documented
from backend.access.responses import json_text
from backend.access.services import Services, ServicesIn
from backend.access.views import event_view
from backend.protocol.types import Address, digest_text
from backend.records.event_stream import Event, EventPosition
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/events", tags=["events"])
Caller = Annotated[ApiKey, Depends(needs("events:read"))]

_TOGETHER_MAX: Final = 500


@router.get(
    "",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events",
            "content": {"text/event-stream": {"example": f"data: {json_text(examples.EVENT)}\n\n"}},
        },
        **documented(),
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
    text = last_event_id or after
    stream = services.needs.stream
    position = await run_in_threadpool(stream.end) if text is None else EventPosition.parse(text)
    wanted = tuple(filter(None, (types or "").split(",")))
    follower = Follower(services, position, wanted, address_or_none("party", party))
    return StreamingResponse(
        follower.texts(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


class Follower:
    """One listener. It waits for the projector's signal, never for a timer but the heartbeat."""

    def __init__(
        self,
        services: Services,
        position: EventPosition,
        types: tuple[str, ...],
        party: Address | None,
    ) -> None:
        self._services = services
        self._position = position
        self._types = types
        self._party = party
        self._changed = asyncio.Event()

    async def texts(self) -> AsyncIterator[str]:
        """Yield the stream's text for ever."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(self._changed.set)

        stop = self._services.needs.stream.listen(wake)
        heartbeat_s = self._services.settings.heartbeat_ms / 1000
        try:
            yield f"retry: 1000\nid: {self._position}\n\n"
            while True:
                self._changed.clear()
                events = await run_in_threadpool(self._read)
                for text in events:
                    yield text
                if events:
                    continue
                try:
                    await asyncio.wait_for(self._changed.wait(), heartbeat_s)
                except TimeoutError:
                    yield ": alive\n\n"
        finally:
            stop()

    def _read(self) -> list[str]:
        events = self._services.needs.stream.after(
            self._position, _TOGETHER_MAX, self._types, self._party
        )
        if events:
            self._position = events[-1].position
        return [self._text(event) for event in events]

    def _text(self, event: Event) -> str:
        names = {}
        if event.row.type == "withdrawal.claimed":
            # The chain knows a withdrawal by its claim's key, clients by its id.
            key = bytes.fromhex(event.row.subject[2:])
            row = self._services.reader.withdrawal_by_claim_key(key)
            if row is not None:
                names[event.row.subject] = digest_text(row.id)
        data = json_text(event_view(event, names))
        return f"id: {event.position}\nevent: {event.row.type}\ndata: {data}\n\n"
