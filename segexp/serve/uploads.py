"""Images that strangers send: read within bounds of time and bytes, decoded within a bound of pixels."""

import asyncio
import io
from collections.abc import AsyncGenerator

from fastapi import Request
from PIL import Image
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from segexp.inference.image import decode_image
from segexp.serve.errors import RequestError
from segexp.system.memory import is_out_of_memory
from segexp.types import Bytes

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
"""The formats that cameras and programs write; none whose decoder starts programs, as that of EPS does.

One file may pass for several: its header and its pixels are read by the same decoders, in the same order.
"""
MOST_SCANS = 64
"""Most scans of a progressive JPEG: each is a pass over all pixels, and a few bytes to send."""
FORM_BYTES = 65536
"""Bytes that a form may hold around its file."""
HOW_TO_SEND = "send one image as the field 'file' of a multipart form: curl -F file=@image.jpg URL"
Image.init()  # where formats are named, Pillow looks among those that it has loaded already


class UploadReader:
    """Reads bodies into memory: each at most max_bytes, all together max_total, each within a number of seconds.

    A body that would exceed the total ends the one that is sent longest: slow senders cannot keep others out.
    """

    def __init__(self, max_bytes: int, max_total: int, seconds: float) -> None:
        self.max_bytes = max_bytes
        self.max_total = max_total
        self.seconds = seconds
        self._reading: dict[asyncio.Timeout, int] = {}  # bytes read so far, by when they started

    async def read(self, request: Request) -> bytes:
        """Return the file of the form. Raises RequestError: 400, 408 or 413."""
        length = request.headers.get("content-length", "0")
        if length.isascii() and length.isdigit() and int(length[:20]) > self.max_bytes + FORM_BYTES:
            raise self._too_large()
        scope = asyncio.timeout(self.seconds)
        try:
            async with scope:
                self._reading[scope] = 0
                return await self._file(request, scope)
        except TimeoutError:
            message = (
                f"the upload took longer than {self.seconds:g} s, or was ended as too many uploads arrived at once; "
                "send it again"
            )
            raise RequestError(408, message, connection="close") from None
        except (MultiPartException, UnicodeError) as error:  # also of a charset that a stranger chose
            raise RequestError(400, f"the form cannot be read ({error}); {HOW_TO_SEND}") from error
        finally:
            self._reading.pop(scope, None)

    async def _file(self, request: Request, scope: asyncio.Timeout) -> bytes:
        kind = request.headers.get("content-type", "none")
        if not kind.lower().startswith("multipart/form-data"):
            raise RequestError(400, f"content-type is {kind[:50]!r}; {HOW_TO_SEND}")
        parser = MultiPartParser(request.headers, self._bounded_chunks(request, scope), max_files=1, max_fields=8)
        parser.spool_max_size = self.max_bytes + 2 * FORM_BYTES  # never to a disk, which may be full or read-only
        form: FormData = await parser.parse()
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise RequestError(400, f"the form has {sorted(form) or 'no fields'}; {HOW_TO_SEND}")
        content = await file.read()
        await form.close()
        if len(content) > self.max_bytes:
            raise self._too_large()
        return content

    async def _bounded_chunks(self, request: Request, scope: asyncio.Timeout) -> AsyncGenerator[bytes, None]:
        async for chunk in request.stream():
            self._reading[scope] += len(chunk)
            if self._reading[scope] > self.max_bytes + FORM_BYTES:
                raise self._too_large()
            if sum(self._reading.values()) > self.max_total:
                next(each for each in self._reading if not each.expired()).reschedule(0)
                await asyncio.sleep(0)  # where it may be this one that is ended
            yield chunk

    def _too_large(self) -> RequestError:
        return RequestError(413, f"more than {self.max_bytes} bytes; send a smaller or more strongly compressed file")


def count_pixels(content: bytes, max_pixels: int) -> int:
    """Count the pixels that the header states; nothing is decoded.

    Raises RequestError: 413 for more than max_pixels, 415 for a file that is no image.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            num_pixels = picture.width * picture.height
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        num_pixels = max_pixels + 1
    except Exception as error:  # a stranger's bytes: whatever a decoder raises is their fault
        message = f"the file cannot be read as an image; allowed: {', '.join(FORMATS)}; convert it first"
        raise RequestError(415, message) from error
    if content.startswith(b"\xff\xd8") and content.count(b"\xff\xda") > MOST_SCANS:
        raise RequestError(413, f"the JPEG has more than {MOST_SCANS} scans; save it again with fewer")
    if num_pixels > max_pixels:
        raise RequestError(413, f"the image has more than {max_pixels} pixels, which is the limit; make it smaller")
    return num_pixels


def decode_upload(content: bytes, max_pixels: int, bit_depth: int | None = None) -> Bytes:
    """Decode red, green, blue, uint8 [H, W, 3], upright. Raises RequestError, 422, for a torn image."""
    try:
        return decode_image(io.BytesIO(content), max_pixels, FORMATS, bit_depth)
    except ValueError as error:
        raise RequestError(422, f"the image cannot be decoded: {error}") from error
    except Exception as error:  # as above
        if is_out_of_memory(error):
            raise
        raise RequestError(422, "the image is torn; save it again as PNG or JPEG") from error
