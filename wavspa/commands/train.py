"""``wavspa-train``: compose a run, or a sweep of them, freeze it and start it."""

from wavspa.commands.entry_point import command
from wavspa.launching.subprocesses import reexec_with_run_environment


@command
def main() -> None:
    """Run the command."""
    reexec_with_run_environment("wavspa.commands.train")
    # Imported by the process that stays: it takes seconds.
    from wavspa.commands.compose import train

    train()


if __name__ == "__main__":
    main()
