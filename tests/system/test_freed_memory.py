"""Memory is kept where it is freed and allocated again at once, and only there.

It is a setting of a process, hence the processes of their own.
"""

import mmap
import platform
import subprocess
import sys

import pytest

ROUNDS, BLOCKS, BYTES = 4, 8, 24 * 2**20
ALL = ROUNDS * BLOCKS * BYTES // mmap.PAGESIZE
PR_SET_THP_DISABLE = 41
PROGRAM = f"""
import ctypes
import resource
from segexp.system import memory

library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
assert library.prctl({PR_SET_THP_DISABLE}, 1, 0, 0, 0) == 0

def work():
    blocks = [ctypes.c_void_p(library.malloc({BYTES})) for _ in range({BLOCKS})]
    for block in blocks:
        library.memset(block, 1, {BYTES})
    for block in reversed(blocks):
        library.free(block)

FIRST
for _ in range(3):
    work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range({ROUNDS}):
    work()
    BETWEEN
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is one of glibc")


def pages_asked_for(first: str = "", between: str = "") -> int:
    """Of the system, by its own count, in filling the same blocks a few times."""
    program = PROGRAM.replace("FIRST", first).replace("BETWEEN", between)
    return int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)


def test_kept_memory_is_used_again_without_asking_the_system() -> None:
    assert pages_asked_for() > ALL / 2
    assert pages_asked_for("memory.keep_freed_memory()") < ALL / 100


def test_kept_memory_is_given_back_when_told() -> None:
    assert pages_asked_for("memory.keep_freed_memory()", "memory.return_freed_memory()") > ALL / 2
