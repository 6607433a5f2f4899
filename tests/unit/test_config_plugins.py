"""What pydantic would let into the daemon of its own accord."""

import subprocess
import sys
from pathlib import Path


def test_nobody_elses_plugin_is_loaded(tmp_path: Path) -> None:
    """Any package that is installed could have one."""
    about = tmp_path / "stranger-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[pydantic]\nstranger = stranger:plugin\n")
    (tmp_path / "stranger.py").write_text("raise SystemExit('a stranger is in')\n")
    load = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import vxland.config.load"
    loaded = subprocess.run([sys.executable, "-c", load], check=False, capture_output=True)
    assert (loaded.returncode, loaded.stderr) == (0, b"")
