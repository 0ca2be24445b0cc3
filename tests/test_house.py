"""The rules of the house: which part may import which, and that packaging lists every part."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Who may import whom, inside wavspa. Every part may import the leaves.
LEAVES = {
    "backend",
    "compiled",
    "errors",
    "git_commit",
    "plugins",
    "registry",
    "atomic",
    "checks",
    "config_options",
    "locks",
    "metric_facts",
    "ranks",
    "reporting",
    "tracing",
}
ALLOWED = {
    "run_folder": set(),
    "wavelets": set(),
    "attention": set(),
    "models": {"wavelets", "attention"},
    "data": set(),
    "training": {"models", "run_folder", "wavelets"},
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
# Inside a part: which of its rooms may import which ("" is the part's own modules). Modules of a part may
# import any of its rooms; a room that is not listed may import no other.
ROOMS = {
    "data": {
        "codexglue": {"", "loading", "preparation", "seq2seq", "sources"},
        "d2a": {"", "preparation", "sources"},
        "lra": {"", "loading", "preparation", "sources"},
        "loading": {"preparation"},
        "seq2seq": {"", "loading", "preparation", "sources", "targets"},
        "series": {"", "loading", "preparation", "sources", "targets"},
        "tagging": {"", "loading", "preparation", "sources", "targets"},
        "targets": {"", "loading", "preparation"},
    },
    "exports": {"model_card": {""}},
    "launching": {
        "plugins": {"", "search", "slurm", "sweeps"},
        "presets": set(),
        "answers": set(),
        "run": {"answers", "init", "options", "presets", "record"},
        "record": set(),
        "search": {"", "run", "sweeps"},
        "slurm": {"", "run"},
        "sweeps": {"", "run", "trial"},
        "trial": {"init", "options", "run"},
        "analysis": {"run"},
        "decisions": {"run"},
        "inference": {"answers", "decisions", "run"},
    },
    "models": {"seq2seq": {""}, "upstream": {""}},
    "reports": {
        "formats": {"", "runs", "scores", "tables", "figures"},
        "tables": {"", "runs"},
        "figures": {"runs"},
        "runs": {"", "scores"},
    },
    "training": {
        "callbacks": {"", "loggers"},
        "checkpoints": {""},
        "optimizers": set(),
        "profiling": {""},
    },
    "tasks": {"targets": {""}},
    "wavelets": {"operators": {""}},
}
MOST_MODULES = 15
FEWEST_LINES = 30
# Modules that are short, and why.
SHORT = {
    "wavelets/options.py": "the home of its defaults",
    "commands/train.py": "a command is thin",
    "reports/formats/csv.py": "a format; what its columns are stands with those of the others",
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
            whole = node.module != "wavspa"
            names |= {node.module} if whole else {f"wavspa.{alias.name}" for alias in node.names}
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


@pytest.mark.parametrize("part", ALLOWED)
def test_rooms_of_a_part_keep_their_order(part):
    for path in modules(part):
        here = path.relative_to(ROOT / "wavspa" / part)
        room = here.parts[0] if len(here.parts) > 1 else ""
        for name in imports(path):
            words = name.split(".")
            if words[:2] != ["wavspa", part] or not room:
                continue
            inner = words[2] if len(words) > 2 else ""
            target = inner if (ROOT / "wavspa" / part / inner).is_dir() else ""
            legal = ROOMS.get(part, {}).get(room, set()) | {room}
            assert target in legal, f"{path} imports {name}"


def test_rooms_are_not_crowded_nor_modules_tiny():
    folders = {path.parent for path in (ROOT / "wavspa").rglob("*.py")}
    crowded = {f for f in folders if len(list(f.glob("*.py"))) > MOST_MODULES}
    assert not crowded
    tiny = {
        path.relative_to(ROOT / "wavspa").as_posix()
        for path in (ROOT / "wavspa").rglob("*.py")
        if path.name != "__init__.py" and len(path.read_text().splitlines()) < FEWEST_LINES
    }
    assert tiny == set(SHORT)


def test_every_part_has_its_rule():
    parts = {p.name for p in (ROOT / "wavspa").iterdir() if (p / "__init__.py").exists()}
    assert parts == set(ALLOWED)


def test_only_loaders_know_lightning():
    knowing = {p.name for p in modules("data") if "pytorch_lightning" in imports(p)}
    assert knowing == {"loaders.py"}


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
