#!/bin/sh
# Draws docs/terminal.svg anew: the lab begins, three things are broken in it, and what `roundsman verify` and
# `roundsman remediate` then print on a terminal of 100 columns becomes the picture. Needs util-linux' script.
#
#   docs/terminal/record.sh
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
command -v script >/dev/null || {
    echo "record.sh: there is no script; apt-get install --no-install-recommends bsdutils" >&2
    exit 2
}
(cd "$root" && cargo build --locked -p roundsman --bin roundsman --example terminal_svg &&
    cargo build --locked -p roundsman-lab --bin roundsman-lab)
bin="${CARGO_TARGET_DIR:-$root/target}/debug"

dir=$(mktemp -d)
lab=
end() {
    trap - EXIT INT TERM
    [ -z "$lab" ] || kill "$lab" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$dir"
}
trap end EXIT
trap 'exit 1' INT TERM

"$bin/roundsman-lab" start --platform --dir "$dir" \
    --fault certificate-conflict@a3b1 --fault certificate-conflict@0d4e --fault app-stopped@91cc \
    >"$dir/lab.log" 2>&1 &
lab=$!
tries=300
until grep -q '^Serving' "$dir/lab.log" 2>/dev/null; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { cat "$dir/lab.log" >&2; exit 1; }
    sleep 0.1
done
# The tokens of the lab stand before the command that it says to try.
sed -n 's/^Serving.*Try: \(.*\)roundsman verify.*/export \1/p' "$dir/lab.log" >"$dir/tokens"

# What a person sees of a command that they type.
shown() {
    printf '\033[1m$ roundsman %s\033[0m\n' "$*"
    script -qec "stty cols 100 rows 50; . '$dir/tokens'; cd '$dir'; FLY_REGION=lhr '$bin/roundsman' $* 2>/dev/null" /dev/null </dev/null || true
    printf '\n'
}
{
    shown verify
    shown remediate 91cc
} >"$dir/screen"
"$bin/examples/terminal_svg" <"$dir/screen" >"$dir/terminal.svg"
mv "$dir/terminal.svg" "$root/docs/terminal.svg"
