#!/usr/bin/env bash
# What slurm_train.sh and slurm_test.sh have in common:
#   _srun.sh PARTITION JOB_NAME SCRIPT ARGUMENTS -- OPTIONS
# One task a machine, which starts the processes of that machine by torchrun:
# SCRIPT (dist_train.sh, dist_test.sh) is called with ARGUMENTS GPUS OPTIONS.
set -euo pipefail
PARTITION=$1 JOB_NAME=$2 SCRIPT=$3
shift 3
arguments=()
while [ "$1" != -- ]; do
    arguments+=("$1")
    shift
done
shift
GPUS=${GPUS:-8}
GPUS_PER_NODE=${GPUS_PER_NODE:-$((GPUS < 8 ? GPUS : 8))}
if ((GPUS % GPUS_PER_NODE)); then
    echo "GPUS=$GPUS is no multiple of GPUS_PER_NODE=$GPUS_PER_NODE" >&2
    exit 2
fi
export NNODES=$((GPUS / GPUS_PER_NODE))
GRES=${GRES-gpu:$GPUS_PER_NODE}
# Known only inside a task: the rank of its machine, and the first machine.
# shellcheck disable=SC2016
inside='
export NODE_RANK=${SLURM_NODEID:-0}
if [ "$NNODES" -gt 1 ]; then
    export MASTER_ADDR=${MASTER_ADDR:-$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)}
fi
exec "$@"
'
# shellcheck disable=SC2086
exec srun --partition="$PARTITION" --job-name="$JOB_NAME" \
    ${GRES:+--gres="$GRES"} \
    --nodes="$NNODES" --ntasks="$NNODES" --ntasks-per-node=1 \
    --cpus-per-task=$((${CPUS_PER_TASK:-5} * GPUS_PER_NODE)) \
    --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
    bash -c "$inside" bash \
    "$(dirname "$0")/$SCRIPT" "${arguments[@]}" "$GPUS_PER_NODE" "$@"
