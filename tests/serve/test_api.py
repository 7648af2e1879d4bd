"""The API's promises to a page or a program that means well."""

import asyncio
import base64
import io
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from segexp import build
from segexp.data.cityscapes import CITYSCAPES
from segexp.data.pairs import Pair
from segexp.inference.loaded_run import load_run
from segexp.run.folder import RunFolder
from segexp.serve.encoding import encode_thumbnail
from segexp.types import VOID
from tests.serve import upload_files
from tests.serve.paused_server import paused_server
from tests.serve.server_process import Server


def test_classes_are_those_of_the_run_with_the_iou_of_its_evaluation(server: Server, run: RunFolder) -> None:
    description = server.client.get("/api/classes").json()
    grouping, metrics = build.grouping(run.config), run.scores("val")["metrics"]
    assert [(each["id"], each["name"]) for each in description["classes"]] == list(enumerate(grouping.names))
    assert [each["color"] for each in description["classes"]] == grouping.colors.tolist()
    assert {f"iou/{each['name']}": each["iou"] for each in description["classes"] if each["iou"] is not None} == {
        name: value for name, value in metrics.items() if name.startswith("iou/")
    }
    assert description["miou"] == metrics["miou"]
    assert (description["run"], description["grouping"], description["split"]) == ("run", "cityscapes19", "val")
    assert description["model"] == "segexp.model.gridnet.gridnet"  # no option is known, as no command started the run
    assert (description["void"], description["image_size"]) == (VOID, run.config["data"]["image_size"])
    assert description["limits"] == {"bytes": 16777216, "pixels": 16777216}


def test_pages_lead_to_every_image_once_and_back(server: Server, pairs: list[Pair]) -> None:
    address, seen, pages = "/api/images?limit=2", [], []
    while address:
        page = server.client.get(address).json()
        pages.append(page)
        seen += [image["id"] for image in page["images"]]
        address = page["next"]
    assert seen == [pair.name for pair in pairs]
    assert {page["total"] for page in pages} == {len(pairs)}
    assert server.client.get(pages[1]["previous"]).json() == pages[0]
    assert pages[0]["previous"] is None
    images = [server.client.get(image["href"]).json() for page in pages for image in page["images"]]
    assert [image["next"] for image in images] == [*seen[1:], None]
    assert [image["previous"] for image in images] == [None, *seen[:-1]]


def test_an_image_has_its_pixels_its_target_and_the_prediction_of_the_evaluation(
    server: Server, run: RunFolder, pairs: list[Pair]
) -> None:
    grouping = build.grouping(run.config)
    for pair in pairs:
        image = server.client.get(f"/api/images/{pair.name}").json()
        assert (image["height"], image["width"]) == (64, 128)
        pngs = {kind: _decode(server.client.get(image[kind])) for kind in ("image", "truth", "prediction")}
        assert np.array_equal(pngs["image"], Image.open(pair.image).convert("RGB"))
        assert np.array_equal(pngs["truth"], grouping.lookup(CITYSCAPES)[np.array(Image.open(pair.mask))])
        evaluated = np.array(Image.open(run.evaluation("val") / "predictions" / f"{pair.name}.png"))
        label_ids = np.array([ids[0] for ids in grouping.label_ids(CITYSCAPES)])
        assert np.array_equal(label_ids[np.array(pngs["prediction"])], evaluated)
        for kind in ("truth", "prediction"):
            assert pngs[kind].mode == "P"
            palette = np.array(pngs[kind].getpalette()).reshape(-1, 3)
            assert palette[: grouping.num_classes].tolist() == grouping.colors.tolist()
            assert palette[VOID].tolist() == [0, 0, 0]


def test_scores_are_those_of_the_two_masks(server: Server, run: RunFolder, pairs: list[Pair]) -> None:
    image = server.client.get(f"/api/images/{pairs[0].name}").json()
    target, predicted = (np.array(_decode(server.client.get(image[kind]))) for kind in ("truth", "prediction"))
    is_scored, iou = target != VOID, {}
    for number, name in enumerate(build.grouping(run.config).names):
        true, positive = (target == number)[is_scored], (predicted == number)[is_scored]
        iou[name] = (true & positive).sum() / (true | positive).sum() if (true | positive).any() else None
    scores = image["scores"]
    assert scores["iou"] == pytest.approx(iou)
    true_names = [name for number, name in enumerate(iou) if (target == number).any()]
    assert scores["miou"] == pytest.approx(np.mean([iou[name] for name in true_names]))
    assert scores["pixel_accuracy"] == pytest.approx((target == predicted)[is_scored].mean())


def test_inline_files_are_those_of_the_links(server: Server, pairs: list[Pair]) -> None:
    address = f"/api/images/{pairs[1].name}"
    links, inline = (server.client.get(address, params={"inline": each}).json() for each in ("false", "true"))
    for kind in ("image", "truth", "prediction"):
        assert links[kind] == f"{address}/{kind}.png"
        assert _inline(inline[kind]) == server.client.get(links[kind]).content


def test_a_file_that_did_not_change_is_not_sent_again(server: Server, pairs: list[Pair]) -> None:
    address = f"/api/images/{pairs[0].name}/prediction.png"
    first = server.client.get(address)
    assert first.headers["cache-control"] == "private, no-cache"
    tag = first.headers["etag"]
    for known in (tag, f'W/{tag}, "other"', "*"):
        again = server.client.get(address, headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
    assert server.client.get(address, headers={"if-none-match": '"other"'}).content == first.content


def test_the_list_has_the_miou_of_each_image_of_the_evaluation(server: Server) -> None:
    evaluated = server.client.get("/api/images").json()["images"]
    assert [image["miou"] for image in evaluated] == pytest.approx(
        [server.client.get(image["href"]).json()["scores"]["miou"] for image in evaluated]
    )


def test_without_an_evaluation_the_list_has_the_miou_of_the_images_predicted_so_far(pairs: list[Pair]) -> None:
    async def run() -> None:
        async with paused_server(pairs) as server:
            server.may_go_on.set()
            links = (await server.client.get("/api/images")).json()["images"]
            assert [each["miou"] for each in links] == 3 * [None]
            scores = (await server.client.get(links[1]["href"])).json()["scores"]
            links = (await server.client.get("/api/images")).json()["images"]
            assert [each["miou"] for each in links] == [None, scores["miou"], None]

    asyncio.run(run())


def test_a_thumbnail_is_small_and_tagged_as_the_other_images_are(server: Server, pairs: list[Pair]) -> None:
    link = server.client.get("/api/images").json()["images"][0]["thumbnail"]
    answer = server.client.get(link)
    thumbnail = encode_thumbnail(np.array(Image.open(pairs[0].image).convert("RGB")))
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("image/jpeg", "private, no-cache")
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.content == thumbnail
    assert server.client.get(link, headers={"if-none-match": answer.headers["etag"]}).status_code == 304
    assert server.client.get(link.replace(pairs[0].name, "nobody")).status_code == 404


def test_an_upload_is_predicted_as_the_image_of_the_data_set_is(server: Server, pairs: list[Pair]) -> None:
    content = pairs[0].image.read_bytes()
    answer = _upload(server, content).json()
    assert (answer["id"], answer["scores"]) == (None, None)
    assert (answer["height"], answer["width"]) == (64, 128)
    expected = server.client.get(f"/api/images/{pairs[0].name}/prediction.png").content
    assert _inline(answer["prediction"]) == expected
    assert np.array_equal(Image.open(io.BytesIO(_inline(answer["image"]))), Image.open(pairs[0].image).convert("RGB"))
    mask, statistics = np.array(Image.open(io.BytesIO(expected))), answer["statistics"]
    names = list(statistics["share"])
    assert [statistics["share"][name] for name in names] == pytest.approx(
        [(mask == number).mean() for number in range(19)]
    )
    assert [statistics["confidence"][name] is None for name in names] == [number not in mask for number in range(19)]
    alone = _upload(server, content, accept="image/png")
    shouted = "MULTIPART/FORM-DATA; boundary=B"  # names of media types are of any case (RFC 9110, 8.3.1)
    form = b"--B\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\n%s\r\n--B--\r\n" % content
    in_capitals = server.client.post("/api/predict", content=form, headers={"content-type": shouted})
    assert in_capitals.json()["prediction"] == answer["prediction"]
    assert (alone.headers["content-type"], alone.content) == ("image/png", expected)


def test_the_confidence_of_an_upload_is_the_probability_of_the_predicted_class(
    server: Server, run: RunFolder, pairs: list[Pair]
) -> None:
    answer = _upload(server, pairs[0].image.read_bytes()).json()
    loaded = load_run(run.path, "best", "cpu")
    probabilities = loaded.probabilities(np.array(Image.open(pairs[0].image).convert("RGB")))
    confidence, predicted = probabilities.max(0), probabilities.argmax(0)
    assert answer["statistics"]["mean_confidence"] == pytest.approx(confidence.mean(), abs=1e-4)
    expected = {
        name: confidence[predicted == number].mean() if (predicted == number).any() else None
        for number, name in enumerate(loaded.grouping.names)
    }
    assert answer["statistics"]["confidence"] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("kind", ["grey", "alpha", "16 bits", "palette", "jpeg", "webp", "bmp", "turned"])
def test_every_kind_of_image_is_accepted(server: Server, kind: str) -> None:
    pixels = upload_files.pixels()
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right: the EXIF standard's orientation tag
    content = {
        "grey": upload_files.png(image.convert("L")),
        "alpha": upload_files.png(image.convert("RGBA")),
        "16 bits": upload_files.png(pixels[..., 0].astype(np.uint16) * 256),
        "palette": upload_files.png(image.convert("P")),
        "jpeg": upload_files.encoded(image, "jpeg"),
        "webp": upload_files.encoded(image, "webp"),
        "bmp": upload_files.encoded(image, "bmp"),
        "turned": upload_files.png(image, exif=exif),
    }[kind]
    answer = _upload(server, content).json()
    decoded = np.array(Image.open(io.BytesIO(_inline(answer["image"]))))
    size = (96, 64) if kind == "turned" else (64, 96)
    assert (answer["height"], answer["width"]) == decoded.shape[:2] == size
    assert Image.open(io.BytesIO(_inline(answer["prediction"]))).size == size[::-1]
    if kind in ("grey", "16 bits"):
        assert (decoded[..., 0] == decoded[..., 2]).all()
    if kind == "16 bits":
        assert np.array_equal(decoded[..., 0], pixels[..., 0])
    if kind == "turned":
        assert np.array_equal(decoded, np.rot90(pixels, -1))


def test_head_is_answered_as_get_without_its_body(server: Server, pairs: list[Pair]) -> None:
    for path in ("/", "/healthz", "/static/page.js", f"/api/images/{pairs[0].name}/truth.png"):
        head, get = server.client.head(path), server.client.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(get.content))
    refused = server.client.head("/api/predict")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


def test_metrics_count_requests_batches_and_the_queue(server: Server) -> None:
    def count(name: str) -> float:
        lines = server.client.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    names = [
        'segexp_requests_total{code="200",route="/api/predict"}',
        'segexp_request_seconds_count{route="/api/predict"}',
        "segexp_batch_images_sum",
    ]
    before = [count(name) for name in names]
    _upload(server, upload_files.png(upload_files.pixels()))
    assert [count(name) for name in names] == [value + 1 for value in before]
    assert count("segexp_queue_requests") == 0


def test_the_schema_describes_every_route(server: Server) -> None:
    paths = server.client.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        "/healthz",
        "/api/classes",
        "/api/images",
        "/api/images/{image_id}",
        "/api/images/{image_id}/image.png",
        "/api/images/{image_id}/thumbnail.jpg",
        "/api/images/{image_id}/truth.png",
        "/api/images/{image_id}/prediction.png",
        "/api/predict",
    }
    assert "multipart/form-data" in paths["/api/predict"]["post"]["requestBody"]["content"]
    assert server.client.get("/docs").status_code == 404  # its page would load from another host


def _upload(server: Server, content: bytes, **headers: str) -> httpx.Response:
    answer = server.client.post("/api/predict", files={"file": ("image", content)}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def _inline(url: str) -> bytes:
    head, _, content = url.partition(",")
    assert head == "data:image/png;base64"
    return base64.b64decode(content, validate=True)


def _decode(answer: httpx.Response) -> Any:
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    return Image.open(io.BytesIO(answer.content))
