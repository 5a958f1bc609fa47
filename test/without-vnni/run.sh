#!/usr/bin/env bash
# Runs a command whose ONNX Runtime takes this processor for one without VNNI: test/without-vnni/run.sh ./sightline model eval …
# With KEEP_AVX512=1 it still sees AVX-512, as on Intel's first processors that had it; otherwise AVX2 is the most.
#
# Kernels are chosen by the cpuid instruction, for which Linux on AMD processors has no switch. So a copy of the library has
# illegal instructions in its place, and hide.c answers them. The rest runs at its own speed. Needs gcc and binutils, x86-64, Linux.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source=$(realpath "$here"/../../packages/yolo-nas/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
copy=$folder/libonnxruntime.so.1
cp "$source" "$copy"
gcc -O2 -Wall -shared -fPIC "$here/hide.c" -o "$folder/hide.so"
# Where the code lies in the file, and in memory.
read -r address offset < <(readelf -SW "$source" | awk '{ for (i = 1; i < NF; i++) if ($i == ".text") print $(i + 2), $(i + 3) }')
count=0
while read -r at; do
  printf '\x0f\x0b' | dd of="$copy" bs=1 seek=$((16#$at - 16#$address + 16#$offset)) conv=notrunc status=none
  count=$((count + 1))
done < <(objdump -d -j .text --no-show-raw-insn "$source" | awk '$2 == "cpuid" { sub(":", "", $1); print $1 }')
[ "$count" -gt 0 ] || { echo "no cpuid instruction was found in $source" >&2; exit 1; }
LD_PRELOAD="$folder/hide.so $copy" "$@"
