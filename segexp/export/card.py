"""The model card: what a file computes, how well, and where it comes from, as Markdown."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from segexp.display.markdown import fenced, plain
from segexp.export import names
from segexp.export.agreement import Agreement
from segexp.export.facts import Facts, own_scores
from segexp.export.int8 import Cost
from segexp.run.folder import RunFolder

FILE = names.CARD
SCORES = ("miou", "category_miou", "image_miou", "boundary_miou", "pixel_accuracy", "ece")

ONNX = """\
import numpy, onnxruntime
from PIL import Image
photo = Image.open("street.png").convert("RGB"){resized}
session = onnxruntime.InferenceSession("model.onnx")
logits = session.run(["logits"], {{"image": numpy.asarray(photo).transpose(2, 0, 1)[None]}})[0]
prediction = logits.argmax(1)  # class number of each pixel, [1, height, width]"""

TORCH = """\
import numpy, torch
from PIL import Image
photo = Image.open("street.png").convert("RGB"){resized}
network = torch.export.load("model.pt2").module()
logits = network(torch.from_numpy(numpy.array(photo)).permute(2, 0, 1)[None])
prediction = logits.argmax(1)  # class number of each pixel, [1, height, width]"""


def written(
    run: RunFolder, facts: Facts, file: str, checks: Sequence[Agreement], tolerance: float, cost: Cost | None
) -> str:
    """The whole card. file: of the network; checks: of it against PyTorch."""
    parts = (
        f"# {plain(facts['grouping'])}, {len(facts['classes'])} classes: {plain(_choice(run, 'model'))}",
        _interface(facts),
        f"## Use\n\n{fenced(_code(facts, file), 'python')}",
        f"## Scores\n\n{_scores(run, facts['step'])}{_cost(cost)}",
        f"## Classes\n\n{_classes(facts)}",
        f"## Origin\n\n{_origin(run, facts)}",
        f"## Checked\n\n{_checked(file, checks, tolerance)}",
        "## License\n\nTo be stated by whoever publishes this file; the license of the training data has a say in it.",
    )
    return "\n\n".join(parts) + "\n"


def _interface(facts: Facts) -> str:
    size = facts["image_size"]
    seen = (
        f"It was trained on images resized to {size[0]} × {size[1]} (height × width): resize the image to that, and "
        "the logits back to the size of the image, as it was done for the scores below."
        if size
        else "It was trained on images at their native size."
    )
    return (
        "`image`: uint8 [batch, 3, height, width], red, green, blue, 0 to 255; any batch, sides of 32 or more. "
        "Normalisation is inside.\n`logits`: float32 [batch, class, height, width], of the height and width of the "
        f"image; the softmax is not inside.\n{seen}"
    )


def _code(facts: Facts, file: str) -> str:
    size = facts["image_size"]
    resized = f".resize(({size[1]}, {size[0]}), Image.Resampling.BILINEAR)" if size else ""
    return (TORCH if file.endswith(".pt2") else ONNX).format(resized=resized)


def _scores(run: RunFolder, step: int) -> str:
    found = own_scores(run, step)
    if not found:
        return "not evaluated yet"
    rows = [
        (
            name,
            each.get("split", "-"),
            each.get("num_images", "-"),
            *(_fraction(each["metrics"].get(score)) for score in SCORES),
            each.get("inference") or "",
        )
        for name, each in found.items()
    ]
    heading = ("evaluation", "split", "images", *(score.replace("_", " ") for score in SCORES), "other settings")
    return "At native size, fractions of 1, by `segexp.evaluate` in PyTorch.\n\n" + table(heading, rows)


def _cost(cost: Cost | None) -> str:
    if cost is None:
        return ""
    return (
        f"\n\nmIoU in onnxruntime on {cost.split}, {cost.num_images} images: {cost.miou_float32:.4f} in float32, "
        f"{cost.miou_int8:.4f} in int8 (`model.int8.onnx`, ranges of features from {cost.num_calibration_images} "
        "images of the training)."
    )


def _classes(facts: Facts) -> str:
    iou = _iou(facts["scores"])
    columns = zip(facts["classes"], facts["colors"], facts["label_ids"], strict=True)
    rows = [
        (number, name, f"#{bytes(color).hex()}", label, *(_fraction(of.get(name)) for of in iou.values()))
        for number, (name, color, label) in enumerate(columns)
    ]
    heading = ("number", "class", "colour", f"label id in {facts['labels_of']}", *iou)
    return f"{table(heading, rows)}\n\n{facts['void']} in a mask is void: it was neither trained nor is it scored."


def _iou(scores: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Heading -> class -> IoU, of each evaluation."""
    return {
        f"IoU, {name}": {key.removeprefix("iou/"): value for key, value in each.items() if key.startswith("iou/")}
        for name, each in scores.items()
    }


def _origin(run: RunFolder, facts: Facts) -> str:
    environment = run.environment
    commit, changed = facts["git_commit"], facts["git_changed_files"]
    command = shlex.join(["python", "-m", "segexp.train", *map(str, environment.get("overrides", []))])
    data = ", ".join(f"{split} {fingerprint}" for split, fingerprint in environment.get("data", {}).items())
    return (
        f"- run: {plain(facts['run'])}, checkpoint {plain(facts['checkpoint'])}, step {facts['step']}\n"
        f"- data: {plain(_choice(run, 'data'))}; fingerprint: {plain(data or 'unknown')}\n"
        f"- code: git {plain(commit or 'unknown')}{f', {changed} files changed since' if changed else ''}; "
        f"exported by segexp {facts['segexp']}\n\n{fenced(command, 'bash')}"
    )


def _checked(file: str, checks: Sequence[Agreement], tolerance: float) -> str:
    rows = [(" × ".join(map(str, each.image)), *(f"{value:.3g}" for value in each[1:])) for each in checks]
    heading = ("image", "largest logit", "largest difference", "pixels of another class", "images")
    several = " Of several images each pixel counts where it differs least: rounding moves features in this network."
    return (
        f"`{file}` against the network in PyTorch, random images; at most {tolerance:g} of the largest logit was "
        f"allowed.{several if any(each.num_images > 1 for each in checks) else ''}\n\n{table(heading, rows)}"
    )


def table(heading: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(map(plain, line))} |" for line in lines)


def _choice(run: RunFolder, group: str) -> str:
    return run.environment.get("choices", {}).get(group, "unknown")


def _fraction(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
