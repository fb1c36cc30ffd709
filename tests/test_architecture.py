"""The floors of the package, what a wheel holds, and what importing costs."""

import ast
import configparser
import graphlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PACKAGE = ROOT / "keras_3dmmstn"

# The rooms, each on a floor of its own: a file imports from its own room and from those above it
# in this list, so that no arrow goes up and none in a circle.
ROOMS = (
    "version",
    "command_process",
    "keras_backend",
    "keras_classes",
    "atomic_files",
    "folder_lock",
    "outside_files",
    "number_texts",
    "forked_process",
    "assets",
    "mesh",
    "ops",
    "layers",
    "network",
    "recognition",
    "inference",
    "drawing",
    "training",
    "export",
    "losses",  # the public names of what lies in `network`
    "reflection",
    "refinement",
    "__init__",
    "cli",
    "__main__",
)
# The rooms inside `training`, likewise; what lies there directly is the run, above all of them.
TRAINING_ROOMS = (
    "config",
    "fitting",
    "data",
    "turning",
    "evaluation",
    "recipes",
    "confidence",
    "the run",
)
EXTRAS = {
    "matplotlib",
    "trimesh",
    "tf2onnx",
    "onnx",
    "onnxruntime",
    "tensorflow_serving",
    "pillow_heif",
    "pyarrow",
    "huggingface_hub",
    "ray",
}


def source_files():
    for folder in (PACKAGE, ROOT / "training", ROOT / "export"):
        yield from sorted(folder.rglob("*.py"))  # it does not follow the links in the package


def room_of(path):
    """The room that a source file belongs to."""
    relative = path.relative_to(ROOT)
    if relative.parts[0] in ("training", "export"):
        return relative.parts[0]
    return relative.parts[1].removesuffix(".py")


def imports_of(path):
    """The modules that a file imports, wherever in it: (name, is at the top level)."""
    tree = ast.parse(path.read_text())
    top_level = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in top_level
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import siblings absolutely"
            if node.module == "keras_3dmmstn":
                for alias in node.names:
                    yield f"keras_3dmmstn.{alias.name}", id(node) in top_level
            else:
                yield node.module, id(node) in top_level


def test_every_file_has_a_room():
    assert {room_of(path) for path in source_files()} <= set(ROOMS)


@pytest.mark.parametrize("path", list(source_files()), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_from_its_room_or_a_lower_one(path):
    own = ROOMS.index(room_of(path))
    for name, _ in imports_of(path):
        parts = name.split(".")
        if parts[0] == "keras_3dmmstn" and len(parts) > 1:
            assert ROOMS.index(parts[1]) <= own, f"{path.name} imports {name} from a higher floor"


def module_of(path):
    """The name of a source file's module, or of its folder's where it is an `__init__.py`."""
    relative = path.relative_to(ROOT).with_suffix("")
    parts = relative.parts if relative.parts[0] == PACKAGE.name else (PACKAGE.name, *relative.parts)
    return ".".join(parts).removesuffix(".__init__")


def modules_imported(path, modules):
    """Those of `modules` that a file imports: of `from room import module`, the module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in modules else node.module


def training_room(module):
    """The place in `TRAINING_ROOMS` of a module such as `keras_3dmmstn.training.data.crops`."""
    room = [*module.split("."), ""][2]
    return TRAINING_ROOMS.index(room if room in TRAINING_ROOMS else "the run")


def test_a_file_in_training_imports_from_its_room_or_a_lower_one():
    for path in (ROOT / "training").rglob("*.py"):
        own = training_room(module_of(path))
        for name, _ in imports_of(path):
            if name.startswith("keras_3dmmstn.training."):
                assert training_room(name) <= own, f"{path} imports {name} from a higher floor"


def test_no_module_imports_itself_by_way_of_others():
    modules = {module_of(path): path for path in source_files()}
    imported = {
        module: {name for name in modules_imported(path, modules) if name in modules}
        for module, path in modules.items()
    }
    graphlib.TopologicalSorter(imported).prepare()  # its error names the modules of a circle


def test_meshes_know_nothing_of_tensorflow():
    for path in (PACKAGE / "mesh").rglob("*.py"):
        names = {name.split(".")[0] for name, _ in imports_of(path)}
        assert not names & {"tensorflow", "keras"}, path


def test_ops_know_nothing_of_keras():
    for path in (PACKAGE / "ops").rglob("*.py"):
        assert "keras" not in {name.split(".")[0] for name, _ in imports_of(path)}, path


def test_extras_are_imported_only_inside_functions():
    for path in source_files():
        for name, at_top_level in imports_of(path):
            if name.split(".")[0] in EXTRAS:
                assert not at_top_level, f"{path}: {name}"


def test_no_class_is_registered_with_keras_outside_the_package_folder():
    for folder in ("training", "export"):
        for path in (ROOT / folder).rglob("*.py"):
            assert "register_keras_serializable" not in path.read_text(), path


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_of_the_tests_only_what_is_in_support_is_imported(path):
    for name, _ in imports_of(path):
        assert name.split(".")[0] != "tests" or name.startswith("tests.support"), f"{path}: {name}"


def test_setup_lists_every_package():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    found |= {
        "keras_3dmmstn." + ".".join(path.parent.relative_to(ROOT).parts)
        for folder in ("training", "export")
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert listed == found


def test_importing_the_package_imports_no_extra():
    code = (
        "import sys, tensorflow, keras, scipy, igl, cv2, typer, rich\n"
        "before = set(sys.modules)  # Keras imports matplotlib where it is installed\n"
        "import keras_3dmmstn, keras_3dmmstn.cli\n"
        f"print(sorted({{m.split('.')[0] for m in set(sys.modules) - before}} & {EXTRAS!r}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def checkout_without_links(tmp_path_factory):
    """The tree as Git lays it where there are no symbolic links: their targets as text."""
    folder = tmp_path_factory.mktemp("checkout")
    for source in (ROOT / "training", ROOT / "export"):
        shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    ignored = shutil.ignore_patterns("__pycache__", "training", "export")
    shutil.copytree(PACKAGE, folder / PACKAGE.name, ignore=ignored)
    for name in ("training", "export"):
        (folder / PACKAGE.name / name).write_text(f"../{name}")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(checkout_without_links, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    # By way of the source distribution, which has to hold everything, too.
    command = [sys.executable, "-m", "build", "--outdir", folder, checkout_without_links]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def test_the_links_make_the_checkout_look_like_what_is_installed():
    for name in ("training", "export"):
        assert (PACKAGE / name).readlink() == Path("..") / name


def test_editors_find_what_is_imported_from_training_and_export():
    jedi = pytest.importorskip("jedi", reason="jedi is not installed")
    checkout = jedi.Project(ROOT, sys_path=[str(ROOT)])
    for module, name in (("training.train", "train"), ("export.onnx", "export_onnx")):
        line = f"from keras_3dmmstn.{module} import {name}"
        (found,) = jedi.Script(line, project=checkout).goto(1, len(line), follow_imports=True)
        assert found.description == f"def {name}"
        assert Path(found.module_path).resolve() == ROOT / f"{module.replace('.', '/')}.py"


@pytest.mark.slow
def test_the_wheel_holds_the_tree_and_no_other_top_level_name(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert {name.split("/")[0] for name in names} == {"keras_3dmmstn"}

    in_tree = {str(path.relative_to(ROOT)) for path in PACKAGE.rglob("*.py")}
    for folder in ("training", "export"):
        files = (ROOT / folder).rglob("*.py")
        in_tree |= {f"keras_3dmmstn/{path.relative_to(ROOT)}" for path in files}
    assert {name for name in names if name.endswith(".py")} == in_tree
    assets = [path for path in (PACKAGE / "assets").iterdir() if path.is_file()]
    assert {f"keras_3dmmstn/assets/{path.name}" for path in assets} <= names
    assert "keras_3dmmstn/py.typed" in names
    page = (ROOT / "export" / "web" / "page").rglob("*.*")
    assert {f"keras_3dmmstn/{path.relative_to(ROOT)}" for path in page} <= names
    assert wheel.stat().st_size < 12e6


@pytest.mark.slow
def test_the_wheel_works_from_outside_the_tree(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        "import sys; sys.path.insert(0, 'site')\n"
        "import keras_3dmmstn, keras_3dmmstn.training.train\n"
        "from keras_3dmmstn.inference.normaliser import Normaliser\n"
        "print(keras_3dmmstn.__file__, Normaliser.pretrained().grid_model.grid_shape)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert str(tmp_path / "site") in run.stdout and "(112, 112)" in run.stdout
