"""A model card of a run of a stranger, read by a parser of Markdown."""

import re
import shlex
from pathlib import Path

from markdown_it import MarkdownIt

from segexp.export import card, onnx
from segexp.export.facts import facts
from segexp.inference.model import load_model
from segexp.run.folder import RunFolder
from tests.export.exported import copied

HOSTILE = (
    "a|b \\| `c` **d** [e](http://evil.example) ![f](http://evil.example/f.png) <script>alert(1)</script> &lt; "
    "_h_ __i__ ~j~ ~~k~~ https://evil.example WWW.evil.example www.evil.example l@evil.example "
    "\n# Mine\n```\n````\n| g |\n<b>"
)


def test_what_a_run_says_is_text_on_the_card_and_no_markup(trained: RunFolder, tmp_path: Path) -> None:
    found, run = load_model(trained, "best"), copied(trained, tmp_path)
    told = {"overrides": [HOSTILE], "choices": {"model": HOSTILE, "data": HOSTILE}, "data": {"train": HOSTILE}}
    run.write_environment(run.environment | told | {"git": {"commit": HOSTILE, "changed_files": []}})
    values = facts(run, found, HOSTILE, "best")
    values |= {"grouping": HOSTILE, "classes": len(values["classes"]) * [HOSTILE]}
    text = card.written(run, values, onnx.FILE, [], 1e-4, None)
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    texts = [child for token in tokens for child in token.children or ()]
    assert {each.type for each in texts} == {"text", "softbreak", "code_inline"}
    assert {each.content for each in texts if each.type == "code_inline"} == {"image", "logits", onnx.FILE}
    sources = [token.content for token in tokens if token.type == "inline"]
    assert not any(re.search(r"(?i)[^\\]://|www\.|[^\\]@", source) for source in sources)  # GFM would link what follows
    line = " ".join(HOSTILE.split())
    assert sum(each.content.count(line) for each in texts) == 2 + len(values["classes"]) + 4  # title, classes, origin
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h1", *6 * ["h2"]]
    assert "html_block" not in {token.type for token in tokens}
    code = [token.content for token in tokens if token.type == "fence"]
    assert code[1:] == [shlex.join(["python", "-m", "segexp.train", HOSTILE]) + "\n"]
