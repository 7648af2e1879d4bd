"""The routes: each reads its request, asks the service, and answers in JSON or PNG."""

import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import FileResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import ClientDisconnect
from starlette.staticfiles import StaticFiles

from segexp.serve import encoding
from segexp.serve.disconnect import cancel_if_disconnected
from segexp.serve.errors import add_error_handlers
from segexp.serve.image_store import ImageEntry
from segexp.serve.metrics import ServerMetrics
from segexp.serve.responses import (
    Duration,
    ImageLink,
    ImagePage,
    ImageResponse,
    PredictionStatistics,
    RunDescription,
    ScoresOfImage,
    UploadResponse,
)
from segexp.serve.service import Service
from segexp.serve.uploads import UploadReader

PAGE = Path(__file__).parent / "page"
PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}}}
JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}}}
FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}


def create_app(description: RunDescription, service: Service, uploads: UploadReader, metrics: ServerMetrics) -> FastAPI:
    """Make the application. description: of the run, which stays the same as long as it runs."""

    @asynccontextmanager
    async def run_workers(app: FastAPI):
        async with service.batcher.run_workers():
            yield

    app = FastAPI(title="segexp", docs_url=None, redoc_url=None, lifespan=run_workers)  # its docs load from a CDN
    add_error_handlers(app)
    app.exception_handler(ClientDisconnect)(_answer_nobody)
    _add_plain_routes(app, description, metrics)
    _add_image_routes(app, service)
    _add_upload_route(app, service, uploads)
    app.mount("/static", StaticFiles(directory=PAGE, check_dir=False))
    return app


async def _answer_nobody(request: Request, error: Exception) -> Response:
    return Response(status_code=499)  # as nginx counts clients who left


def _add_plain_routes(app: FastAPI, description: RunDescription, metrics: ServerMetrics) -> None:
    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(PAGE / "index.html")

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/metrics", include_in_schema=False)
    async def prometheus() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/api/classes")
    async def run_description() -> RunDescription:
        return description


def _add_image_routes(app: FastAPI, service: Service) -> None:
    store = service.store

    def link(image_id: str) -> ImageLink:
        address = _address(image_id)
        return ImageLink(id=image_id, href=address, thumbnail=f"{address}/thumbnail.jpg", miou=store.miou.get(image_id))

    @app.get("/api/images")
    async def images(offset: int = Query(0, ge=0), limit: int = Query(50, ge=1, le=500)) -> ImagePage:
        total, end = len(store.ids), offset + limit
        return ImagePage(
            total=total,
            offset=offset,
            limit=limit,
            images=[link(each) for each in store.ids[offset:end]],
            next=f"/api/images?offset={end}&limit={limit}" if end < total else None,
            previous=f"/api/images?offset={max(0, min(offset, total) - limit)}&limit={limit}" if offset else None,
        )

    @app.get("/api/images/{image_id}")
    async def image(request: Request, image_id: str, inline: bool = False) -> ImageResponse:
        return await cancel_if_disconnected(request, _image_response(service, store.find(image_id), inline))

    @app.get("/api/images/{image_id}/thumbnail.jpg", responses=JPEG, response_class=Response)
    async def thumbnail(request: Request, image_id: str) -> Response:
        return _encoded(request, await cancel_if_disconnected(request, service.thumbnail(store.find(image_id))))

    @app.get("/api/images/{image_id}/image.png", responses=PNG, response_class=Response)
    async def image_png(request: Request, image_id: str) -> Response:
        return _encoded(request, await cancel_if_disconnected(request, service.image_png(store.find(image_id))))

    @app.get("/api/images/{image_id}/truth.png", responses=PNG, response_class=Response)
    async def target_png(request: Request, image_id: str) -> Response:
        return _encoded(request, await cancel_if_disconnected(request, service.target_png(store.find(image_id))))

    @app.get("/api/images/{image_id}/prediction.png", responses=PNG, response_class=Response)
    async def prediction_png(request: Request, image_id: str) -> Response:
        predicted = await cancel_if_disconnected(request, service.prediction(store.find(image_id)))
        return _encoded(request, predicted.prediction)


def _add_upload_route(app: FastAPI, service: Service, uploads: UploadReader) -> None:
    @app.post("/api/predict", openapi_extra=FORM, responses=PNG)
    async def predict(request: Request) -> UploadResponse:
        service.requests.check()  # before the body is read in vain
        content = await uploads.read(request)
        started = time.perf_counter()
        accepted = request.headers.get("accept", "")
        png_alone = "image/png" in accepted and "application/json" not in accepted
        predicted = await cancel_if_disconnected(request, service.predict_upload(content, with_details=not png_alone))
        if png_alone:
            return Response(predicted.prediction, media_type="image/png")  # type: ignore[return-value]
        return UploadResponse(
            width=predicted.width,
            height=predicted.height,
            image=encoding.data_url(predicted.image),
            prediction=encoding.data_url(predicted.prediction),
            statistics=PredictionStatistics.model_validate(predicted.statistics),
            seconds=Duration(network=predicted.network_seconds, total=time.perf_counter() - started),
        )


async def _image_response(service: Service, entry: ImageEntry, inline: bool) -> ImageResponse:
    started = time.perf_counter()
    predicted = await service.prediction(entry)
    address = _address(entry.id)
    if inline:
        files = {
            "image": encoding.data_url(await service.image_png(entry)),
            "truth": encoding.data_url(await service.target_png(entry)),
            "prediction": encoding.data_url(predicted.prediction),
        }
    else:
        files = {name: f"{address}/{name}.png" for name in ("image", "truth", "prediction")}
    return ImageResponse(
        id=entry.id,
        width=predicted.width,
        height=predicted.height,
        previous=entry.previous,
        next=entry.next,
        scores=ScoresOfImage.model_validate(predicted.scores),
        seconds=Duration(network=predicted.network_seconds, total=time.perf_counter() - started),
        **files,
    )


def _address(image_id: str) -> str:
    return f"/api/images/{quote(image_id, safe='')}"


def _encoded(request: Request, content: encoding.EncodedImage) -> Response:
    """Answer with an image. Browsers keep it but ask each time, as another run may be served under the same address."""
    headers = {"etag": content.etag, "cache-control": "private, no-cache"}
    known = request.headers.get("if-none-match", "")
    if content.etag in known or known == "*":
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=content.media_type, headers=headers)
