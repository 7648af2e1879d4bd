"""Facts: values that only the code knows, such as the number of classes.

A YAML asks for one by `num_classes: ${fact:num_classes}`. A resolved configuration, which a run records, holds the text
`<num_classes>` in its place; the fact itself is filled in where the part is built.
"""

from collections.abc import Callable, Mapping
from typing import Any

from segexp.types import Values

FACTS = {
    "num_classes": "number of classes of the grouping",
    "class_counts": "training pixels of each class",
    "class_extents": "scored pixels of the training images that contain each class",
    "seed": "seed of the run",
    "quiet": "whether the run says nothing on the terminal",
    "total_steps": "optimizer steps of the whole training",
    "folder": "run folder",
    "dirpath": "folder of its checkpoints",
}
"""What a YAML may ask for, and what it is."""
Facts = Mapping[str, Callable[[], Any]]
"""Name of a fact -> function that finds it out."""


def fact_text(name: str) -> str:
    """The text that stands for a fact in a resolved configuration. Raises ValueError for an unknown fact."""
    if name not in FACTS:
        raise ValueError(f"${{fact:{name}}} is not a fact; facts: {', '.join(FACTS)}; correct its name")
    return f"<{name}>"


def asks_for(node: Any, name: str) -> bool:
    """Whether a configuration asks for a fact, at any depth."""
    if isinstance(node, Mapping):
        node = list(node.values())
    if isinstance(node, list):
        return any(asks_for(entry, name) for entry in node)
    return node == fact_text(name)


def fill_facts(node: Any, facts: Facts) -> Any:
    """The same configuration with facts in place of the texts that ask for them.

    Raises ValueError where one is asked for that this part of the configuration cannot have.
    """
    if isinstance(node, Mapping):
        return {key: fill_facts(value, facts) for key, value in node.items()}
    if isinstance(node, list):
        return [fill_facts(entry, facts) for entry in node]
    name = _name(node)
    if name is None:
        _refuse_fact_within_text(node)
        return node
    if name not in facts:
        known = ", ".join(f"${{fact:{each}}}" for each in facts) or "none"
        raise ValueError(f"${{fact:{name}}} is not known to this part of the configuration; known here: {known}")
    return facts[name]()


def without_facts(values: Mapping[str, Any]) -> Values:
    """The same configuration without the keys whose values are facts, at any depth: they were not chosen by anybody."""
    return {
        key: without_facts(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if not is_fact(value)
    }


def is_fact(value: Any) -> bool:
    """Whether a value of a resolved configuration stands for a fact."""
    return _name(value) is not None


def _refuse_fact_within_text(value: Any) -> None:
    within = [name for name in FACTS if isinstance(value, str) and f"<{name}>" in value]
    if within:
        raise ValueError(
            f"${{fact:{within[0]}}} is part of a longer text, {value!r}; allowed: the fact alone; let the code that "
            "gets it make the text"
        )


def _name(value: Any) -> str | None:
    is_text = isinstance(value, str) and value.startswith("<") and value.endswith(">")
    return value[1:-1] if is_text and value[1:-1] in FACTS else None
