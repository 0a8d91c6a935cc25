"""Writes docs/dependencies.md from what is installed: `python -m tests.docs_dependencies --write`."""

import json
import re
import sys
import tomllib
import urllib.request
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "dependencies.md"
HEAD = """# Dependencies

What `make install` installs, pinned with hashes in `requirements/runtime.txt`. Why each of our own choices is here
says [decisions.md](decisions.md); the others come with them. This page is made by
`python -m tests.docs_dependencies --write`, which asks pip's package index when each was last released. What had no
release for two years is looked at anew.

| package | version | licence | last release | here because of |
|---|---|---|---|---|
"""
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
_MARKED = re.compile(r"^([\w.-]+)==\S+ ; (.+?) \\$", re.MULTILINE)
_USUAL = {
    "python_version": "3.13",
    "python_full_version": "3.13.0",
    "sys_platform": "linux",
    "platform_system": "Linux",
}
"""What the page is for, wherever it is made."""
_ROW = re.compile(r"^\| ([\w.-]+) \|(?:[^|]*\|){2} ([0-9-]*) \|", re.MULTILINE)
_SHORT = {"MIT License": "MIT", "BSD License": "BSD", "Apache Software License": "Apache-2.0"}


@dataclass(frozen=True)
class Package:
    """One line of the page."""

    name: str
    version: str
    licence: str
    released: str
    because: str

    def row(self) -> str:
        """As Markdown."""
        return f"| {self.name} | {self.version} | {self.licence} | {self.released} | {self.because} |\n"


def page(released: dict[str, str]) -> str:
    """The whole page, with the dates of the last releases by name."""
    ours = {canonicalize_name(Requirement(text).name) for text in _project()["dependencies"]}
    pinned = (ROOT / "requirements" / "runtime.txt").read_text()
    pins = dict(_PIN.findall(pinned))
    elsewhere = {name for name, marker in _MARKED.findall(pinned) if not Marker(marker).evaluate(_USUAL)}
    here = {name: found for name in pins if name not in elsewhere and (found := licence(name))}
    wanted = {name: sorted(other for other in here if canonicalize_name(name) in needs(other)) for name in here}
    rows = [
        Package(
            name,
            pins[name],
            here[name],
            released.get(name, ""),
            "Threadline" if name in ours else ", ".join(wanted[name]),
        )
        for name in here
    ]
    others = sorted(pins.keys() - here.keys())
    tail = f"\nOn other systems or versions of Python only: {', '.join(others)}.\n" if others else ""
    return HEAD + "".join(one.row() for one in rows) + tail


def _project() -> dict[str, list[str]]:
    found: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return found


def licence(name: str) -> str:
    """The licence that an installed package names; empty where it is not installed on this system."""
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return ""
    classified = [one.rpartition(" :: ")[2] for one in told.get_all("Classifier") or () if one.startswith("License ::")]
    plain = (
        told["License-Expression"] or " or ".join(classified) or (told["License"] or "").partition("\n")[0]
    ).strip()
    return _SHORT.get(plain, plain) or "not told"


def needs(name: str) -> set[str]:
    """The packages that an installed one needs here, those of the extras that we ask for among them."""
    found = [Requirement(text) for text in requires(name) or ()]
    extras = ({"extra": ""}, {"extra": "async"})
    wanted = [one for one in found if one.marker is None or any(one.marker.evaluate(extra) for extra in extras)]
    return {canonicalize_name(one.name) for one in wanted}


def known() -> dict[str, str]:
    """The dates that the page has now."""
    return dict(_ROW.findall(PAGE.read_text())) if PAGE.exists() else {}


def asked(name: str) -> str:
    """When the last release of *name* was put into the package index that pip uses."""
    from pip._internal.models.index import PyPI

    request = urllib.request.Request(
        f"{PyPI.simple_url}/{name}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        files = json.load(answer)["files"]
    return date.fromisoformat(max(file["upload-time"] for file in files)[:10]).isoformat()


if __name__ == "__main__":
    if "--write" in sys.argv:
        names = [name for name, _ in _PIN.findall((ROOT / "requirements" / "runtime.txt").read_text()) if licence(name)]
        PAGE.write_text(page({name: asked(name) for name in names}))
    else:
        sys.stdout.write(page(known()))
