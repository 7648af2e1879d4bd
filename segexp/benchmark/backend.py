"""Backends that run a network: eager torch, torch.compile, or ONNX Runtime."""

import importlib.util
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import torch
from torch import Tensor, nn

from segexp.inference.segment import Network

ONNX_LIBRARIES = ("onnx", "onnxscript", "onnxruntime")


def unavailable(backends: Sequence[str], precisions: Sequence[str], device: torch.device) -> dict[tuple[str, str], str]:
    """(precision, backend) -> why this pair cannot be measured here; pairs that can are left out."""
    reasons = {pair: _reason_against(*pair, device) for pair in product(precisions, backends)}
    return {pair: reason for pair, reason in reasons.items() if reason}


def _reason_against(precision: str, backend: str, device: torch.device) -> str | None:
    if backend != "onnxruntime":
        return None
    missing = [name for name in ONNX_LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        return f"needs {', '.join(missing)}: pip install 'segexp[export]'"
    if precision != "float32":
        return "the network is exported in float32, and ONNX Runtime has no autocast"
    if _provider(device) not in _providers():
        return f"the installed onnxruntime has no {_provider(device)}: pip install onnxruntime-gpu in its place"
    return None


def versions(backend: str) -> dict[str, str]:
    """Versions of the libraries that run the network, beside torch."""
    if backend != "onnxruntime":
        return {}
    import onnxruntime

    return {"onnxruntime": onnxruntime.__version__}


def compile_network(network: nn.Module) -> Network:
    """The network compiled for images of one shape. Compiles when it is first called."""
    return torch.compile(network, dynamic=False)


def load_compiler() -> None:
    """Load the libraries of the compiler, whose memory is not the network's, by compiling a tiny network."""
    with torch.inference_mode():
        compile_network(nn.Conv2d(3, 3, 1).eval())(torch.zeros(1, 3, 8, 8))


def export_network(network: nn.Module, image: Tensor, path: Path) -> None:
    """Write the network as ONNX, for images of this shape alone."""
    program = torch.onnx.export(network, (image.cpu(),), dynamo=True, verbose=False)
    assert program is not None
    program.save(path)


class OnnxNetwork:
    """An exported network that reads and writes memory of torch, so that nothing is copied.

    image: one of the only shape that the network takes. num_classes: number of channels of the logits.
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
