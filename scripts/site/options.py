"""Write docs/reference/all_options.md from conf/: every file in every group, every key and its meaning.

python scripts/site/options.py
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from wavspa.launching.options.conf_files import ConfigFile, Key, read_files
from wavspa.launching.options.meanings import meanings_of
from wavspa.launching.presets.listing import listing

PAGE = Path(__file__).parents[2] / "docs/reference/all_options.md"
INTRODUCTION = """# All options

<!-- Written by `make options` from conf/ and docstrings: change those. -->

After this page you know the name, default and meaning of every option. `group=file` chooses a file of
`conf/`, `key=value` sets a key; [options](../guide/options.md) explains how they are composed. `???` has no
default and must be given; `${…}` takes the value of another key.
"""
# A default that is shared by more files than this is shown without their names.
FEW = 4
EXPERIMENT = "experiment"


def options_page() -> str:
    """Markdown of all groups, ``train.yaml`` first."""
    files = read_files()
    meanings = meanings_of(files)
    # Experiments come last, as they have many presets.
    groups = sorted({file.group for file in files}, key=lambda group: (group == EXPERIMENT, group))
    links = " · ".join(f"[{_title(group)}](#{_anchor(group)})" for group in groups)
    sections = (_section(group, files, meanings) for group in groups)
    return "\n".join([INTRODUCTION, links, "", *sections])


def _title(group: str) -> str:
    return group or "Every run"


def _anchor(group: str) -> str:
    return _title(group).lower().replace(" ", "-").replace("/", "")


def _section(group: str, files: Sequence[ConfigFile], meanings: Mapping[Key, str]) -> str:
    own = [file for file in files if file.group == group]
    lines = [f"## {_title(group)}", ""]
    if group:
        lines += [f"| `{group}=` | what it is | brings |", "| --- | --- | --- |"]
        lines += [_file_row(file) for file in own]
        lines.append("")
    if group == EXPERIMENT:
        lines += [
            "Presets of the paper's released configurations, each also below `paper/as_published/`:"
        ]
        lines += ["", listing(), ""]
    if any(file.keys for file in own):
        lines += ["| key | default | meaning |", "| --- | --- | --- |"]
        lines += _key_rows(own, meanings)
        lines.append("")
    return "\n".join(lines)


def _file_row(file: ConfigFile) -> str:
    brings = [f"all of `{name}`" for name in file.inherits]
    brings += [f"`{choice}`" for choice in file.chooses]
    return f"| `{file.name}` | {_cell(file.purpose)} | {', '.join(brings)} |"


def _key_rows(files: Sequence[ConfigFile], meanings: Mapping[Key, str]) -> Iterator[str]:
    """A row for each key and meaning, which names the files if they differ in defaults or meanings."""
    rows: dict[str, dict[str, dict[str, list[str]]]] = {}
    for file in files:
        for key in file.keys:
            defaults = rows.setdefault(key.name, {}).setdefault(meanings[key], {})
            defaults.setdefault(key.value, []).append(file.name)
    roots = {file.name for file in files if not file.inherits}
    for name, by_meaning in rows.items():
        for meaning, defaults in by_meaning.items():
            usual = max(defaults.values(), key=len)
            if len(by_meaning) == len(defaults) == 1 and roots <= set(usual):
                cells = map(_value, defaults)
            else:
                most = len(by_meaning) == 1 < len(defaults) and len(usual) > FEW
                cells = (
                    f"{_value(value)} ({'else' if most and names is usual else ', '.join(names)})"
                    for value, names in defaults.items()
                )
            yield f"| `{name}` | {'<br>'.join(cells)} | {_cell(meaning)} |"


def _value(value: str) -> str:
    return f"`{value}`" if value else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(options_page())
