#!/bin/bash
# A sweep with each job on the four GPUs of a node, or of two nodes with NODES=2. The batch size is the total
# over all devices, so it need not change.
set -eu
wavspa-train -m hydra/launcher=slurm \
  hydra.launcher.time=1-0 \
  hydra.launcher.cpus_per_task=8 \
  'hydra.launcher.sbatch=["--exclusive"]' \
  trainer=ddp trainer.devices=4 "trainer.num_nodes=${NODES:-1}" \
  dataset=lra/pathx model/wavelet=none,ortho "$@"
