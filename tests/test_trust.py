"""A run folder may come from a stranger: what its config may build."""

import pytest

from segexp import build
from segexp.trust import refuse_foreign_targets

FOREIGN = [
    "os.system",
    "segexp.data.streets.Streets",
    "segexp.model.segmenter.torch.hub.load",  # a name of ours that leads out of the house
    "segexp.model.smp.segmentation_models_pytorch.from_pretrained",
    "segmentation_models_pytorch.from_pretrained",
    "torchvision.models._api.torch.hub.load_state_dict_from_url",
    "builtins.eval",
]


@pytest.mark.parametrize("target", FOREIGN)
def test_foreign_targets_are_refused_wherever_they_stand(target: str) -> None:
    for config in ({"_target_": target}, {"classes": {"deep": [{"_target_": target}]}}):
        with pytest.raises(ValueError, match="from a run folder only"):
            refuse_foreign_targets(config)


@pytest.mark.parametrize("option", sorted(path.stem for path in (build.config_folder() / "model").glob("*.yaml")))
def test_every_model_and_grouping_of_ours_is_allowed(option: str) -> None:
    config = build.plain(build.compose("train", [f"model={option}"]))
    assert set(build.trusted(config)) == {"model", "classes"}


def test_networks_of_the_libraries_are_allowed() -> None:
    refuse_foreign_targets({"_target_": "segmentation_models_pytorch.Unet"})


def test_resume_builds_only_what_conf_names() -> None:
    config = build.plain(build.compose("train"))
    build.refuse_unknown_targets(config)
    config["callbacks"]["best"]["_target_"] = "os.system"
    with pytest.raises(ValueError, match=r"wants to build \['os.system'\]"):
        build.refuse_unknown_targets(config)
