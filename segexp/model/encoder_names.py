"""The names of encoders, read from the sources of smp and timm: importing these libraries takes seconds."""

import difflib
import functools
import re
from importlib.util import find_spec
from pathlib import Path


def check_encoder(name: str) -> None:
    """Raise ValueError for a name that neither smp nor, as tu-NAME or tu-NAME.TAG, timm has; it names the nearest ones.

    A name may pass that is none, as some other texts in the sources do.
    """
    prefix, bare = ("tu-", name[3:].partition(".")[0]) if name.startswith("tu-") else ("", name)
    known = _timm_names() if prefix else _smp_names()
    if bare not in known and ":" not in bare:  # tu-hf-hub:..., of the hub
        close = difflib.get_close_matches(bare, known, n=5) or [
            "resnet34",
            "mobilenetv3_large_100" if prefix else "vgg16",
        ]
        names = ", ".join(prefix + each for each in close)
        library = "timm" if prefix else "smp"
        further = "" if prefix else ", or tu-NAME for one of timm"
        raise ValueError(f"model.encoder: {library} has no {bare!r}; try {names}{further}")


@functools.cache
def _smp_names() -> frozenset[str]:
    """The keys of every dict in smp's sources, among which all encoders are."""
    return frozenset(re.findall(r'"([^"\s]+)"\s*:', _sources("segmentation_models_pytorch", "encoders")))


@functools.cache
def _timm_names() -> frozenset[str]:
    """timm has a function for every model, and texts for the older names of some."""
    text = _sources("timm", "models")
    return frozenset([*re.findall(r"^def (\w+)\(", text, re.MULTILINE), *re.findall(r"'(\w+)'", text)])


def _sources(library: str, folder: str) -> str:
    spec = find_spec(library)
    places = spec.submodule_search_locations if spec else None
    return "".join(file.read_text() for place in places or () for file in sorted(Path(place, folder).rglob("*.py")))
