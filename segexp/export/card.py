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
image = numpy.array(ImageOps.exif_transpose(Image.open("street.png")).convert("RGB"){resize})
{convert}session = onnxruntime.InferenceSession("model.onnx")
{result} = session.run(["{result}"], {{"image": image.transpose(2, 0, 1)[None]}})[0]
prediction = {result}{argmax}  # class number of each pixel, [1, height, width]"""

TORCH = """\
import numpy, torch
from PIL import Image, ImageOps
image = numpy.array(ImageOps.exif_transpose(Image.open("street.png")).convert("RGB"){resize})
{convert}network = torch.export.load("model.pt2").module()
{result} = network(torch.from_numpy(image).permute(2, 0, 1)[None])
prediction = {result}{argmax}  # class number of each pixel, [1, height, width]"""


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
        "## License\n\nTo be stated by whoever publishes this file; the license of the training data may restrict it.",
    )
    return "\n\n".join(sections) + "\n"


def _interface(metadata: Values) -> str:
    return f"{_input(metadata)}\n{_result(metadata)}\n{_size_note(metadata)}"


def _input(metadata: Values) -> str:
    fixed = metadata["fixed_size"]
    shape = f"[1, 3, {fixed[0]}, {fixed[1]}]" if fixed else "[batch, 3, height, width]"
    sizes = "one image of this size and no other" if fixed else "any batch, sides of 32 or more"
    kind, values, normalisation = {
        "uint8": ("uint8", "0 to 255", "is inside"),
        "float32": ("float32", "0 to 1", "is inside"),
        "normalised": (
            "float32",
            f"0 to 1 minus {metadata['mean']}, divided by {metadata['std']}",
            "is not inside",
        ),
    }[metadata["input"]]
    return f"`image`: {kind} {shape}, red, green, blue, {values}; {sizes}. Normalisation {normalisation}."


def _result(metadata: Values) -> str:
    if metadata["result"] == "class_ids":
        return (
            "`class_ids`: uint8 [batch, height, width], the number of the most likely class of each pixel, of the "
            "height and width of the image."
        )
    return (
        "`logits`: float32 [batch, class, height, width], of the height and width of the image; the softmax is not "
        "inside."
    )


def _size_note(metadata: Values) -> str:
    size, fixed = metadata["image_size"], metadata["fixed_size"]
    if not size:
        return "It was trained on images at their native size."
    trained = f"It was trained on images resized to {size[0]} × {size[1]} (height × width)"
    if fixed and fixed != size:
        return f"{trained}, and takes another size: the scores below are not those of this file."
    if metadata["result"] == "class_ids":
        return f"{trained}: resize the image to that. For the scores below the logits were resized back, not class ids."
    return f"{trained}: resize the image to that, and the logits back to its size, as was done for the scores below."


def _code(metadata: Values, file: str) -> str:
    size = metadata["fixed_size"] or metadata["image_size"]
    resize = f".resize(({size[1]}, {size[0]}), Image.Resampling.BILINEAR)" if size else ""
    normalise = f"image = (image - numpy.float32({metadata['mean']})) / numpy.float32({metadata['std']})\n"
    convert = "" if metadata["input"] == "uint8" else "image = image.astype(numpy.float32) / 255\n"
    convert += normalise if metadata["input"] == "normalised" else ""
    argmax = ".argmax(1)" if metadata["result"] == "logits" else ""
    template = TORCH if file.endswith(".pt2") else ONNX
    return template.format(resize=resize, convert=convert, result=metadata["result"], argmax=argmax)


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
        ("precision", *(each["precision"] for each in stored)),
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
    return f"{table(heading, rows)}\n\n{metadata['void']} in a mask is void: not used in training and not scored."


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
