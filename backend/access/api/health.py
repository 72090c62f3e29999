"""Health: for machines that watch this one. Without API keys."""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from backend.access.metrics import Metrics
from backend.access.responses import json_response
from backend.access.services import ServicesIn

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def is_alive() -> Response:
    """Tell that the process answers."""
    return json_response({"status": "alive"})


@router.get("/readyz", responses={503: {"description": "Not ready; `problems` says why"}})
async def is_ready(services: ServicesIn) -> Response:
    """Tell whether payments are taken, and if not, why."""
    problems = list(services.needs.problems())
    try:
        block_number = await run_in_threadpool(services.reader.block_number)
    except Exception:
        block_number = None
        problems.append("the records can't be read")
    status = "not ready" if problems else "ready"
    shown = {
        "status": status,
        "problems": problems,
        "block": block_number,
        "epoch": services.node.status().epoch,
        "frozen_ts_s": services.needs.frozen_ts_s(),
    }
    return json_response(shown, 503 if problems else 200)


@router.get("/metrics", response_class=PlainTextResponse)
async def show_metrics(request: Request, services: ServicesIn) -> Response:
    """Show numbers in Prometheus' text format."""
    metrics: Metrics = request.app.state.metrics
    metrics.show_chain(
        services.node.status().epoch,
        services.needs.frozen_ts_s() is not None,
        await run_in_threadpool(services.reader.open_challenge_count),
    )
    return Response(metrics.text(), media_type="text/plain; version=0.0.4")
