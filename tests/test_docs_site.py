"""What `make docs` builds the site from: its strict build checks links between pages, and these tests the rest."""

import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
SITE = ROOT / "docs/site"
PAGES = ["README.md", "CHANGELOG.md", *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md")))]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SITE / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


as_markdown = script("docstrings").as_markdown
write_pages = script("write_pages")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    write_pages.write_pages(folder)
    return folder


def links(page: Path) -> list[str]:
    """The files of this repository that a page links to or shows."""
    tokens = MarkdownIt("commonmark").enable("table").parse(page.read_text())
    inline = [child for token in tokens for child in token.children or []]
    targets = [str(token.attrs.get("href") or token.attrs.get("src") or "") for token in inline]
    return [target.partition("#")[0] for target in targets if target and "://" not in target]


@pytest.mark.parametrize("name", PAGES)
def test_files_that_a_page_links_to_exist_here_and_on_the_site(name: str, pages: Path) -> None:
    for target in links(ROOT / name):
        assert ((ROOT / name).parent / target).exists(), f"{name} links to {target}"
        assert ((pages / name).parent / target).exists(), (
            f"write_pages.py does not copy {target}, to which {name} links"
        )


def test_links_are_found() -> None:
    assert {"docs/demo.png", "docs/losses.md", "LICENSE"} <= set(links(ROOT / "README.md"))


def test_navigation_has_every_page(pages: Path) -> None:
    navigation = tomllib.loads((SITE / "zensical.toml").read_text())["project"]["nav"]
    assert sorted(leaves(navigation)) == sorted(str(page.relative_to(pages)) for page in pages.rglob("*.md"))


def leaves(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    else:
        for child in node.values() if isinstance(node, dict) else node:
            yield from leaves(child)


OPTIONS = [
    file for file in sorted((ROOT / "conf").glob("*/*.yaml")) if file.parent.name not in write_pages.WITHOUT_PAGE
]


def test_every_option_is_on_the_page_of_its_group_with_what_it_builds(pages: Path) -> None:
    for file in OPTIONS:
        page = (pages / f"api/{file.parent.name}.md").read_text().splitlines()
        assert f"## `{file.parent.name}={file.stem}`" in page
        described = [line.removeprefix("::: ") for line in page if line.startswith("::: ")]
        for target in targets(yaml.safe_load(file.read_text())):
            assert any(f"{target}.".startswith(f"{name}.") for name in described), f"{target} of {file}"


def targets(node: Any) -> list[str]:
    """What a YAML file names of segexp."""
    if isinstance(node, list):
        return [target for entry in node for target in targets(entry)]
    if not isinstance(node, dict):
        return []
    own = [node["_target_"]] if str(node.get("_target_")).startswith("segexp.") else []
    return own + [target for value in node.values() for target in targets(value)]


def test_every_key_of_every_command_is_on_their_page(pages: Path) -> None:
    text = (pages / "api/commands.md").read_text()
    for file in (ROOT / "conf").glob("*.yaml"):
        shown = re.search(rf"^## `segexp {file.stem}`\n\n```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        assert shown
        assert yaml.safe_load(shown[1]).keys() == yaml.safe_load(file.read_text()).keys() - {"hydra"}


def test_described_names_become_a_list() -> None:
    text = "Load a run.\n\nrun: a folder. device: auto, cpu.\nRaises ValueError if it is damaged."
    assert as_markdown(text, {"run", "device"}, 120).split("\n\n") == [
        "Load a run.",
        "- **run**: a folder.",
        "- **device**: auto, cpu.",
        "Raises ValueError if it is damaged.",
    ]


def test_wrapped_lines_stay_together() -> None:
    text = (
        "mean, std: per channel in units of 0..1; buffers,\n    so training and export agree.\nstride: of the network."
    )
    assert as_markdown(text, set(), 52).split("\n\n") == [
        "- **mean, std**: per channel in units of 0..1; buffers, so training and export agree.",
        "- **stride**: of the network.",
    ]


def test_a_line_that_ends_early_after_a_sentence_ends_a_paragraph() -> None:
    assert as_markdown("It is short.\nThis is new.", set(), 120) == "It is short.\n\nThis is new."
    assert as_markdown("It is short.\nThis goes on.", set(), 15) == "It is short. This goes on."


def test_shapes_and_products_are_no_markdown() -> None:
    assert as_markdown("a * b * [B, C] of <name>, but `x[0] * y`", set(), 120) == (
        r"a \* b \* \[B, C\] of &lt;name>, but `x[0] * y`"
    )
