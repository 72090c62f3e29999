"""What the resources of a client have in common: the client. They have no state of their own."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from causeway.async_client import AsyncClient
    from causeway.client import Client


class Resource:
    """A part of the blocking client."""

    def __init__(self, client: "Client") -> None:
        self._client = client


class AsyncResource:
    """A part of the asynchronous client."""

    def __init__(self, client: "AsyncClient") -> None:
        self._client = client
