"""The routes: each reads its request, asks the service, and says it in JSON or PNG."""

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

from segexp.serve import png
from segexp.serve.client import unless_gone
from segexp.serve.errors import answer_errors
from segexp.serve.figures import Figures
from segexp.serve.gallery import Place
from segexp.serve.schema import Classes, ImageAnswer, ImageLink, ImagePage, ImageScores, Seconds, UploadAnswer
from segexp.serve.service import Service
from segexp.serve.uploads import Uploads

PAGE = Path(__file__).parent / "page"
PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}}}
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


def create(classes: Classes, service: Service, uploads: Uploads, figures: Figures) -> FastAPI:
    """The application. classes: what it answers about the run, the same all its life."""

    @asynccontextmanager
    async def running(app: FastAPI):
        async with service.batches.running():
            yield

    app = FastAPI(title="segexp", docs_url=None, redoc_url=None, lifespan=running)  # its pages of docs load from a CDN
    answer_errors(app)
    app.exception_handler(ClientDisconnect)(_nobody)
    _add_plain_routes(app, classes, figures)
    _add_image_routes(app, service)
    _add_upload_route(app, service, uploads)
    app.mount("/static", StaticFiles(directory=PAGE, check_dir=False))
    return app


async def _nobody(request: Request, error: Exception) -> Response:
    return Response(status_code=499)  # as nginx counts clients who left


def _add_plain_routes(app: FastAPI, classes: Classes, figures: Figures) -> None:
    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(PAGE / "index.html")

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(figures.text(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/api/classes")
    async def of_run() -> Classes:
        return classes


def _add_image_routes(app: FastAPI, service: Service) -> None:
    gallery = service.gallery

    @app.get("/api/images")
    async def images(offset: int = Query(0, ge=0), limit: int = Query(50, ge=1, le=500)) -> ImagePage:
        total, end = len(gallery.ids), offset + limit
        return ImagePage(
            total=total,
            offset=offset,
            limit=limit,
            images=[ImageLink(id=each, href=_address(each)) for each in gallery.ids[offset:end]],
            next=f"/api/images?offset={end}&limit={limit}" if end < total else None,
            previous=f"/api/images?offset={max(0, min(offset, total) - limit)}&limit={limit}" if offset else None,
        )

    @app.get("/api/images/{image_id}")
    async def image(request: Request, image_id: str, inline: bool = False) -> ImageAnswer:
        return await unless_gone(request, _described(service, gallery.find(image_id), inline))

    @app.get("/api/images/{image_id}/image.png", responses=PNG, response_class=Response)
    async def picture(request: Request, image_id: str) -> Response:
        return _png(request, await unless_gone(request, service.picture(gallery.find(image_id))))

    @app.get("/api/images/{image_id}/truth.png", responses=PNG, response_class=Response)
    async def truth(request: Request, image_id: str) -> Response:
        return _png(request, await unless_gone(request, service.truth(gallery.find(image_id))))

    @app.get("/api/images/{image_id}/prediction.png", responses=PNG, response_class=Response)
    async def prediction(request: Request, image_id: str) -> Response:
        shown = await unless_gone(request, service.shown(gallery.find(image_id)))
        return _png(request, shown.prediction)


def _add_upload_route(app: FastAPI, service: Service, uploads: Uploads) -> None:
    @app.post("/api/predict", openapi_extra=FORM, responses=PNG)
    async def predict(request: Request) -> UploadAnswer:
        service.in_work.check()  # before the body is read in vain
        content = await uploads.read(request)
        started = time.perf_counter()
        accepted = request.headers.get("accept", "")
        png_alone = "image/png" in accepted and "application/json" not in accepted
        shown = await unless_gone(request, service.upload(content, with_image=not png_alone))
        if png_alone:
            return Response(shown.prediction, media_type="image/png")  # type: ignore[return-value]
        return UploadAnswer(
            width=shown.width,
            height=shown.height,
            image=png.data_url(shown.image),
            prediction=png.data_url(shown.prediction),
            seconds=Seconds(network=shown.network_seconds, total=time.perf_counter() - started),
        )


async def _described(service: Service, place: Place, inline: bool) -> ImageAnswer:
    started = time.perf_counter()
    shown = await service.shown(place)
    address = _address(place.id)
    if inline:
        files = {
            "image": png.data_url(await service.picture(place)),
            "truth": png.data_url(await service.truth(place)),
            "prediction": png.data_url(shown.prediction),
        }
    else:
        files = {name: f"{address}/{name}.png" for name in ("image", "truth", "prediction")}
    return ImageAnswer(
        id=place.id,
        width=shown.width,
        height=shown.height,
        previous=place.previous,
        next=place.next,
        scores=ImageScores.model_validate(shown.scores),
        seconds=Seconds(network=shown.network_seconds, total=time.perf_counter() - started),
        **files,
    )


def _address(image_id: str) -> str:
    return f"/api/images/{quote(image_id, safe='')}"


def _png(request: Request, content: png.Png) -> Response:
    """May be kept if asked about each time: another run may be served under the same address."""
    headers = {"etag": content.etag, "cache-control": "private, no-cache"}
    known = request.headers.get("if-none-match", "")
    if content.etag in known or known == "*":
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="image/png", headers=headers)
