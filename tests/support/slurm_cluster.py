"""A SLURM of two nodes, both this machine: its own configuration, ports, key and folders, gone at its end."""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from support.ports import free_ports
from support.waiting import until

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue", "scancel")

NODES = ("one", "two")
# More processors than there may be, so that jobs which wait for something do so side by side.
CPUS = 8
GPUS = 8  # files that stand in for devices: jobs that ask for them can be checked, not run

CONFIGURATION = """\
ClusterName=wavspa
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
FirstJobId={first_job}
AuthType=auth/munge
# A requeued job may start again when its old credential has expired (the default is 120 seconds).
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
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
# Seconds for which an ended job can still be asked after.
MinJobAge=3600
# Seconds between SIGTERM and SIGKILL.
KillWait=10
SlurmdTimeout=6
SchedulerParameters=sched_interval=2,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
NodeName=DEFAULT CPUs={cpus} Gres=gpu:{gpus} State=UNKNOWN
NodeName=one NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]}
NodeName=two NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]}
PartitionName=DEFAULT Nodes=one,two PriorityTier=1 State=UP
PartitionName=debug Default=YES
PartitionName=patient GraceTime=60
PartitionName=urgent PriorityTier=2 PreemptMode=OFF
"""


def unavailable() -> str | None:
    """Why no SLURM can be started here, if none can."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} not found: apt-get install slurm-wlm munge"
    return None if os.geteuid() == 0 else "only root can start SLURM"


class NotStarted(RuntimeError):
    """SLURM's daemons do not come up on this machine; the message holds their last words."""


class Cluster:
    """The running daemons; a context manager that ends them and what they started."""

    def __enter__(self) -> "Cluster":
        try:
            self._open()
        except (AssertionError, OSError) as error:
            raise NotStarted(f"{error}\n{self._last_words()}") from error
        return self

    def _open(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-"))
        self.folder.chmod(0o755)
        (self.folder / "state").mkdir()
        (self.folder / "munge.key").write_bytes(os.urandom(128))
        (self.folder / "munge.key").chmod(0o400)
        for number in range(GPUS):
            (self.folder / f"gpu{number}").touch()
        (self.folder / "gres.conf").write_text(f"Name=gpu File={self.folder}/gpu[0-{GPUS - 1}]\n")
        text = CONFIGURATION.format(
            host=socket.gethostname(),
            folder=self.folder,
            ports=free_ports(1 + len(NODES)),
            # Its last digits are the port that ranks meet on, here and in other clusters on this machine.
            first_job=random.SystemRandom().randrange(1, 9000),
            cpus=CPUS,
            gpus=GPUS,
        )
        (self.folder / "slurm.conf").write_text(text)
        self.environment = {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}
        self._start("munged", "munged", "--foreground", "--force", *self._munge_files())
        until(lambda: (self.folder / "munge.socket").exists(), "munged opens its socket")
        self._start("slurmctld", "slurmctld", "-D")
        self.start_nodes()

    def _last_words(self) -> str:
        for daemon in self.daemons.values():
            daemon.kill()
        logs = [*sorted(self.folder.glob("*.log")), *sorted(self.folder.glob("*.out"))]
        return "\n".join(f"{log.name}: {log.read_text()[-500:]}" for log in logs)

    def __exit__(self, *_: object) -> None:
        self.ask("scancel", "--user=root")
        self.crash_nodes()
        for name in ("slurmctld", "munged"):
            self.daemons[name].terminate()
            self.daemons[name].wait(30)
        shutil.rmtree(self.folder)

    def start_nodes(self) -> None:
        """Start a slurmd for each node and wait until they take jobs."""
        for node in NODES:
            self._start(node, "slurmd", "-D", "-N", node)
        until(self._are_up, "the nodes are up")

    def crash_nodes(self) -> None:
        """Kill the slurmds and all that they started, as nodes do that fail."""
        self.stop_slurmds()
        for process in Path("/proc").glob("[0-9]*"):
            if self._is_of_a_job(process):
                os.kill(int(process.name), signal.SIGKILL)

    def stop_slurmds(self) -> None:
        """Kill the slurmds alone; the jobs go on."""
        for node in NODES:
            self.daemons[node].kill()
            self.daemons[node].wait()

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

    def _are_up(self) -> bool:
        states = self.ask(
            "sinfo", "--noheader", "--Node", "--format=%t", "--partition=debug"
        ).split()
        return len(states) == len(NODES) and set(states) <= {"idle", "mix", "alloc"}

    def _start(self, name: str, *command: str) -> None:
        log = (self.folder / f"{name}.out").open("ab")
        # Should the tests be killed, their daemons end as well.
        command = ("setpriv", "--pdeathsig", "TERM", *command)
        self.daemons[name] = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)

    def _munge_files(self) -> list[str]:
        names = {"socket": "munge.socket", "key-file": "munge.key", "log-file": "munged.log"}
        names |= {"pid-file": "munged.pid", "seed-file": "munged.seed"}
        return [f"--{option}={self.folder / name}" for option, name in names.items()]
