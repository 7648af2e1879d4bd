"""What runs a network: torch as it comes, compiled by it, or ONNX Runtime."""

import importlib.util
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import torch
from torch import Tensor, nn

from segexp.inference.segment import Network

EXTRA = ("onnx", "onnxscript", "onnxruntime")


def left_out(backends: Sequence[str], precisions: Sequence[str], device: torch.device) -> dict[tuple[str, str], str]:
    """(precision, backend) -> why that cannot be measured here."""
    found = {each: _reason_against(*each, device) for each in product(precisions, backends)}
    return {each: reason for each, reason in found.items() if reason}


def _reason_against(precision: str, backend: str, device: torch.device) -> str | None:
    if backend != "onnxruntime":
        return None
    missing = [name for name in EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        return f"needs {', '.join(missing)}: pip install 'segexp[export]'"
    if precision != "float32":
        return "the network is exported in float32, and ONNX Runtime has no autocast"
    if _provider(device) not in _providers():
        return f"the installed onnxruntime has no {_provider(device)}: pip install onnxruntime-gpu in its place"
    return None


def version(backend: str) -> dict[str, str]:
    """Of what runs the network, if that is not torch."""
    if backend != "onnxruntime":
        return {}
    import onnxruntime

    return {"onnxruntime": onnxruntime.__version__}


def compiled(network: nn.Module) -> Network:
    """For images of one shape alone. Compiles when it is first called."""
    return torch.compile(network, dynamic=False)


def load_compiler() -> None:
    """By compiling next to nothing: its libraries come as they are needed, and are no memory of a network's."""
    with torch.inference_mode():
        compiled(nn.Conv2d(3, 3, 1).eval())(torch.zeros(1, 3, 8, 8))


def exported(network: nn.Module, image: Tensor, path: Path) -> None:
    """Write the network as ONNX, for images of this shape alone."""
    program = torch.onnx.export(network, (image.cpu(),), dynamo=True, verbose=False)
    assert program is not None
    program.save(path)


class OnnxNetwork:
    """An exported network that reads and writes memory of torch, so that nothing is copied on the way.

    image, num_classes: the only shape of image that it takes, and the number of channels that come back.
    """

    def __init__(self, path: Path, image: Tensor, num_classes: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self.session = onnxruntime.InferenceSession(path, options, [_provider(image.device)])
        self.logits = torch.empty(image.shape[0], num_classes, *image.shape[2:], device=image.device)

    def __call__(self, image: Tensor) -> Tensor:
        binding = self.session.io_binding()
        for bind, node, tensor, kind in (
            (binding.bind_input, self.session.get_inputs()[0], image, "uint8"),
            (binding.bind_output, self.session.get_outputs()[0], self.logits, "float32"),
        ):
            place = tensor.device
            bind(node.name, place.type, place.index or 0, kind, list(tensor.shape), tensor.data_ptr())
        self.session.run_with_iobinding(binding)
        return self.logits


def _provider(device: torch.device) -> str:
    return f"{device.type.upper()}ExecutionProvider"


def _providers() -> list[str]:
    import onnxruntime

    return onnxruntime.get_available_providers()
