"""Read what W&B leaves on disk: its API key, and the files in the wandb/ of a run folder."""

import json
import netrc
import os
import secrets
import string
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from segexp.system.files import write_atomic

ALPHABET = string.ascii_lowercase + string.digits
PUBLIC_SERVERS = ("api.forge.coreweave.com", "api.wandb.ai")
"""The same server, by the name that `wandb login` of 0.31 stores a key under, and by that of earlier versions."""


def has_key() -> bool:
    """Whether an API key of the server is in the environment or was stored by `wandb login`."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    chosen = os.environ.get("WANDB_BASE_URL")
    servers = (urlsplit(chosen).netloc,) if chosen else PUBLIC_SERVERS
    try:
        stored = netrc.netrc(os.environ.get("NETRC"))
    except (OSError, netrc.NetrcParseError):
        return False
    return any(stored.authenticators(server) for server in servers)


def run_id(folder: Path) -> str:
    """The id of the run folder's W&B run, kept in the file wandb_id, so that a resumed run goes on in the same W&B run.

    The agent of a W&B sweep chooses the id itself, as WANDB_RUN_ID.
    """
    file = folder / "wandb_id"
    if file.is_file() and (stored := file.read_text().strip()):
        return stored
    new = os.environ.get("WANDB_RUN_ID") or "".join(secrets.choice(ALPHABET) for _ in range(8))
    write_atomic(file, f"{new}\n")
    return new


def segments(folder: Path) -> set[Path]:
    """The folders that W&B wrote for the run, one for every time it was started."""
    return {each for each in (folder / "wandb").glob("*run-*") if each.is_dir() and not each.is_symlink()}


def is_complete(file: Path) -> bool:
    """Whether W&B's own reader finds the run's end in its .wandb file. Takes a second; W&B may still be writing it."""
    read = [sys.executable, "-m", "wandb", "leet", "inspect", str(file), "--summary", "--json"]
    for _ in range(3):
        answer = subprocess.run(read, capture_output=True, text=True, check=False)
        with suppress(json.JSONDecodeError, AttributeError):
            if json.loads(answer.stdout).get("state") != "running":
                return True
    return False


def ran_full(file: Path) -> bool:
    """Whether W&B's log reports a full disk."""
    log = file.parent / "logs/debug-internal.log"
    return log.is_file() and "no space left" in log.read_text(errors="replace")
