"""The state_dict keys and shapes that checkpoints rely on; `python -m tests.model.state_dict_keys` stores them anew."""

import hashlib
import json
from pathlib import Path

from torch import nn

from tests.model.options import OPTIONS, build_model

FILE = Path(__file__).with_suffix(".json")
NUM_CLASSES = 5


def digest(model: nn.Module) -> dict[str, int | str]:
    """Count the entries of the state_dict, and hash their names and shapes."""
    lines = sorted(f"{key} {list(value.shape)}" for key, value in model.state_dict().items())
    return {"count": len(lines), "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest()}


def stored_digests() -> dict[str, dict[str, int | str]]:
    return json.loads(FILE.read_text()) if FILE.exists() else {}


if __name__ == "__main__":
    digests = {option: digest(build_model(option, NUM_CLASSES)) for option in OPTIONS}
    FILE.write_text(json.dumps(digests, indent=2) + "\n")
