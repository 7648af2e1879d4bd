"""The wheel carries conf/, so that the commands run from any folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_installed_wheel_trains_from_any_folder(small, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "--no-build-isolation", "-w", str(tmp_path)]
    subprocess.run([*build, "--quiet"], check=True)
    (wheel,) = tmp_path.glob("segexp-*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    assert (tmp_path / "site/segexp/conf/sweep/losses.yaml").is_file()  # a link in the checkout
    assert (tmp_path / "site/hydra_plugins/segexp_launchers.py").is_file()
    assert (tmp_path / "site/segexp/compare/report/templates/report.html").is_file()
    assert (tmp_path / "site/segexp/serve/page/index.html").is_file()
    assert (tmp_path / "site/segexp/py.typed").is_file()
    (metadata,) = (tmp_path / "site").glob("segexp-*.dist-info")
    assert (metadata / "licenses/LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert "segexp = segexp.__main__:main" in (metadata / "entry_points.txt").read_text()
    work = tmp_path / "work"
    work.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    program = "import segexp, sys; print(segexp.__file__); from segexp.train.__main__ import main; main()"
    command = [sys.executable, "-c", program, *small(), "hydra.run.dir=run"]
    answer = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert str(tmp_path / "site") in answer.stdout
    assert (work / "run/checkpoints/best.ckpt").is_file()
