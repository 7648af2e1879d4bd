"""A process that renders: it reads one scene a line as JSON, and answers each with null or the OSError that it met.

It ends when its input does, hence also when the process that started it is killed.
"""

import json
import os
import signal
import sys
from pathlib import Path

import cv2

from segexp.streetscenes.files import SceneFile, write_scene


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    cv2.setNumThreads(1)  # there is a process for every core
    for line in sys.stdin:
        folder, *rest = json.loads(line)
        answer = None
        try:
            write_scene(SceneFile(Path(folder), *rest))
        except OSError as error:
            answer = error.errno, error.strerror, error.filename
        try:
            print(json.dumps(answer, default=str), flush=True)
        except BrokenPipeError:
            os._exit(1)  # the process that started this one is gone


if __name__ == "__main__":
    main()
