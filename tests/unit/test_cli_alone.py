import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"
WORDS = f"import sys; sys.path.insert(0, {str(SOURCE)!r}); from vxland import cli; cli.parser()"


def test_the_command_line_needs_no_package_from_elsewhere() -> None:
    """Completions are made of it while a package is built, where there are none."""
    command = [sys.executable, "-I", "-S", "-c", WORDS]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (made.returncode, made.stderr) == (0, "")
