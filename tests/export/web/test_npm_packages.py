"""The page's packages: fetched by npm, copied, and what is said where that fails."""

import json
import os
import re
from pathlib import Path

import pytest

from keras_3dmmstn.export.web import npm_packages
from keras_3dmmstn.export.web.npm_packages import FILES, copy_packages, fetch_packages
from tests.support.browsers import PAGE, write_packages


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """Puts a script in the place of npm."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def put(script):
        path = folder / "npm"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin{os.pathsep}/usr/bin")
    monkeypatch.setattr(npm_packages.shutil, "which", lambda name: str(folder / name))
    return put


def test_npm_installs_what_the_lock_names(npm, tmp_path):
    npm('mkdir node_modules; echo "$@" > node_modules/arguments; ls > node_modules/files')
    packages = fetch_packages(PAGE, tmp_path / "packages")
    assert packages == tmp_path / "packages" / "node_modules"
    assert (packages / "arguments").read_text().startswith("ci --ignore-scripts")
    assert {"package.json", "package-lock.json"} <= set((packages / "files").read_text().split())


def test_without_npm_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(npm_packages.shutil, "which", lambda name: None)
    with pytest.raises(OSError, match=r"there is no npm: install Node\.js, or give --packages"):
        fetch_packages(PAGE, tmp_path / "packages")
    assert not (tmp_path / "packages").exists()


def test_what_npm_says_is_passed_on(npm, tmp_path):
    npm("echo 'npm error network is down' >&2; exit 1")
    with pytest.raises(OSError, match=r"(?s)could not fetch.*--packages.*network is down"):
        fetch_packages(PAGE, tmp_path / "packages")


def test_an_npm_that_never_ends_is_given_up(npm, tmp_path, monkeypatch):
    npm("exec sleep 60")
    monkeypatch.setattr(npm_packages, "_LONGEST", 0.1)
    with pytest.raises(OSError, match="did not fetch the page's packages in"):
        fetch_packages(PAGE, tmp_path / "packages")


def test_files_are_copied_to_where_the_page_looks(tmp_path):
    packages = write_packages(tmp_path / "node_modules")
    versions = copy_packages(PAGE, packages, tmp_path / "site")
    assert versions["@litertjs/core"] == "2.5.3"
    for source, target in FILES.items():
        assert (tmp_path / "site" / target).read_text() == source


def test_a_missing_package_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no .*@litertjs.core.package\.json"):
        copy_packages(PAGE, tmp_path, tmp_path / "site")


def test_a_missing_file_is_named(tmp_path):
    packages = write_packages(tmp_path / "node_modules")
    (packages / "three" / "LICENSE").unlink()
    with pytest.raises(FileNotFoundError, match=r"there is no .*three.LICENSE"):
        copy_packages(PAGE, packages, tmp_path / "site")


def test_another_version_is_refused(tmp_path):
    packages = write_packages(tmp_path / "node_modules")
    (packages / "three" / "package.json").write_text('{"version": "0.1.0"}')
    with pytest.raises(ValueError, match=r"three: expected version 0\.187\.0, received 0\.1\.0"):
        copy_packages(PAGE, packages, tmp_path / "site")


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_damaged_package_is_named(tmp_path, text):
    packages = write_packages(tmp_path / "node_modules")
    (packages / "three" / "package.json").write_text(text)
    with pytest.raises(ValueError, match="expected the description of a package"):
        copy_packages(PAGE, packages, tmp_path / "site")


def test_the_lock_names_the_versions_and_no_server():
    wanted = json.loads((PAGE / "package.json").read_text())["dependencies"]
    text = (PAGE / "package-lock.json").read_text()
    locked = json.loads(text)["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all(package["integrity"] for name, package in locked.items() if name)
    assert "://" not in text


def test_all_that_scripts_import_is_there():
    """Every import of the page's own scripts leads to one of them, or to a package."""
    modules = re.search(r'"imports": ({.*?})', (PAGE / "index.html").read_text())[1]
    known = json.loads(modules)
    assert {path.removeprefix("./") for path in known.values()} <= {
        *FILES.values(),
        "vendor/three/addons/",
    }
    for script in (PAGE / "js").iterdir():
        for target in re.findall(r'^(?:import|} from).*"(.+)";$', script.read_text(), re.MULTILINE):
            if target.startswith("./"):
                assert (script.parent / target).is_file(), f"{script.name}: {target}"
            elif target not in known:
                addon = Path("vendor") / target
                assert addon.as_posix() in FILES.values(), f"{script.name}: {target}"
