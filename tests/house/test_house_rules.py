"""The house keeps its own rules: sizes, names, docs that say what the code does."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from adapters import errors, registry
from adapters.contract import Capability
from bot.conversion.verdicts import TABLE
from bot.settings import parse
from tests import docs_dependencies, docs_settings

ROOT = Path(__file__).parents[2]
CODE = sorted(path for room in ("bot", "adapters", "tests", "bench") for path in (ROOT / room).rglob("*.py"))
TEXTS = [*CODE, *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *ROOT.glob("*.toml"), ROOT / "Makefile"]


def test_no_file_is_longer_than_450_lines():
    assert {} == {str(path): length for path in CODE if (length := len(path.read_text().splitlines())) > 450}


def test_every_product_module_says_in_its_first_line_what_it_is():
    silent = [
        str(path)
        for path in CODE
        if path.parts[len(ROOT.parts)] in {"bot", "adapters"} and not path.read_text().startswith('"""')
    ]

    assert [] == silent


def test_nothing_names_a_path_of_one_machine():
    pattern = re.compile(r"/(?:root|home/\w+|work/[a-z]+)/")

    assert [] == [str(path) for path in TEXTS if pattern.search(path.read_text())]


def test_s20_pins_have_hashes_and_no_addresses():
    for name in ("runtime", "dev", "build"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text()

        assert "http://" not in text
        assert "https://" not in text
        assert "--hash=sha256:" in text


def test_the_settings_page_says_what_the_code_says():
    assert docs_settings.page() == docs_settings.PAGE.read_text()


def test_the_page_of_dependencies_lists_what_is_pinned_with_licence_and_release():
    page, known = docs_dependencies.PAGE.read_text(), docs_dependencies.known()

    assert docs_dependencies.page(known) == page
    assert "not told" not in page
    assert all(known.values())


def test_the_example_settings_can_be_loaded():
    document = tomllib.loads((ROOT / "threadline.example.toml").read_text())

    settings = parse(document, {"WHMCS_IDENTIFIER": "x", "WHMCS_SECRET": "y"})

    assert ["helpdesk", "office"] == list(settings.desks)


@pytest.mark.parametrize("kind", registry.KINDS)
def test_every_kind_has_its_page_with_three_headings(kind):
    page = (ROOT / "docs" / "adapters" / f"{kind}.md").read_text()

    assert ["Settings", "What it can do", "Limitations and quirks"] == re.findall(r"^## (.+)$", page, re.MULTILINE)


def test_every_capability_is_claimed_by_a_desk():
    claimed = set().union(*(registry.load(kind).capabilities for kind in registry.KINDS))

    assert set() == set(Capability) - claimed


def test_every_adapter_error_descends_from_the_root_and_has_its_verdict():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]

    assert all(issubclass(kind, errors.AdapterError) for kind in kinds)
    assert {kind for kind in kinds if kind is not errors.AdapterError} <= set(TABLE)


def test_help_imports_neither_zeep_nor_httpx_nor_slack():
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom bot.cli import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "print(sorted({'zeep', 'httpx', 'slack_bolt', 'redis', 'lxml'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert "[]" == found.stdout.strip()


def test_one_desk_is_loaded_without_the_others():
    code = (
        "import sys\nfrom adapters import registry\nregistry.load('local')\n"
        "print(sorted({'zeep', 'httpx', 'lxml', 'adapters.whmcs'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert "[]" == found.stdout.strip()


def test_readme_names_every_command_of_the_makefile_that_people_need():
    readme = (ROOT / "README.md").read_text()

    assert all(f"make {target}" in readme for target in ("demo", "test", "demo-script"))


def test_every_link_in_the_docs_leads_to_a_file():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#]+)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert [] == broken
