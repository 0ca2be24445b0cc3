"""A SLURM of one node on this machine: its own configuration, ports, key and folders, gone when it stops."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue", "scancel")

# More processors than there may be, so that jobs which wait for something do so side by side.
CPUS = 8

CONFIGURATION = """\
ClusterName=wavspa
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
# A requeued job may start again when its old credential has expired (the default is 120 seconds).
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
JobRequeue=1
# Seconds between SIGTERM and SIGKILL.
KillWait=10
SlurmdTimeout=6
SchedulerParameters=sched_interval=2,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=debug Nodes={host} Default=YES PriorityTier=1 State=UP
PartitionName=patient Nodes={host} PriorityTier=1 GraceTime=60 State=UP
PartitionName=urgent Nodes={host} PriorityTier=2 PreemptMode=OFF State=UP
"""


def unavailable() -> str | None:
    """Why no SLURM can be started here, if none can."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} not found: apt-get install slurm-wlm munge"
    return None if os.geteuid() == 0 else "only root can start SLURM"


class Cluster:
    """The running daemons; a context manager that ends them and what they started."""

    def __enter__(self) -> "Cluster":
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-"))
        self.folder.chmod(0o755)
        (self.folder / "state").mkdir()
        (self.folder / "spool").mkdir()
        (self.folder / "munge.key").write_bytes(os.urandom(128))
        (self.folder / "munge.key").chmod(0o400)
        self.host = socket.gethostname()
        ports = _free_ports(2)
        (self.folder / "slurm.conf").write_text(
            CONFIGURATION.format(
                host=self.host,
                folder=self.folder,
                controller_port=ports[0],
                node_port=ports[1],
                cpus=CPUS,
            )
        )
        self.environment = {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}
        self._start("munged", "--foreground", "--force", *self._munge_files())
        until(lambda: (self.folder / "munge.socket").exists(), "munged opens its socket")
        self._start("slurmctld", "-D")
        self.start_node()
        return self

    def __exit__(self, *_: object) -> None:
        self.ask("scancel", "--user=root")
        self.crash_node()
        for name in ("slurmctld", "munged"):
            self.daemons[name].terminate()
            self.daemons[name].wait(30)
        shutil.rmtree(self.folder)

    def start_node(self) -> None:
        """Start slurmd and wait until its node takes jobs."""
        self._start("slurmd", "-D")
        until(lambda: self.node_state() in ("idle", "mix", "alloc"), "the node is up")

    def crash_node(self) -> None:
        """Kill slurmd and all that it started, as a node does that fails."""
        self.stop_slurmd()
        for process in Path("/proc").glob("[0-9]*"):
            if self._is_of_a_job(process):
                os.kill(int(process.name), signal.SIGKILL)

    def stop_slurmd(self) -> None:
        """Kill slurmd alone; the jobs go on."""
        self.daemons["slurmd"].kill()
        self.daemons["slurmd"].wait()

    def node_state(self) -> str:
        """The node's state in SLURM's words."""
        return self.ask("sinfo", "--noheader", "--format=%t", "--partition=debug")

    def ask(self, *command: str) -> str:
        """What a command of SLURM's prints, empty if it fails."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        return done.stdout.strip()

    def _is_of_a_job(self, process: Path) -> bool:
        try:
            environment = (process / "environ").read_bytes().split(b"\0")
            name = (process / "comm").read_text().strip()
        except OSError:
            return False  # it has ended
        ours = f"SLURM_CONF={self.folder}/slurm.conf".encode() in environment
        in_job = any(word.startswith(b"SLURM_JOB_ID=") for word in environment)
        return ours and (in_job or name == "slurmstepd")

    def _start(self, *command: str) -> None:
        log = (self.folder / f"{command[0]}.out").open("ab")
        self.daemons[command[0]] = subprocess.Popen(
            command, env=self.environment, stdout=log, stderr=log
        )

    def _munge_files(self) -> list[str]:
        names = {"socket": "munge.socket", "key-file": "munge.key", "log-file": "munged.log"}
        names |= {"pid-file": "munged.pid", "seed-file": "munged.seed"}
        return [f"--{option}={self.folder / name}" for option, name in names.items()]


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def until(happened: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Wait until something has happened."""
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} seconds in vain until {what}")
        time.sleep(0.1)
