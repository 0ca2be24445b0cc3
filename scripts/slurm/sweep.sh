#!/bin/bash
# A sweep with one GPU per job and at most 8 jobs at once. Run it on the login node as often as you like:
# jobs that are finished or queued are skipped. Without comma-separated values it is a single run.
set -eu
wavspa-train -m hydra/launcher=slurm \
  hydra.launcher.partition=gpu \
  hydra.launcher.time=8:00:00 \
  hydra.launcher.memory=32G \
  hydra.launcher.cpus_per_task=4 \
  hydra.launcher.at_once=8 \
  "hydra.launcher.setup=[module load cuda]" \
  trainer=gpu dataset=lra/listops dataset.workers=3 \
  model/attention=softmax,performer model/wavelet=none,ada,ortho,lift seed=1,2,3 "$@"
