"""What a client is told when it gets no answer: JSON, never a stack trace, never a path of this machine."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

LOG = logging.getLogger("segexp.serve")


class RequestError(Exception):
    """A request that gets no answer.

    code: of HTTP. message: what was found, what is allowed, the next step. headers: further ones of the response.
    """

    def __init__(self, code: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.code = code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def error_response(code: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, code, headers)


def answer_errors(app: FastAPI) -> None:
    """Let every error of the app, whoever raises it, be answered in one form."""
    app.exception_handler(RequestError)(_refused)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(Exception)(_unforeseen)


async def _refused(request: Request, error: RequestError) -> JSONResponse:
    return error_response(error.code, str(error), error.headers)


async def _http(request: Request, error: HTTPException) -> JSONResponse:
    message = f"{request.method} of this address: {error.detail}; /openapi.json lists what there is"
    return error_response(error.status_code, message, dict(error.headers or {}))


async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    return error_response(422, "; ".join(map(_told, error.errors())))


def _told(problem: dict[str, Any]) -> str:
    return f"{problem['loc'][-1]} is {str(problem.get('input'))[:50]!r}: {problem['msg']}"


async def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    return error_response(500, "an error of the server, described in its log; tell whoever runs it")
