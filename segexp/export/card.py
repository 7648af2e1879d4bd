"""The model card: what a file computes, how well, and where it comes from, as Markdown."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from segexp.display.markdown import code_block, escape
from segexp.export import artifacts
from segexp.export.int8 import QuantisationCost
from segexp.export.metadata import evaluations_of_weights
from segexp.export.parity import ParityCheck
from segexp.run.folder import RunFolder
from segexp.types import Values

FILE = artifacts.CARD

ONNX = """\
import numpy, onnxruntime
from PIL import Image, ImageOps
image = ImageOps.exif_transpose(Image.open("street.png")).convert("RGB"){resize}
session = onnxruntime.InferenceSession("model.onnx")
logits = session.run(["logits"], {{"image": numpy.asarray(image).transpose(2, 0, 1)[None]}})[0]
prediction = logits.argmax(1)  # class number of each pixel, [1, height, width]"""

TORCH = """\
import numpy, torch
from PIL import Image, ImageOps
image = ImageOps.exif_transpose(Image.open("street.png")).convert("RGB"){resize}
network = torch.export.load("model.pt2").module()
logits = network(torch.from_numpy(numpy.array(image)).permute(2, 0, 1)[None])
prediction = logits.argmax(1)  # class number of each pixel, [1, height, width]"""


def render_card(
    run: RunFolder,
    metadata: Values,
    file: str,
    checks: Sequence[ParityCheck],
    tolerance: float,
    cost: QuantisationCost | None,
) -> str:
    """The whole card as Markdown. file: name of the network's file. checks: of this file against PyTorch."""
    sections = (
        f"# {escape(metadata['grouping'])}, {len(metadata['classes'])} classes: {escape(_choice(run, 'model'))}",
        _interface(metadata),
        f"## Use\n\n{code_block(_code(metadata, file), 'python')}",
        f"## Scores\n\n{_scores(run, metadata)}{_cost(cost)}",
        f"## Classes\n\n{_classes(metadata)}",
        f"## Origin\n\n{_origin(run, metadata)}",
        f"## Checked\n\n{_checked(file, checks, tolerance)}",
        "## License\n\nTo be stated by whoever publishes this file; the license of the training data has a say in it.",
    )
    return "\n\n".join(sections) + "\n"


def _interface(metadata: Values) -> str:
    size = metadata["image_size"]
    size_note = (
        f"It was trained on images resized to {size[0]} × {size[1]} (height × width): resize the image to that, and "
        "the logits back to the size of the image, as it was done for the scores below."
        if size
        else "It was trained on images at their native size."
    )
    return (
        "`image`: uint8 [batch, 3, height, width], red, green, blue, 0 to 255; any batch, sides of 32 or more. "
        "Normalisation is inside.\n`logits`: float32 [batch, class, height, width], of the height and width of the "
        f"image; the softmax is not inside.\n{size_note}"
    )


def _code(metadata: Values, file: str) -> str:
    size = metadata["image_size"]
    resize = f".resize(({size[1]}, {size[0]}), Image.Resampling.BILINEAR)" if size else ""
    return (TORCH if file.endswith(".pt2") else ONNX).format(resize=resize)


def _scores(run: RunFolder, metadata: Values) -> str:
    evaluations = evaluations_of_weights(run, metadata["step"], metadata["weights"])
    if not evaluations:
        return "not evaluated yet"
    stored = list(evaluations.values())
    names = dict.fromkeys(score for each in stored for score in each["metrics"] if "/" not in score)
    rows = [
        ("split", *(each.get("split", "-") for each in stored)),
        ("images", *(each.get("num_images", "-") for each in stored)),
        *((name.replace("_", " "), *(_fraction(each["metrics"].get(name)) for each in stored)) for name in names),
        ("other settings", *(each.get("inference") or "" for each in stored)),
    ]
    text = "At native size, fractions of 1, by `segexp.evaluate` in PyTorch; scores of the whole split."
    return f"{text}\n\n{table(('evaluation', *evaluations), rows)}"


def _cost(cost: QuantisationCost | None) -> str:
    if cost is None:
        return ""
    return (
        f"\n\nmIoU in onnxruntime on {cost.split}, {cost.num_images} images: {cost.miou_float32:.4f} in float32, "
        f"{cost.miou_int8:.4f} in int8 (`model.int8.onnx`, ranges of features from {cost.num_calibration_images} "
        "images of the training)."
    )


def _classes(metadata: Values) -> str:
    iou = _iou_columns(metadata["scores"])
    columns = zip(metadata["classes"], metadata["colors"], metadata["label_ids"], strict=True)
    rows = [
        (number, name, f"#{bytes(color).hex()}", label, *(_fraction(of.get(name)) for of in iou.values()))
        for number, (name, color, label) in enumerate(columns)
    ]
    heading = ("number", "class", "colour", f"label id in {metadata['labels_of']}", *iou)
    return f"{table(heading, rows)}\n\n{metadata['void']} in a mask is void: it was neither trained nor is it scored."


def _iou_columns(scores: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return for each evaluation the heading of its column and the IoU by class name."""
    return {
        f"IoU, {name}": {key.removeprefix("iou/"): value for key, value in each.items() if key.startswith("iou/")}
        for name, each in scores.items()
    }


def _origin(run: RunFolder, metadata: Values) -> str:
    environment = run.environment
    commit, changed = metadata["git_commit"], metadata["git_changed_files"]
    command = shlex.join(["python", "-m", "segexp.train", *map(str, environment.get("overrides", []))])
    data = ", ".join(f"{split} {fingerprint}" for split, fingerprint in environment.get("data", {}).items())
    checkpoint = f"checkpoint {escape(metadata['checkpoint'])}"
    if metadata["weights"]:
        checkpoint += f" ({metadata['weights']} weights)"
    return (
        f"- run: {escape(metadata['run'])}, {checkpoint}, step {metadata['step']}\n"
        f"- data: {escape(_choice(run, 'data'))}; fingerprint: {escape(data or 'unknown')}\n"
        f"- code: git {escape(commit or 'unknown')}{f', {changed} files changed since' if changed else ''}; "
        f"exported by segexp {metadata['segexp']}\n\n{code_block(command, 'bash')}"
    )


def _checked(file: str, checks: Sequence[ParityCheck], tolerance: float) -> str:
    rows = [(" × ".join(map(str, each.image)), *(f"{value:.3g}" for value in each[1:])) for each in checks]
    heading = ("image", "largest logit", "largest difference", "pixels of another class", "images")
    several = " Of several images each pixel counts where it differs least: rounding moves features in this network."
    return (
        f"`{file}` against the network in PyTorch, random images; at most {tolerance:g} of the largest logit was "
        f"allowed.{several if any(each.num_images > 1 for each in checks) else ''}\n\n{table(heading, rows)}"
    )


def table(heading: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(map(escape, line))} |" for line in lines)


def _choice(run: RunFolder, group: str) -> str:
    return run.environment.get("choices", {}).get(group, "unknown")


def _fraction(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
