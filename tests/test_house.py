"""The rules of the house: which part may import which, and that packaging lists every part."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Who may import whom, inside wavspa. Every part may import the leaves wavspa.errors and wavspa.atomic.
LEAVES = {"errors", "atomic"}
ALLOWED = {
    "run_folder": set(),
    "wavelets": set(),
    "attention": set(),
    "models": {"wavelets", "attention"},
    "data": set(),
    "training": {"models", "run_folder"},
    "tasks": {"training", "models", "data"},
    "reports": {"training", "run_folder"},
    "exports": {"training", "models", "data", "reports", "run_folder"},
    "launching": {"training", "tasks", "reports", "data", "models", "run_folder"},
    "commands": {
        "launching",
        "exports",
        "reports",
        "training",
        "tasks",
        "data",
        "models",
        "run_folder",
    },
}
# Outside packages that a part must not know.
FORBIDDEN = {
    "wavelets": {"pytorch_lightning", "hydra", "omegaconf", "datasets"},
    "attention": {"pytorch_lightning", "hydra", "omegaconf", "datasets", "pywt"},
    "models": {"pytorch_lightning", "hydra", "omegaconf", "datasets"},
    "data": {"hydra", "omegaconf"},
}


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports anywhere."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names.add(node.module)
    return names


def modules(part: str) -> list[Path]:
    return sorted((ROOT / "wavspa" / part).rglob("*.py"))


@pytest.mark.parametrize("part", ALLOWED)
def test_arrows_run_one_way(part):
    files = modules(part)
    assert files
    for path in files:
        for name in imports(path):
            package, _, rest = name.partition(".")
            if package == "wavspa":
                target = rest.partition(".")[0] or "wavspa"
                assert target in ALLOWED[part] | LEAVES | {part}, f"{path} imports {name}"
            assert package not in FORBIDDEN.get(part, ()), f"{path} imports {name}"


def test_every_part_has_its_rule():
    parts = {p.name for p in (ROOT / "wavspa").iterdir() if (p / "__init__.py").exists()}
    assert parts == set(ALLOWED)


def test_only_data_modules_know_lightning():
    knowing = {p.name for p in modules("data") if "pytorch_lightning" in imports(p)}
    assert knowing == {"datamodule.py"}


def test_one_place_instantiates():
    using = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "wavspa").rglob("*.py")
        if "instantiate" in path.read_text() and "hydra.utils" in path.read_text()
    }
    assert using == {"wavspa/training/instantiate.py"}


def test_packaging_lists_every_package():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {
        ".".join(init.parent.relative_to(ROOT).parts)
        for init in (ROOT / "wavspa").rglob("__init__.py")
    }
    found -= {"wavspa.launching.plugins"}  # installed as hydra_plugins.wavspa
    assert set(listed) == found | {"wavspa.conf", "hydra_plugins.wavspa"}


def test_the_library_imports_light():
    heavy = [
        "torch",
        "pytorch_lightning",
        "hydra",
        "omegaconf",
        "datasets",
        "wandb",
        "sklearn",
        "matplotlib",
        "numba",
        "pandas",
    ]
    program = f"import sys, wavspa; print([m for m in {heavy} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_files_stay_short():
    long = [
        f"{path.relative_to(ROOT)}: {count} lines"
        for folder in ("wavspa", "tests", "benchmarks", "scripts")
        for path in (ROOT / folder).rglob("*.py")
        if (count := len(path.read_text().splitlines())) > 400
    ]
    assert not long
