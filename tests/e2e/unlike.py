"""python -m tests.e2e.unlike ...: segexp.train, of whose ranks only the first has a CPU that computes in bfloat16."""

import tempfile
from pathlib import Path

from segexp.system import arithmetic
from segexp.system.ranks import rank
from segexp.train.__main__ import main

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        arithmetic.CPU_INFO = Path(folder) / "cpuinfo"
        arithmetic.CPU_INFO.write_text(f"flags\t: avx2 {'' if rank() else 'avx512_bf16'}\n")
        main()
