#!/usr/bin/env bash
# Train with several processes: one per GPU, or any number on the CPU.
#
#   tools/dist_train.sh CONFIG GPUS [options of tools/train.py]
#
# Several machines: call it on each, with NNODES, NODE_RANK (0 to NNODES - 1),
# MASTER_ADDR (address of the machine of rank 0) and PORT.
# PYTHON chooses the interpreter (default: python).
set -euo pipefail
if [ $# -lt 2 ]; then
    echo "usage: $0 CONFIG GPUS [options of tools/train.py]" >&2
    exit 2
fi
CONFIG=$1 GPUS=$2
exec "$(dirname "$0")/_torchrun.sh" "$GPUS" train.py "$CONFIG" "${@:3}"
