#!/bin/sh
# Fuzz each target for some seconds: fuzz/run.sh [-j N] SECONDS [TARGET...]
# What breaks one is left in build/fuzz/artifacts; the corpora of the tree stay as they are. Fails when anything is found.
set -eu
cd "$(dirname "$0")/.."

usage() {
	echo "usage: fuzz/run.sh [-j N] SECONDS [TARGET...]" >&2
	exit 2
}
at_once=1
while getopts j: option; do
	case $option in
	j) at_once=$OPTARG ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] || usage
seconds=$1
shift
# shellcheck disable=SC2046 # names of targets have no blanks
[ $# -gt 0 ] || set -- $(cd fuzz/corpus && echo *)

command -v clang >/dev/null || { echo "fuzz/run.sh: clang is needed (Debian: apt-get install clang)" >&2; exit 2; }
cmake --preset fuzz >/dev/null
cmake --build build/fuzz --target fuzz_targets >build/fuzz/build.log || { cat build/fuzz/build.log; exit 2; }

# One target, one line: how much was run, how much of it was new, and what broke.
cat >build/fuzz/one.sh <<'ONE'
seconds=$1 target=$2
found=build/fuzz/artifacts/$target scratch=build/fuzz/corpus/$target log=build/fuzz/$target.log status=0
rm -rf "$found"
mkdir -p "$found" "$scratch"
cp "fuzz/corpus/$target"/* "$scratch"
build/fuzz/fuzz/"fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 \
	-artifact_prefix="$found/" "$scratch" >"$log" 2>&1 || status=$?
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
first=$(sed -n 's/.*INITED cov: \([0-9]*\).*/\1/p' "$log" | head -n 1)
last=$(sed -n 's/^#.* cov: \([0-9]*\).*/\1/p' "$log" | tail -n 1)
crashes=$(find "$found" -type f | wc -l)
printf '%-18s %s s, %s runs, coverage %s -> %s, %s findings\n' "$target" "$seconds" "${runs:-?}" "${first:-?}" "${last:-?}" "$crashes"
[ "$status" -eq 0 ] && [ "$crashes" -eq 0 ] || { echo "$target: see $log and $found"; exit 1; }
ONE
printf '%s\n' "$@" | xargs -P "$at_once" -n 1 sh build/fuzz/one.sh "$seconds"
