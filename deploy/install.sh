#!/bin/sh
# Installs a release of roundsman for Linux, after its checksum was compared.
#
#   sh install.sh [VERSION]
#
# ROUNDSMAN_RELEASES  where releases are, such as https://example.com/releases (VERSION and the file's name are added)
# ROUNDSMAN_PREFIX    where to; /usr/local for root, else ~/.local
#
# Ends with 3 where there is no such release to be had for this machine, with 1 for all else.
set -eu

code=1
fail() {
    echo "roundsman is not installed: $*" >&2
    exit "$code"
}
# What can be built from source instead.
absent() {
    code=3
    fail "$@"
}

releases="${ROUNDSMAN_RELEASES:-}"
[ -n "$releases" ] || fail "set ROUNDSMAN_RELEASES to where releases are"
version="${1:-${ROUNDSMAN_VERSION:-}}"
[ -n "$version" ] || fail "name a version: sh install.sh 0.1.0"
[ "$(uname -s)" = Linux ] || absent "there are releases for Linux only; build it from source: cargo install --path ."
case "$(uname -m)" in
x86_64 | aarch64) machine=$(uname -m) ;;
*) absent "there is no release for $(uname -m); build it from source: cargo install --path ." ;;
esac
if [ -n "${ROUNDSMAN_PREFIX:-}" ]; then
    prefix="$ROUNDSMAN_PREFIX"
elif [ "$(id -u)" -eq 0 ]; then
    prefix=/usr/local
else
    prefix="$HOME/.local"
fi
for tool in curl sha256sum tar; do
    command -v "$tool" >/dev/null || fail "$tool is missing"
done

name="roundsman-$version-linux-$machine"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for file in "$name.tar.gz" SHA256SUMS; do
    curl --fail --silent --show-error --location --retry 3 --output "$folder/$file" "$releases/$version/$file" ||
        absent "$releases/$version/$file can't be had"
done
(
    cd "$folder"
    grep " $name.tar.gz\$" SHA256SUMS >wanted || absent "SHA256SUMS does not name $name.tar.gz"
    sha256sum --check --status wanted || fail "$name.tar.gz is not what SHA256SUMS says"
    tar --extract --gzip --file "$name.tar.gz"
)
mkdir -p "$prefix/bin" "$prefix/share"
# Renamed over: who runs the old one goes on with it.
cp "$folder/$name/bin/roundsman" "$prefix/bin/.roundsman.new"
mv "$prefix/bin/.roundsman.new" "$prefix/bin/roundsman"
cp -r "$folder/$name/share/." "$prefix/share/"
"$prefix/bin/roundsman" --version
case ":$PATH:" in
*":$prefix/bin:"*) ;;
*) echo "add $prefix/bin to PATH" ;;
esac
