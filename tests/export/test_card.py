"""A model card of a run of a stranger, read by a parser of Markdown."""

import re
import shlex
from pathlib import Path

from markdown_it import MarkdownIt

from segexp.config.compose import compose
from segexp.export import card, onnx
from segexp.export.interface import interface_of
from segexp.export.metadata import collect_metadata
from segexp.export.settings import ExportSettings
from segexp.inference.model import load_model
from segexp.run.folder import RunFolder
from tests.export.exports import copy_run

HOSTILE = (
    "a|b \\| `c` **d** [e](http://evil.example) ![f](http://evil.example/f.png) <script>alert(1)</script> &lt; "
    "_h_ __i__ ~j~ ~~k~~ https://evil.example WWW.evil.example www.evil.example l@evil.example "
    "\n# Mine\n```\n````\n| g |\n<b>"
)


def test_what_a_run_says_is_text_on_the_card_and_no_markup(trained: RunFolder, tmp_path: Path) -> None:
    network, run = load_model(trained, "best"), copy_run(trained, tmp_path)
    hostile = {"overrides": [HOSTILE], "choices": {"model": HOSTILE, "data": HOSTILE}, "data": {"train": HOSTILE}}
    run.write_environment(run.environment | hostile | {"git": {"commit": HOSTILE, "changed_files": []}})
    settings = ExportSettings.of({**compose("export", ["run=RUN"], folders=[]), "run": HOSTILE, "output": "export"})
    metadata = collect_metadata(run, network, settings, interface_of(settings, network.model))
    metadata |= {"grouping": HOSTILE, "classes": len(metadata["classes"]) * [HOSTILE]}
    text = card.render_card(run, metadata, onnx.FILE, [], 1e-4, None)
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    texts = [child for token in tokens for child in token.children or ()]
    assert {each.type for each in texts} == {"text", "softbreak", "code_inline"}
    assert {each.content for each in texts if each.type == "code_inline"} == {"image", "logits", onnx.FILE}
    sources = [token.content for token in tokens if token.type == "inline"]
    assert not any(re.search(r"(?i)[^\\]://|www\.|[^\\]@", source) for source in sources)  # GFM would link what follows
    line = " ".join(HOSTILE.split())
    assert sum(each.content.count(line) for each in texts) == 2 + len(metadata["classes"]) + 4  # title, classes, origin
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h1", *6 * ["h2"]]
    assert "html_block" not in {token.type for token in tokens}
    code = [token.content for token in tokens if token.type == "fence"]
    assert code[1:] == [shlex.join(["python", "-m", "segexp.train", HOSTILE]) + "\n"]
