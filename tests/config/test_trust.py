"""A run folder may come from a stranger: what its config may build."""

from pathlib import Path

import pytest

from segexp.config.compose import compose, config_folder
from segexp.config.trust import refuse_foreign_targets, refuse_urls
from segexp.inference.trusted_parts import trusted_parts
from segexp.run.folder import RunFolder
from segexp.train.resume import check_targets
from tests.options import config_dir

RUN = RunFolder(Path("run"))
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


@pytest.mark.parametrize("option", sorted(path.stem for path in (config_folder() / "model").glob("*.yaml")))
def test_every_model_and_grouping_of_ours_is_allowed(option: str) -> None:
    config = compose("train", [f"model={option}"])
    assert set(trusted_parts(config)) == {"model", "classes"}


def test_networks_of_the_libraries_are_allowed() -> None:
    refuse_foreign_targets({"_target_": "segmentation_models_pytorch.Unet"})


def test_resume_builds_only_what_conf_names() -> None:
    config = compose("train")
    check_targets(RUN, config, {})
    config["callbacks"]["best"]["_target_"] = "os.system"
    with pytest.raises(ValueError, match=r"wants to build \['os.system'\]"):
        check_targets(RUN, config, {})
    check_targets(RUN, config, typed={"callbacks": [{"_target_": "os.system"}]})


@pytest.mark.parametrize("option", ["model/mine.yaml", "hydra/launcher/mine.yaml"])
def test_options_of_the_user_are_trusted(option: str, tmp_path: Path) -> None:
    (tmp_path / option).parent.mkdir(parents=True)
    (tmp_path / option).write_text("_target_: mine.network")
    config = {"classes": {}, "model": {"_target_": "mine.network"}}
    with config_dir(tmp_path):
        assert trusted_parts(config) == config
        check_targets(RUN, config, {})
    with pytest.raises(ValueError, match="name the folder of your options by --config-dir"):
        trusted_parts(config)


@pytest.mark.parametrize("place", ["config.yaml", "outputs/stranger/config.yaml", "model/stranger/config.yaml"])
def test_a_run_in_the_folder_of_options_is_none_of_them(place: str, tmp_path: Path) -> None:
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text("model: {_target_: numpy.save}")
    config = {"classes": {}, "model": {"_target_": "numpy.save"}}
    with config_dir(tmp_path):
        with pytest.raises(ValueError, match=r"'numpy\.save'; .*--config-dir, whose GROUP/NAME.yaml are trusted"):
            trusted_parts(config)
        with pytest.raises(ValueError, match=r"'numpy\.save'\], .*--config-dir, whose GROUP/NAME.yaml are trusted"):
            check_targets(RUN, config, {})


@pytest.mark.parametrize("text", [b"a: 1\n---\na: 2\n", b"a: [", b"a: \xff"])
def test_an_option_that_is_no_yaml_is_named(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "notes.yaml").write_bytes(text)  # which is none
    (tmp_path / "model").mkdir()
    config = {"classes": {}, "model": {}}
    with config_dir(tmp_path):
        trusted_parts(config)
        (tmp_path / "model/mine.yaml").write_bytes(text)
        with pytest.raises(ValueError, match=r"model/mine\.yaml is not one document of YAML \("):
            trusted_parts(config)


@pytest.mark.parametrize("value", ["${oc.create:{_target_:os.getcwd}}", "${oc.env:HOME}"])
def test_what_would_be_resolved_later_is_refused(value: str) -> None:
    """Hydra resolves such text when it builds, after every target was looked at."""
    for config in ({"classes": {"name": value}}, {"data": [{"root": value}]}):
        with pytest.raises(ValueError, match="which no training writes"):
            refuse_foreign_targets(config)
        with pytest.raises(ValueError, match="which no training writes"):
            check_targets(RUN, config, {})


@pytest.mark.parametrize("encoder", ["tu-hf-hub:somebody/network", "https://host/network"])
def test_a_run_fetches_no_network(encoder: str) -> None:
    model = {"_target_": "segexp.model.smp.smp", "encoder": encoder, "weights": "imagenet"}
    with pytest.raises(ValueError, match="nothing is fetched for a run"):
        trusted_parts({"classes": {}, "model": model})
    nested = {"model": {**model, "encoder": "resnet18", "inner": [{"encoder_weights": "imagenet"}]}, "classes": {}}
    found = trusted_parts(nested)["model"]
    assert (found["weights"], found["inner"][0]["encoder_weights"]) == (None, None)


@pytest.mark.parametrize(
    ("settings", "typed"),
    [
        ({"root": "s3://bucket/set"}, "data.root="),
        ({"root": "/here", "images": "http://host/SPLIT"}, r"\+data.images="),
        ({"labels": {"0": ["a", "http://host"]}}, r"\+data.labels="),
        ({"root": "simplecache::memory://x"}, "data.root="),
    ],
)
def test_an_address_in_the_data_of_a_run_is_refused_wherever_it_stands(settings, typed: str) -> None:
    with pytest.raises(ValueError, match=f"type it yourself: {typed}"):
        refuse_urls(settings)


def test_places_of_this_machine_are_no_addresses() -> None:
    refuse_urls({"root": "/data/city:scapes", "images": "images/SPLIT", "labels": {"0": "road"}, "size": [3, None]})
