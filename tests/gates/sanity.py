"""Runs `ansible-test sanity` in a clean copy, without containers: `python -m tests.gates.sanity [TEST...]`.

ansible-test drops most of the environment and gets its pip from a host of its own. So it is given a home folder under
.build with what it would miss: pip's settings of this machine as a file, and a pip bootstrap that uses ensurepip.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.gates.tools import BIN, BUILD, SECOND, clean_copy, environment

BOOTSTRAP = '''"""Stands in for get-pip.py: pip out of this Python's own ensurepip, then the packages asked for."""
import os, subprocess, sys
own = ("--no-setuptools", "--no-wheel")
del os.environ["GET_PIP"]
subprocess.check_call([sys.executable, "-m", "ensurepip"])
subprocess.check_call([sys.executable, "-m", "pip", "install"] + [word for word in sys.argv[1:] if word not in own])
'''
SETTING = re.compile(r"^(?P<section>:env:|[\w-]+)\.(?P<key>[\w.-]+)='(?P<value>.*)'$")


def pip_settings(listed: str) -> str:
    """The text of a pip.conf that says what `pip config list` printed; the environment's word wins.

    >>> print(pip_settings(":env:.cert='/a'"), end="")
    [global]
    cert = /a
    """
    found = [match for line in listed.splitlines() if (match := SETTING.match(line))]
    found.sort(key=lambda match: match["section"] == ":env:")
    values = {match["key"]: match["value"] for match in found if match["section"] in {":env:", "global"}}
    return "[global]\n" + "".join(f"{key} = {value}\n" for key, value in sorted(values.items()))


def prepare_home(binaries: Path) -> Path:
    """The home folder that ansible-test sees."""
    home = BUILD / "home"
    settings = home / ".config" / "pip" / "pip.conf"
    settings.parent.mkdir(parents=True, exist_ok=True)
    listed = subprocess.run(
        [binaries / "python", "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    settings.write_text(pip_settings(listed.stdout))
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    requirements = next(
        binaries.parent.glob("lib/python3.*/site-packages/ansible_test/_internal/python_requirements.py")
    )
    version = re.search(r"\bpip='([\d.]+)'", requirements.read_text())
    if version is None:
        raise SystemExit(f"{requirements} no longer says which pip ansible-test wants")
    (cache / f"get_pip_{version[1].replace('.', '_')}.py").write_text(BOOTSTRAP)
    return home


def command(binaries: Path, tests: list[str]) -> list[str]:
    """The call of ansible-test for the core in this venv; without tests, every one of them runs."""
    version = subprocess.check_output(
        [binaries / "python", "-c", "import sys; print('{}.{}'.format(*sys.version_info))"], text=True
    ).strip()
    chosen = [word for name in tests for word in ("--test", name)]
    return [str(binaries / "ansible-test"), "sanity", "--venv", "--python", version, "--color", "no", *chosen]


def main(arguments: list[str]) -> int:
    """Run; `--second` takes the newest core instead of the oldest. Returns ansible-test's exit code."""
    second = "--second" in arguments
    binaries = SECOND / "bin" if second else BIN
    tree = clean_copy("sanity-second" if second else "sanity")
    settings = environment(HOME=str(prepare_home(binaries)))
    settings["PATH"] = f"{binaries}{os.pathsep}{settings['PATH']}"
    for name in ("PYTHONPATH", "ANSIBLE_COLLECTIONS_PATH"):
        settings.pop(name)
    tests = [word for word in arguments if word != "--second"]
    return subprocess.call(command(binaries, tests), cwd=tree, env=settings, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    os.nice(10)  # it fills a core for minutes while other tests run
    sys.exit(main(sys.argv[1:]))
