"""Whether the process of a training still lives, by what it wrote in its run folder."""

import os
import socket

from segexp.types import Values


def is_training(status: Values) -> bool:
    """Whether a status says running and its process lives; that of another machine counts as living.

    status: see `RunFolder.status`.
    """
    if status.get("state") != "running":
        return False
    if status.get("host") != socket.gethostname():
        return True
    try:
        os.kill(int(status["process"]), 0)
    except PermissionError:  # somebody else's
        return True
    except (ProcessLookupError, KeyError, ValueError):
        return False
    return True
