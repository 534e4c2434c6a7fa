#!/usr/bin/env bash
# Builds the addon against Python's torch, runs the tests of the GPU path on the GPU, and times training steps of LoRA, ScaLoRA-I and
# QLoRA at LLaMA-3-8B's shape beside PEFT's (QLoRA's where bitsandbytes is there), and of LoRA at SmolLM2's with and without recorded
# passes: docs/gpu.md.
#   bench/gpu.sh [--device cuda:0] [--tiny] [--pack .local/gpu/pack.tar.xz]
# A part that fails leaves the results of the others. Everything goes to $OUT (otherwise .local/gpu/out): results.json, log.
set -u
cd "$(dirname "$0")/.." || exit 1
device=cuda:0 tiny="" pack=.local/gpu/pack.tar.xz
while [ $# -gt 0 ]; do
  case "$1" in
    --device) device=$2; shift 2 ;;
    --tiny) tiny=--tiny; shift ;;
    --pack) pack=$2; shift 2 ;;
    *) echo "usage: bench/gpu.sh [--device cuda:0] [--tiny] [--pack FILE]" >&2; exit 2 ;;
  esac
done
out=${OUT:-.local/gpu/out}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out" "$work/parts"

# Node and the npm packages: the repository's, or those of the pack.
if [ ! -d node_modules/vitest ]; then
  [ -f "$pack" ] || { echo "neither node_modules nor $pack: run npm ci, or bring a pack (bench/gpu/pack.ts)" >&2; exit 1; }
  mkdir -p .local/gpu/unpacked && python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$pack" .local/gpu/unpacked || exit 1
  [ ! -e node_modules ] || [ -L node_modules ] || { echo "node_modules is there without vitest: run npm ci" >&2; exit 1; }
  ln -sfn .local/gpu/unpacked/node_modules node_modules
fi
[ -x .local/gpu/unpacked/node ] && PATH=$PWD/.local/gpu/unpacked:$PATH
command -v node >/dev/null || { echo "no Node: bring a pack (bench/gpu/pack.ts)" >&2; exit 1; }

# part NAME SECONDS COMMAND...: runs it, notes how it ended, and brings the results so far up to date.
part() {
  local name=$1 limit=$2 began=$SECONDS; shift 2
  timeout "$limit" "$@" >"$work/parts/$name.out" 2>"$work/parts/$name.err"
  local status=$?
  echo $status >"$work/parts/$name.status"
  { echo "== $name: status $status, $((SECONDS - began)) s"; tail -c 20000 "$work/parts/$name.err"; tail -c 60000 "$work/parts/$name.out"; } >>"$out/log"
  echo "$name: status $status, $((SECONDS - began)) s"
  [ $status -eq 0 ] || tail -n 3 "$work/parts/$name.err"
}
run() { local name=$1 limit=$2 program=$3; shift 3; part "$name" "$limit" node --import tsx "bench/gpu/$program" "$@" $tiny; }

: >"$out/log"
part machine 20 sh -c 'nvidia-smi 2>&1; python3 -c "import torch; print(torch.__version__, torch.cuda.is_available())"; node --version; nproc'
part setup 200 node src/setup/main.ts
# On the CPU, the second device of the tests.
[ "$device" = cpu ] || export SCALORA_TEST_DEVICE=$device
part tests 90 node node_modules/vitest/vitest.mjs run test/gpu-path.test.ts
run whole-runs 90 whole-run.ts --device "$device"
run peak 40 time-peak.ts --device "$device"
run lora 60 time-step.ts lora --device "$device"
run shape 20 print-shape.ts
peer() { part "peer-$1" 120 python3 bench/gpu/peer.py "$1" "$work/parts/shape.out" --device "$device"; }
peer lora
run scalora-i 60 time-step.ts scalora-i --device "$device"
run qlora 80 time-step.ts qlora --device "$device"
peer qlora
run small 60 time-step.ts lora --small --device "$device"
run small-graphs 60 time-step.ts lora --small --graphs --device "$device"
node --import tsx bench/gpu/summary.ts "$work" $tiny | tee -a "$out/log"
cp "$work/results.json" "$out/results.json" || exit 1
for status in "$work"/parts/*.status; do [ "$(cat "$status")" = 0 ] || exit 1; done
