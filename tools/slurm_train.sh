#!/usr/bin/env bash
# Train on a slurm cluster.
#
#   tools/slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [options of tools/train.py]
#
# Variables: GPUS in all (8), GPUS_PER_NODE (at most 8), CPUS_PER_TASK (5, a
# process), SRUN_ARGS (further options of srun), GRES (gpu:GPUS_PER_NODE; empty
# for a partition without GPUs), PORT and MASTER_ADDR (several machines).
set -euo pipefail
if [ $# -lt 4 ]; then
    echo "usage: $0 PARTITION JOB_NAME CONFIG WORK_DIR [options of tools/train.py]" >&2
    exit 2
fi
exec "$(dirname "$0")/_srun.sh" "$1" "$2" dist_train.sh "$3" -- --work-dir "$4" "${@:5}"
