"""Write the pages of the site to build/docs/pages: README, CHANGELOG, docs/, the Python API, every option of conf/.

python docs/site/write_pages.py && zensical build --strict --config-file build/docs/zensical.toml
"""

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build/docs"
COPIED = ("README.md", "CHANGELOG.md", "LICENSE", "CITATION.cff", "docs/*.md", "docs/*.png", "examples/*.ipynb")
"""What the site shows, and what its pages link to: in the same folders as here, so that the same links work."""

FROM_PYTHON = (
    "segexp.load",
    "segexp.inference.loaded_run.LoadedRun",
    "segexp.config.compose.compose",
    "segexp.build",
    "segexp.types",
)
WITHOUT_PAGE = ("hydra", "sweep")
"""Folders of conf/ that are no group of options."""
SHARED = {
    "augmentation": ("segexp.augmentation.augmentation",),
    "classes": ("segexp.classes",),
    "data": (
        "segexp.data.pairs.Source",
        "segexp.data.pairs.Pair",
        "segexp.data.module.DataModule",
        "segexp.data.settings.ReadingSettings",
    ),
    "loss": (
        "segexp.loss",
        "segexp.loss.engine.averaging.AveragingOptions",
        "segexp.loss.engine.threshold_iou.ThresholdOptions",
    ),
    "metric": ("segexp.metric.metric",),
    "model": ("segexp.model.segmenter.Segmenter", "segexp.types.TrainingLogits", "segexp.model.auxiliary.fcn_head"),
    "optimizer": ("segexp.optimizer",),
}
"""Group of options -> what all options of it share, above them on its page."""
TARGET = re.compile(r"_target_: (segexp\.[\w.]+)")


def main() -> None:
    shutil.rmtree(BUILD, ignore_errors=True)
    write_pages(BUILD / "pages")
    shutil.copy(Path(__file__).with_name("zensical.toml"), BUILD)
    shutil.copy(Path(__file__).with_name("site.css"), BUILD / "pages")


def write_pages(folder: Path) -> None:
    for pattern in COPIED:
        for file in ROOT.glob(pattern):
            copy = folder / file.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, copy)
    api = folder / "api"
    api.mkdir()
    (api / "commands.md").write_text(
        "\n".join(["# Keys of every command\n", *map(_keys, sorted(ROOT.glob("conf/*.yaml")))])
    )
    (api / "python.md").write_text("\n".join(["# From Python\n", *(_reference(name, 2) for name in FROM_PYTHON)]))
    for group in sorted(each for each in (ROOT / "conf").iterdir() if each.is_dir() and each.name not in WITHOUT_PAGE):
        (api / f"{group.name}.md").write_text(_options(group))


def _keys(command: Path) -> str:
    """Show the keys of a command, without its settings of Hydra, which every command has."""
    keys, _, _ = command.read_text().partition("\nhydra:")
    return f"## `segexp {command.stem}`\n\n```yaml\n{keys.rstrip()}\n```\n"


def _options(group: Path) -> str:
    """Write the page of a group: what its options share, then each with its YAML file and the object it builds."""
    texts = {file.stem: file.read_text() for file in sorted(group.glob("*.yaml"))}
    targets = {name: list(dict.fromkeys(TARGET.findall(text))) for name, text in texts.items()}
    first = {found[0] for found in targets.values() if found}
    shared = SHARED.get(group.name, ())
    shown = {name for name in shared if not _is_room(name)}
    page = [f"# Options of {group.name}\n", *(_reference(name, 2) for name in shared)]
    for name, text in texts.items():
        page.append(f"## `{group.name}={name}`\n\n```yaml\n{text}```\n")
        elsewhere = [each for each in targets[name] if _is_in(each, shown) or each in first - {targets[name][0]}]
        for each in targets[name]:
            if each not in elsewhere:
                shown.add(each)
                page += [_reference(target, 3) for target in (each, *_class_behind(each))]
        if elsewhere:
            page.append(f"See {' and '.join(f'[`{each}`][{each}]' for each in elsewhere)}.\n")
    return "\n".join(page)


def _is_in(name: str, shown: set[str]) -> bool:
    return any(f"{name}.".startswith(f"{each}.") for each in shown)


def _class_behind(target: str) -> list[str]:
    """Find the network that a function of the same name builds: `GridNet` in the file of `gridnet`."""
    module, _, name = target.rpartition(".")
    file = ROOT / f"{module.replace('.', '/')}.py"
    return [
        f"{module}.{found}"
        for found in re.findall(r"^class (\w+)", file.read_text(), re.MULTILINE)
        if found != name and found.lower() == name
    ]


def _reference(name: str, level: int) -> str:
    """Ask for the docstring and the signature of an object and of its members; of a room, only for its docstring."""
    members = "\n      members: false" if _is_room(name) else ""
    return f"::: {name}\n    options:\n      heading_level: {level}{members}\n"


def _is_room(name: str) -> bool:
    return (ROOT / name.replace(".", "/") / "__init__.py").is_file()


if __name__ == "__main__":
    main()
