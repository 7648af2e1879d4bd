"""What every file of conf/model promises: sizes, types, gradients, keys of the state."""

from collections.abc import Iterator

import pytest
import torch

from segexp.config.compose import config_folder
from segexp.model.auxiliary import split_output
from segexp.model.segmenter import Segmenter
from tests.model.options import OPTIONS, all_logits, build_model, small_model
from tests.model.state_dict_keys import digest, stored_digests
from tests.options import option_file

pytestmark = pytest.mark.fast

NUM_CLASSES = 5
SIZES = [(32, 32), (33, 47), (64, 96), (101, 37)]


@pytest.fixture(scope="module", params=OPTIONS)
def option(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def fresh_model(option: str) -> Segmenter:
    torch.manual_seed(0)
    return build_model(option, NUM_CLASSES)


@pytest.fixture
def model(fresh_model: Segmenter) -> Segmenter:
    return fresh_model.eval()


@pytest.fixture
def exact(option: str) -> Segmenter:
    """A small one in float64: rounding of sums in another order may move a feature of SegNet to another pixel."""
    return small_model(option, NUM_CLASSES).double().eval()


@pytest.fixture
def inference() -> Iterator[None]:
    with torch.no_grad():
        yield


def random_image(height: int, width: int, num_images: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(height * width)
    return torch.randint(0, 256, (num_images, 3, height, width), dtype=torch.uint8, generator=generator)


def test_every_model_is_found() -> None:
    assert {"gridnet", "unet", "unetplusplus", "fcn8", "segnet", "pspnet", "deeplabv3plus"} <= set(OPTIONS)
    assert {"fpn", "upernet", "segformer", "ddrnet23_slim", "pidnet_s", "fast_scnn"} <= set(OPTIONS)


def test_a_fresh_state_dict_has_the_keys_that_old_checkpoints_have(option: str, model: Segmenter) -> None:
    if not option_file("model", option).is_relative_to(config_folder()):
        pytest.skip(f"model={option} is an option of somebody else, whose keys nobody has stored here")
    assert digest(model) == stored_digests().get(option), (
        f"{option}: names or shapes in its state_dict are not those of tests/model/state_dict_keys.json, so old "
        "checkpoints will not load; if that is intended, run `python -m tests.model.state_dict_keys`"
    )


@pytest.mark.usefixtures("inference")
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_logits_have_the_size_of_the_image(model: Segmenter, height: int, width: int) -> None:
    logits = model(random_image(height, width))
    assert logits.shape == (2, NUM_CLASSES, height, width)
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()


@pytest.mark.usefixtures("inference")
def test_bytes_and_fractions_give_the_same_logits(model: Segmenter) -> None:
    image = random_image(33, 47, num_images=1)
    torch.testing.assert_close(model(image), model(image.float() / 255))


@pytest.mark.usefixtures("inference")
def test_evaluation_is_deterministic(model: Segmenter) -> None:
    image = random_image(33, 47, num_images=1)
    assert torch.equal(model(image), model(image))


@pytest.mark.usefixtures("inference")
def test_logits_do_not_depend_on_the_other_images_of_the_batch(model: Segmenter, exact: Segmenter) -> None:
    image = random_image(33, 47)
    other = torch.stack([image[0], 255 - image[1]])
    torch.testing.assert_close(model(image)[0], model(other)[0])
    torch.testing.assert_close(exact(image)[:1], exact(image[:1]))


@pytest.mark.usefixtures("inference")
def test_memory_format_does_not_change_the_logits(exact: Segmenter) -> None:
    image = random_image(33, 47)
    contiguous = exact(image)
    channels_last = exact.to(memory_format=torch.channels_last)(image.to(memory_format=torch.channels_last))
    torch.testing.assert_close(channels_last, contiguous)


@pytest.mark.usefixtures("inference")
def test_runs_under_autocast(model: Segmenter) -> None:
    image = random_image(33, 47, num_images=1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = model(image).float()
    exact = model(image)
    assert (rounded - exact).abs().max() < 0.1 * exact.abs().max()


def test_gradients_reach_every_parameter(model: Segmenter) -> None:
    """DistributedDataParallel refuses parameters without a gradient."""
    torch.manual_seed(0)
    output = split_output(model.train()(random_image(64, 64)), model.network)
    torch.stack([each.square().mean() for each in all_logits(output)]).sum().backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    model.zero_grad()
    for name, gradient in gradients.items():
        assert gradient is not None, f"{name} is never used"
        assert gradient.isfinite().all(), name
        is_offset = gradient.ndim == 1  # a bias before a batch norm has no effect
        assert is_offset or gradient.any(), f"{name} has no influence"
