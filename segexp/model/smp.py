"""Any architecture of segmentation_models_pytorch (smp) by its arguments: U-Net, PSPNet, DeepLabV3+, FPN, ..."""

import difflib
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import segmentation_models_pytorch
import torch
from segmentation_models_pytorch.base import SegmentationModel
from segmentation_models_pytorch.decoders.deeplabv3.decoder import ASPPPooling
from segmentation_models_pytorch.encoders import get_encoder, is_equivalent_to_timm_universal
from torch import Tensor, nn

from segexp.model.auxiliary import check_stages, fcn_head, split_output
from segexp.model.depthwise import speed_up_depthwise
from segexp.model.encoder import Tag, with_weights
from segexp.model.input_size import InputSize, input_size
from segexp.model.normalization import normalization
from segexp.model.segmenter import Segmenter
from segexp.types import Logits, TrainingLogits

SET_HERE = {"encoder_name", "encoder_weights", "classes"}
"""Arguments of every architecture that `smp` sets itself."""


def smp(
    num_classes: int,
    architecture: str,
    encoder: str,
    weights: str | None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    auxiliary_stages: Sequence[int] | None = None,
    **options: Any,
) -> Segmenter:
    """Build a network of smp that takes images of any size.

    architecture: class in smp: Unet, PSPNet, DeepLabV3Plus, FPN, MAnet, ...
    encoder, weights: see `segexp.model.encoder.with_weights`.
    mean, std: of the images that the weights were trained with, per channel in units of 0..1; None for those that
        `segexp.model.normalization` finds.
    auxiliary_stages: stages of the encoder, counted from 1, to which training adds a head with a loss of its own. Stage
        k halves the image k times (fewer times where the architecture dilates); PSPNet is published with [4], the
        stage before the last one of a ResNet. None: no such heads.
    options: further arguments of the architecture, as smp documents them.
    Raises ValueError for an unknown architecture, stage or option, and the errors of `with_weights` and `input_size`.
    Different from smp: parameters of the encoder that the architecture never uses (encoder_depth below 5) do not
    require a gradient, because DistributedDataParallel waits for every gradient that is required.
    """
    known = segmentation_models_pytorch.MODEL_ARCHITECTURES_MAPPING
    if architecture.lower() not in known:
        names = ", ".join(sorted(known[name].__name__ for name in known))
        raise ValueError(f"model.architecture: smp has no {architecture!r}; allowed: {names}; set model.architecture")

    _check_options(known[architecture.lower()], encoder, options)

    def build(tag: Tag) -> SegmentationModel:
        create = known[architecture.lower()]
        return create(encoder_name=encoder, encoder_weights=tag, classes=num_classes, **options)

    network: nn.Module = with_weights(build, encoder, weights).eval()
    own = normalization(network.get_submodule("encoder"), encoder, weights)
    size = input_size(network, int(network.get_submodule("encoder").output_stride))  # type: ignore[arg-type]
    if any(isinstance(layer, nn.LayerNorm) for layer in network.modules()):
        # torch.export cannot follow a layer norm of one pixel
        size = InputSize(size.stride, max(size.smallest, 2 * size.stride))
    if auxiliary_stages is not None:
        network = SupervisedStages(network, auxiliary_stages, num_classes)
    _freeze_unused(network, size)
    speed_up_depthwise(network)
    for layer in network.modules():
        if isinstance(layer, ASPPPooling):
            layer.register_forward_hook(_in_the_format_of_its_input)
    return Segmenter(network, size.stride, mean or own.mean, std or own.std, size.smallest)


def _check_options(architecture: type[SegmentationModel], encoder: str, options: Mapping[str, Any]) -> None:
    """Raise ValueError for options that smp would drop without a word.

    An architecture hands what is no argument of its own to its encoder. Those of timm refuse what they do not take,
    but for null; smp's own encoders are built without it.
    """
    own = set(inspect.signature(architecture).parameters)
    to_encoder = {key for key in inspect.signature(get_encoder).parameters if f"encoder_{key}" not in own}
    taken = sorted((own | to_encoder) - SET_HERE - {"kwargs"})
    refused_by_timm = encoder.startswith("tu-") or is_equivalent_to_timm_universal(encoder)
    unknown = [key for key in options if key not in taken and not (refused_by_timm and options[key] is not None)]
    if unknown:
        close = difflib.get_close_matches(unknown[0], taken, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise ValueError(
            f"model.{unknown[0]}: {architecture.__name__} of smp with encoder {encoder} does not take "
            f"{', '.join(unknown)}; {hint}allowed: {', '.join(taken)}; correct the name or leave it out (also in the "
            "config.yaml of a run of an earlier version, which ignored it)"
        )


class SupervisedStages(nn.Module):
    """The encoder, decoder and head of a network of smp, with an auxiliary head on each of some encoder stages.

    Its weights have the names that they have in smp. Stages are counted as in `smp`.
    Raises ValueError for stages that the encoder does not have, and for an architecture with another forward pass.
    """

    def __init__(self, network: SegmentationModel, stages: Sequence[int], num_classes: int) -> None:
        super().__init__()
        if type(network).forward is not SegmentationModel.forward:
            raise ValueError(
                f"model.auxiliary_stages is {list(stages)}, and {type(network).__name__} of smp does not hand the "
                "stages of its encoder to a decoder; allowed: null; choose another model.architecture"
            )
        widths: Sequence[int] = network.encoder.out_channels  # of the image itself, then of each stage
        check_stages(stages, [stage for stage in range(1, len(widths)) if widths[stage] > 0])
        self.encoder, self.decoder, self.segmentation_head = network.encoder, network.decoder, network.segmentation_head
        self.auxiliary_heads = nn.ModuleDict({str(stage): fcn_head(widths[stage], num_classes) for stage in stages})

    def forward(self, image: Tensor) -> Logits | TrainingLogits:
        features = self.encoder(image)
        logits = self.segmentation_head(self.decoder(features))
        if not self.training:
            return logits
        auxiliary = [head(features[int(stage)]) for stage, head in self.auxiliary_heads.items()]
        return TrainingLogits(logits, auxiliary)


def _in_the_format_of_its_input(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
    """What is enlarged from one pixel has lost its memory format, and would take it from all that it is joined with."""
    is_channels_last = inputs[0].is_contiguous(memory_format=torch.channels_last)
    return output.contiguous(memory_format=torch.channels_last) if is_channels_last else output


def _freeze_unused(network: nn.Module, size: InputSize) -> None:
    network.eval()  # so that the probe changes no running statistics and draws no random number
    network.training = True  # of the outermost module alone: auxiliary heads are used, too
    with torch.enable_grad():
        side = -(-max(64, size.smallest) // size.stride) * size.stride
        output = split_output(network(torch.zeros(1, 3, side, side)), network)
        torch.stack([each.sum() for each in (output.logits, *output.auxiliary)]).sum().backward()
    for parameter in network.parameters():
        parameter.requires_grad_(parameter.grad is not None)
    network.zero_grad()
    network.train()
