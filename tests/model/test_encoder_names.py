"""Names of encoders are checked without the libraries that have them."""

import subprocess
import sys

import pytest
import timm
from segmentation_models_pytorch.encoders import encoders

from segexp.model.encoder_names import check_encoder


def test_every_encoder_of_smp_and_of_timm_passes() -> None:
    for name in [*encoders, *(f"tu-{name}" for name in timm.list_models()), "tu-resnet18.a1_in1k"]:
        check_encoder(name)
    for name in list(timm.models.list_models(include_tags=True))[::50]:
        check_encoder(f"tu-{name}")
    check_encoder("tu-tf_efficientnet_b0_ns")  # an older name, which timm still takes
    check_encoder("tu-hf-hub:somebody/network")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("resnet35", "model.encoder: smp has no 'resnet35'; try .*resnet34.*, or tu-NAME for one of timm"),
        ("tu-resnet19t", "model.encoder: timm has no 'resnet19t'; try .*tu-resnet14t"),
        ("xyzxyz", "smp has no 'xyzxyz'; try resnet34, vgg16, or tu-NAME"),
        ("tu-xyzxyz.in1k", "timm has no 'xyzxyz'; try tu-resnet34"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_ones(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_encoder(name)


def test_neither_library_is_loaded() -> None:
    code = (
        "import sys; from segexp.model.encoder_names import check_encoder; check_encoder('resnet18');"
        "check_encoder('tu-resnet10t'); sys.exit('torch' in sys.modules or 'timm' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
