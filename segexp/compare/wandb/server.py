"""The W&B server: which one, and whether it can be talked to."""

import os
import ssl
import urllib.request
from http.client import HTTPException
from urllib.error import HTTPError

from segexp.logger import wandb_files

SECONDS = 10


def ready() -> str:
    """Its address. Raises ValueError without an API key, OSError where nothing answers.

    Asked beforehand, as W&B's clients wait for minutes or for ever, and then say something else.
    """
    os.environ["WANDB_ERROR_REPORTING"] = "false"  # telemetry
    import wandb

    settings = wandb.setup(wandb.Settings(silent=True)).settings
    url = settings.base_url
    if not (settings.api_key or wandb_files.has_key()):
        raise ValueError(f"no API key for W&B at {url}: run `wandb login`, or set WANDB_API_KEY")
    try:
        urllib.request.urlopen(url, timeout=SECONDS).close()
    except (OSError, HTTPException) as error:
        if not _is_answer(error):
            raise OSError(f"W&B at {url} cannot be reached ({error}); try again where there is a network") from error
    return url


def _is_answer(error: Exception) -> bool:
    """A refusal is one, and so is a certificate: whom to trust is W&B's client to know."""
    if isinstance(error, HTTPError):
        return error.code < 500
    return isinstance(getattr(error, "reason", None), ssl.SSLError)
