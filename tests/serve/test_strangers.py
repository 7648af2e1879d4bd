"""Clients that mean harm, or are slow: the server answers, stays up, stays small, and serves the others."""

import gzip
import io
import json
import tempfile
from contextlib import ExitStack

import httpx
import numpy as np
import pytest
from PIL import Image

from segexp.data.pairs import Pair
from segexp.serve.security import CONTENT_POLICY
from segexp.serve.server import HEAD_BYTES
from tests.serve import upload_files
from tests.serve.server_process import FRESH, PATIENCE, ROOT, Server, connect_and_send, raw_answer, read_until_closed

GOOD = upload_files.png(upload_files.pixels())
TORN = GOOD[: len(GOOD) // 2]
TOO_LONG = HEAD_BYTES + 1
"""Bytes of a head that is too long by one: a server that closes before it has read all may take its answer back."""
NO_IMAGE = ["cannot be read as an image", "PNG, JPEG, WEBP, BMP", "convert it"]
FORM = b"--B\r\nContent-Disposition: form-data; name=%s; filename=f\r\n\r\n%s\r\n--B--\r\n"


@pytest.fixture(autouse=True)
def _answers_good_requests_afterwards(strict_server: Server):
    yield
    assert strict_server.process.poll() is None
    assert upload(strict_server, GOOD).status_code == 200


def upload(server: Server, content: bytes, name: str = "file", **headers: str) -> httpx.Response:
    return server.client.post("/api/predict", files={name: ("image.png", content)}, headers=headers)


@pytest.mark.parametrize(
    ("content", "code", "facts"),
    [
        (b"", 415, NO_IMAGE),
        (b"GIF89a" + bytes(100), 415, NO_IMAGE),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415, NO_IMAGE),  # Pillow would start Ghostscript
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, NO_IMAGE),
        (TORN, 422, ["cannot be decoded", "save it again as PNG or JPEG"]),
        (GOOD[:20], 415, NO_IMAGE),
        (upload_files.huge_png(), 413, ["more than 1048576 pixels", "smaller"]),
        (upload_files.huge_png(1025), 413, ["more than 1048576 pixels", "smaller"]),
        (upload_files.jpeg_of_many_scans(100), 413, ["more than 64 scans", "save it again with fewer"]),
        (upload_files.png(upload_files.pixels(31, 40)), 422, ["31 x 40", "at least 32 each way", "enlarge"]),
        (bytes(1_200_000), 413, ["more than 1048576 bytes", "smaller"]),
    ],
)
def test_files_that_are_no_good_image_are_refused(
    strict_server: Server, content: bytes, code: int, facts: list[str]
) -> None:
    _assert_refused(upload(strict_server, content), code, *facts)


def test_a_file_of_two_formats_is_read_as_the_one_that_is_allowed(strict_server: Server) -> None:
    content = upload_files.webp_and_photo_cd()
    with Image.open(io.BytesIO(content), formats=["PCD"]) as photo_cd:
        assert photo_cd.size == (768, 512)
    answer = upload(strict_server, content).json()
    assert (answer["width"], answer["height"]) == (96, 64)


def test_bodies_that_are_no_form_of_one_file_are_refused(strict_server: Server) -> None:
    post, bounded = strict_server.client.post, _form("; boundary=B")
    _assert_refused(upload(strict_server, GOOD, "photo"), 400, "the form has ['photo']", "send one image")
    _assert_refused(post("/api/predict", content=GOOD), 400, "content-type is 'none'")
    _assert_refused(post("/api/predict", content=GOOD, headers=_form("")), 400, "form cannot be read")
    _assert_refused(post("/api/predict", content=b"--B\r\nX", headers=bounded), 400, "send one image")
    _assert_refused(post("/api/predict", content=b"\0" * 999, headers=bounded), 400, "form cannot be read")
    _assert_refused(post("/api/predict", content=FORM % (b"\xff\xfe", b"x"), headers=bounded), 400, "file")
    _assert_refused(post("/api/predict", files=[("file", GOOD), ("file", GOOD)]), 400, "Too many files")
    _assert_refused(post("/api/predict", data={"file": "text"}), 400, "content-type")
    odd = _form("; boundary=B; charset=undefined")
    _assert_refused(post("/api/predict", content=FORM % (b"file", GOOD), headers=odd), 400, "undefined encoding")
    many = [(f"field{number}", (None, "")) for number in range(1000)]
    _assert_refused(post("/api/predict", files=[*many, ("file", GOOD)]), 400, "Too many fields")
    compressed, headers = gzip.compress(FORM % (b"file", GOOD)), bounded | {"content-encoding": "gzip"}
    _assert_refused(post("/api/predict", content=compressed, headers=headers), 400, "form cannot be read")


def test_a_body_without_a_length_is_cut_off_at_the_limit(strict_server: Server) -> None:
    def endless():
        yield FORM[:60] % b"file"
        for _ in range(200):
            yield bytes(65536)

    answer = strict_server.client.post("/api/predict", content=endless(), headers=_form("; boundary=B"))
    _assert_refused(answer, 413, "more than 1048576 bytes")


@pytest.mark.parametrize(
    "path",
    [
        "/api/images/../../../../etc/passwd",
        "/api/images/..%2f..%2f..%2fetc%2fpasswd",
        "/api/images/%2e%2e/%2e%2e/etc/passwd/image.png",
        "/api/images/..%5c..%5cetc/image.png",
        "/api/images/%00/image.png",
        "/api/images/%ff%fe",
        "/api/images/" + "a" * 9000,
        "/static/../serve.py",
        "/static/..%2f..%2f..%2fserve.py",
        "/static/%2e%2e/app.py",
        "/static//etc/passwd",
        "/static/%00",
        "/../../etc/passwd",
        "//etc/passwd",
    ],
)
def test_no_path_leads_to_a_file(strict_server: Server, path: str) -> None:
    head, _, body = raw_answer(strict_server, _get(path, "Connection: close\r\n")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404"), head
    assert json.loads(body)["error"]["code"] == 404
    assert b"root:" not in body


@pytest.mark.parametrize(
    ("query", "fact"),
    [
        ("limit=0", "limit is '0'"),
        ("limit=501", "501"),
        ("offset=-1", "offset is '-1'"),
        ("offset=x", "offset is 'x'"),
    ],
)
def test_numbers_that_no_page_has_are_refused(strict_server: Server, query: str, fact: str) -> None:
    _assert_refused(strict_server.client.get(f"/api/images?{query}"), 422, fact)
    assert strict_server.client.get(f"/api/images?offset={10**30}").json()["images"] == []


@pytest.mark.parametrize(
    "content",
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * HEAD_BYTES)[:TOO_LONG],
        (b"GET /" + b"a" * HEAD_BYTES)[:TOO_LONG],
        (b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: a\r\n" % number for number in range(3000)))[:TOO_LONG],
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: x\r\n\r\n",
    ],
)
def test_bytes_that_are_no_request_are_refused(strict_server: Server, content: bytes) -> None:
    answer = raw_answer(strict_server, content)
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431", b"HTTP/1.1 501"))
    assert b"Traceback" not in answer


def test_a_broken_image_of_the_data_set_is_named_by_its_id_and_the_others_are_served(
    strict_server: Server, pairs: list[Pair]
) -> None:
    good, torn, _ = (f"/api/images/{pair.name}" for pair in pairs)
    for address in (torn, f"{torn}/image.png", f"{torn}/prediction.png"):
        _assert_refused(strict_server.client.get(address), 422, f"image '{pairs[1].name}' cannot be read")
    assert strict_server.client.get(f"{torn}/truth.png").status_code == 200
    assert strict_server.client.get(good).status_code == 200


def test_without_the_token_only_the_page_and_the_health_are_open(strict_server: Server) -> None:
    paths = ["/api/classes", "/api/images", "/metrics", "/api", "/none", "/API/classes", "//api/classes"]
    for header in (None, "Bearer wrong", "Bearer secretx", "Bearer", "Basic secret", "secret"):
        headers = {"authorization": header} if header else {}
        with httpx.Client(
            base_url=strict_server.client.base_url, headers=headers, timeout=PATIENCE, trust_env=False, limits=FRESH
        ) as stranger:
            for path in paths:
                answer = stranger.get(path)
                _assert_refused(answer, 401, "Authorization: Bearer TOKEN")
                assert answer.headers["www-authenticate"] == "Bearer"
            _assert_refused(stranger.post("/api/predict", files={"file": GOOD}), 401, "token is missing or wrong")
            assert stranger.get("/healthz").status_code == stranger.get("/openapi.json").status_code == 200
            assert stranger.get("/static/none").status_code == 404
    for header in ("bearer secret", "BEARER  secret"):
        assert strict_server.client.get("/api/classes", headers={"authorization": header}).status_code == 200


def test_every_answer_has_strict_headers(strict_server: Server) -> None:
    for path in ("/healthz", "/api/classes", "/none", "/api/images?limit=0", "/static/none", "/metrics"):
        headers = strict_server.client.get(path).headers
        assert headers["content-security-policy"] == CONTENT_POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] in ("no-store", "no-cache")
        assert "server" not in headers
    assert "http" not in CONTENT_POLICY
    assert "unsafe" not in CONTENT_POLICY


def test_a_name_that_a_stranger_pointed_here_is_refused(strict_server: Server) -> None:
    _assert_refused(strict_server.client.get("/api/classes", headers={"host": "evil.example"}), 421, "'evil.example'")
    for host in ("localhost", f"LOCALHOST:{strict_server.port}", "127.0.0.1:1", "[::1]:80"):
        assert strict_server.client.get("/api/classes", headers={"host": host}).status_code == 200


def test_a_client_that_sends_nothing_or_sends_or_reads_too_slowly_is_disconnected(
    strict_server: Server, pairs: list[Pair]
) -> None:
    image = _get(f"/api/images/{pairs[2].name}/image.png")
    begun = _post("Content-Type: multipart/form-data; boundary=B", "Content-Length: 900") + b"--B\r\n"
    head = begun[:60]
    with ExitStack() as clients:
        silent, half, stalled = (
            clients.enter_context(connect_and_send(strict_server, content)) for content in (b"", head, begun)
        )
        reading = clients.enter_context(connect_and_send(strict_server, image, 4096))
        assert read_until_closed(silent) == read_until_closed(half) == b""
        assert b"408" in read_until_closed(stalled).splitlines()[0]
        strict_server.wait_until_gone(reading)
        assert 0 < len(read_until_closed(reading)) < 2_000_000  # of 3 MB: what was on its way


def test_200_clients_that_do_not_read_cost_little_and_keep_nobody_out(strict_server: Server, pairs: list[Pair]) -> None:
    address = f"/api/images/{pairs[2].name}/image.png"
    size = len(strict_server.client.get(address).content)
    assert size > 3_000_000
    assert upload(strict_server, GOOD).status_code == 200  # with the first, the network takes memory for good
    before = strict_server.resident_bytes
    with ExitStack() as clients:
        for _ in range(200):
            clients.enter_context(connect_and_send(strict_server, _get(address), 4096))
        for _ in range(5):
            assert upload(strict_server, GOOD).status_code == 200
            assert strict_server.client.get(address).status_code == 200
            assert strict_server.resident_bytes - before < 150_000_000  # they asked for 600 MB


def test_random_bytes_after_a_good_start_do_no_harm(strict_server: Server) -> None:
    generator = np.random.default_rng(0)
    for kind in ("png", "jpeg", "webp", "bmp"):
        content = np.frombuffer(upload_files.encoded(upload_files.pixels(), kind), np.uint8)
        for _ in range(8):
            spoiled = content.copy()
            places = generator.integers(20, len(content), 10)
            spoiled[places] = generator.integers(0, 256, len(places), np.uint8)
            assert upload(strict_server, spoiled.tobytes()).status_code in (200, 413, 415, 422)


def _get(path: str, further: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer secret\r\n{further}\r\n".encode()


def _post(*headers: str) -> bytes:
    head = "POST /api/predict HTTP/1.1", "Host: localhost", "Authorization: Bearer secret", *headers
    return "\r\n".join([*head, "", ""]).encode()


def _form(boundary: str) -> dict[str, str]:
    return {"content-type": f"multipart/form-data{boundary}"}


def _assert_refused(answer: httpx.Response, code: int, *facts: str) -> None:
    assert answer.status_code == code, answer.text
    error = answer.json()["error"]
    assert error["code"] == code
    assert [fact for fact in facts if fact not in error["message"]] == [], error["message"]
    assert "Traceback" not in answer.text
    assert str(ROOT) not in answer.text
    assert tempfile.gettempdir() not in answer.text
