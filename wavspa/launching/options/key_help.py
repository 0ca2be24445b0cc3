"""``wavspa-train --help KEY``: the default, the meaning and the file of a key, or the options of a group."""

from collections.abc import Iterator, Sequence

from wavspa.config_options import did_you_mean
from wavspa.errors import UserError
from wavspa.launching.options.conf_files import ConfigFile, read_files

_HELP = ("--help", "-h")


def keys_asked(words: Sequence[str]) -> list[str]:
    """The keys and groups that ``--help`` is asked about; empty if there is no ``--help``, or nothing else.

    Args:
        words: The words of the command line.
    """
    if not any(word in _HELP for word in words):
        return []
    return [word for word in words if not word.startswith("-") and "=" not in word]


def explain_key(name: str) -> str:
    """Describe a key or a group, as lines of text.

    Args:
        name: A dotted key, such as ``optimizer.lr``, or a group, such as ``model/attention``.

    Raises:
        UserError: There is no such key or group.
    """
    files = read_files()
    lines = [*_key(name, files), *_group(name, files)]
    if not lines:
        known = [key.name for file in files for key in file.keys]
        hint = did_you_mean(name, [*known, *(file.group for file in files)])
        raise UserError(f"there is no option {name!r}{hint}")
    return "\n".join([name, *lines])


def _key(name: str, files: Sequence[ConfigFile]) -> Iterator[str]:
    """For each meaning: its text, then each default and the files that set it."""
    # Imported here: meanings need torch, and a group has none.
    from wavspa.launching.options.meanings import meanings_of

    meanings = meanings_of(files)
    found: dict[str, dict[str, list[str]]] = {}
    for key in (key for file in files for key in file.keys if key.name == name):
        found.setdefault(meanings[key], {}).setdefault(key.value, []).append(key.file)
    for meaning, defaults in found.items():
        yield f"  meaning  {meaning}"
        for value, places in defaults.items():
            yield f"  default  {value}  ({', '.join(f'conf/{place}.yaml' for place in places)})"


def _group(name: str, files: Sequence[ConfigFile]) -> Iterator[str]:
    own = [file for file in files if file.group == name] if name else []
    width = max((len(file.name) for file in own), default=0)
    for file in own:
        yield f"  {file.name.ljust(width)}  {file.purpose}"
