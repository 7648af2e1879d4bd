"""The W&B server: its address, and whether it answers."""

import os
import ssl
import urllib.request
from http.client import HTTPException
from urllib.error import HTTPError

from segexp.logger import wandb_files

SECONDS = 10


def reachable_url() -> str:
    """The address of the server. Raises ValueError without an API key, OSError where nothing answers.

    Call it before W&B's clients, which wait for minutes or for ever, and then name another reason.
    """
    os.environ["WANDB_ERROR_REPORTING"] = "false"  # telemetry
    import wandb

    settings = wandb.setup(wandb.Settings(silent=True)).settings
    url = settings.base_url
    if not (settings.api_key or wandb_files.has_key()):
        raise ValueError(f"no API key for W&B at {url}: run `wandb login` or set WANDB_API_KEY")
    try:
        urllib.request.urlopen(url, timeout=SECONDS).close()
    except (OSError, HTTPException) as error:
        if not _is_answer(error):
            raise OSError(f"W&B at {url} cannot be reached ({error}); try again with a network connection") from error
    return url


def _is_answer(error: Exception) -> bool:
    """Whether the server answered: a refusal is an answer, and so is a certificate, which W&B's client is to judge."""
    if isinstance(error, HTTPError):
        return error.code < 500
    return isinstance(getattr(error, "reason", None), ssl.SSLError)
