#!/usr/bin/env bash
# What dist_train.sh and dist_test.sh have in common:
#   _torchrun.sh GPUS TOOL [arguments of the tool]
set -euo pipefail
GPUS=$1 TOOL=$2
if ! [[ $GPUS =~ ^[1-9][0-9]*$ ]]; then
    echo "GPUS is '$GPUS': the number of processes on this machine is needed, 1 or more" >&2
    exit 2
fi
NNODES=${NNODES:-1}
if [ "$NNODES" = 1 ] && [ -z "${PORT:-}" ]; then
    # A free port of this machine, so that two runs don't meet.
    rendezvous=(--standalone)
else
    rendezvous=(
        --node_rank="${NODE_RANK:-0}"
        --master_addr="${MASTER_ADDR:-127.0.0.1}"
        --master_port="${PORT:-29500}"
    )
fi
# Each process gets its share of the cores.
CORES=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((CORES > GPUS ? CORES / GPUS : 1))}
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="$NNODES" --nproc_per_node="$GPUS" "${rendezvous[@]}" \
    "$(dirname "$0")/$TOOL" "${@:3}" --launcher pytorch
