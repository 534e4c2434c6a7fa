#!/bin/bash
# Trains a recipe on two nodes with Slurm: sbatch slurm.sh [RECIPE]
# Submit it in a folder that all nodes see, with the recipe, its data and model, after `npm install scalora` and
# `npx scalora setup` there (the cache is in $XDG_CACHE_HOME or ~/.cache: all nodes must see it too).
# Submitted again, it goes on from the last checkpoint.

#SBATCH --job-name=scalora
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --cpus-per-task=8
#SBATCH --time=12:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log

set -eu

# Two minutes before its time is over the job gets SIGTERM: each rank ends after its step, and rank 0 saves a checkpoint.
run=runs/cluster
if [ -e "$run/config.yaml" ]; then
  arguments=(--resume "$run")
else
  arguments=("${1:-recipe.yaml}" --set run.folder=runs --set run.name=cluster)
fi

# srun starts a rank in each task, and ends all when one fails. It does not take the cores of a task from sbatch. A signal reaches a
# task's own process first, and npx would not pass it on.
export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK
srun --cpus-per-task="$SLURM_CPUS_PER_TASK" --kill-on-bad-exit=1 node_modules/.bin/scalora train "${arguments[@]}"
