"""The page of options, from conf/: every file of every group, every key with its default and its meaning."""

from collections.abc import Iterator, Mapping, Sequence

from conf_files import ConfigFile, Key, read_files
from meanings import meanings_of
from wavspa.launching.presets.listing import listing

MARKER = "<!-- the options -->"
# A default that more files than these share is told as what the others have.
FEW = 4
EXPERIMENT = "experiment"


def options_page() -> str:
    """Markdown of all groups, ``train.yaml`` first."""
    files = read_files()
    meanings = meanings_of(files)
    groups = dict.fromkeys(file.group for file in files)
    return "\n".join(_section(group, files, meanings) for group in sorted(groups))


def _section(group: str, files: Sequence[ConfigFile], meanings: Mapping[Key, str]) -> str:
    own = [file for file in files if file.group == group]
    lines = [f"## {group or 'Of every run'}", ""]
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
    """A row for each key and meaning; where files differ in them, it names the files."""
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
