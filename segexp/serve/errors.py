"""Error answers to clients: JSON, never a stack trace, never a path of this machine."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

LOG = logging.getLogger("segexp.serve")


class RequestError(Exception):
    """A request that is refused.

    code: of HTTP. message: what was found, what is allowed, the next step. headers: further ones of the response.
    """

    def __init__(self, code: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.code = code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def error_response(code: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, code, headers)


def add_error_handlers(app: FastAPI) -> None:
    """Answer every error of the app, whoever raises it, in one form."""
    app.exception_handler(RequestError)(_answer_refusal)
    app.exception_handler(HTTPException)(_answer_http_error)
    app.exception_handler(RequestValidationError)(_answer_invalid_values)
    app.exception_handler(Exception)(_answer_server_error)


async def _answer_refusal(request: Request, error: RequestError) -> JSONResponse:
    return error_response(error.code, str(error), error.headers)


async def _answer_http_error(request: Request, error: HTTPException) -> JSONResponse:
    message = f"{request.method} of this address failed: {error.detail}; /openapi.json lists the addresses there are"
    return error_response(error.status_code, message, dict(error.headers or {}))


async def _answer_invalid_values(request: Request, error: RequestValidationError) -> JSONResponse:
    return error_response(422, "; ".join(map(_describe_invalid, error.errors())))


def _describe_invalid(problem: dict[str, Any]) -> str:
    return f"{problem['loc'][-1]} is {str(problem.get('input'))[:50]!r}: {problem['msg']}"


async def _answer_server_error(request: Request, error: Exception) -> JSONResponse:
    return error_response(500, "the server failed, and its log describes the error; tell whoever runs the server")
