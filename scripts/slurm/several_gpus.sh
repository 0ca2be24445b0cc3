#!/bin/bash
# A sweep, each job on the four GPUs of a node; with NODES=2 on those of two. The batch size is that of all
# devices together, so it need not change.
set -eu
wavspa-train -m hydra/launcher=slurm \
  hydra.launcher.time=1-0 \
  hydra.launcher.cpus_per_task=8 \
  'hydra.launcher.sbatch=["--exclusive"]' \
  trainer=ddp trainer.devices=4 "trainer.num_nodes=${NODES:-1}" \
  dataset=lra/pathx model/wavelet=none,ortho "$@"
