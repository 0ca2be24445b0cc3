#!/bin/bash
# Self-pre-training compared with training from scratch, with the same total number of steps: STEPS from
# scratch, or half of them on masked tokens of the task's own train split and half on the task. Rerun it as
# often as you like: finished runs are skipped, interrupted ones resume. At the end it prints and writes the report.
#   STEPS=4000 SEEDS="1 2 3" DATA="listops_short digits" scripts/self_pretraining.sh model/attention=linear
set -eu
STEPS=${STEPS:-4000}
SEEDS=${SEEDS:-1 2 3}
DATA=${DATA:-listops_short digits}
RUNS=${RUNS:-runs/self_pretraining}

train() {
  wavspa-train "runs=$RUNS" model=tiny model.dim=64 model.mlp_dim=128 model.taps=8 optimizer.lr=2e-3 \
    schedule.warmup=0.1 "trainer.val_every=$((STEPS / 20 > 0 ? STEPS / 20 : 1))" "$@"
}

for seed in $SEEDS; do
  for data in $DATA; do
    half=$((STEPS / 2))
    train "dataset=$data" "seed=$seed" experiment_name=scratch "trainer.max_steps=$STEPS" "$@"
    train "dataset=$data" "seed=$seed" experiment_name=pretrained "name=$data-s$seed" task=masked \
      "trainer.max_steps=$half" "$@"
    train "dataset=$data" "seed=$seed" experiment_name=finetuned "init=$RUNS/pretrained/$data-s$seed" \
      "trainer.max_steps=$half" "$@"
  done
done
wavspa-report "$RUNS/scratch" "$RUNS/finetuned" rows=trainer.max_steps --mixed
