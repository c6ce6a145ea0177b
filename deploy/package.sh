#!/usr/bin/env bash
# Everything that a release consists of, for the machine that it runs on: an archive, a Debian package, their checksums
# and, where a tool for it is installed, a bill of materials. What is built twice from the same source is the same.
#
#   deploy/package.sh [--binary FILE] [--out DIR]
#
# Without --binary the program is built. Needs tar, gzip, sha256sum, objdump (binutils) and dpkg-deb.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

binary=""
out="target/package"
while [[ "$#" -gt 0 ]]; do
    case "$1" in
    --binary) binary="${2:?--binary needs a file}" && shift 2 ;;
    --out) out="${2:?--out needs a folder}" && shift 2 ;;
    *)
        sed -n 's/^# \{0,1\}//p' "${BASH_SOURCE[0]}" | sed 1d >&2
        exit 2
        ;;
    esac
done

if [[ -z "$binary" ]]; then
    cargo build --release --locked --bin roundsman
    binary="target/release/roundsman"
fi
version=$("$binary" --version)
version="${version#roundsman }"
machine=$(uname -m)
case "$machine" in
x86_64) architecture=amd64 ;;
aarch64) architecture=arm64 ;;
*) architecture="$machine" ;;
esac
# Times of files are the commit's, not the build's.
SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}"
export SOURCE_DATE_EPOCH
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What both hold: the program, its manual, completions, documents.
stage() {
    local bin="$1" share="$2" doc="$3"
    install -D -m 755 "$binary" "$bin/roundsman"
    mkdir -p "$share/man/man1"
    "$bin/roundsman" man --dir "$share/man/man1" >/dev/null
    gzip -9n "$share"/man/man1/*.1
    local shell file
    while read -r shell file; do
        mkdir -p "$(dirname "$share/$file")"
        "$bin/roundsman" completions "$shell" >"$share/$file"
    done <<'SHELLS'
bash bash-completion/completions/roundsman
zsh zsh/site-functions/_roundsman
fish fish/vendor_completions.d/roundsman.fish
SHELLS
    mkdir -p "$doc/examples"
    install -m 644 README.md CHANGELOG.md SECURITY.md LICENSE-APACHE LICENSE-MIT "$doc"
    cp -r docs "$doc/docs"
    cp -r deploy/grafana deploy/prometheus "$doc/examples"
    "$bin/roundsman" config example >"$doc/examples/roundsman.toml"
}

archive() {
    local name="roundsman-$version-linux-$machine"
    local root="$work/$name"
    stage "$root/bin" "$root/share" "$root/share/doc/roundsman"
    install -D -m 644 deploy/systemd/roundsman.service "$root/lib/systemd/system/roundsman.service"
    tar --create --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
        --directory "$work" "$name" | gzip "-${GZIP_LEVEL:-9}" -n >"$out/$name.tar.gz"
    echo "$name.tar.gz"
}

# The newest version of the C library that the program asks for.
libc() {
    objdump -T "$binary" | sed -n 's/.*GLIBC_\([0-9.]*\).*/\1/p' | sort -V | tail -n 1
}

debian() {
    local root="$work/deb" name="roundsman_${version}_$architecture.deb"
    stage "$root/usr/bin" "$root/usr/share" "$root/usr/share/doc/roundsman"
    gzip -9n "$root/usr/share/doc/roundsman/CHANGELOG.md"
    # Where Debian's zsh looks.
    mkdir -p "$root/usr/share/zsh/vendor-completions"
    mv "$root/usr/share/zsh/site-functions/_roundsman" "$root/usr/share/zsh/vendor-completions"
    rmdir "$root/usr/share/zsh/site-functions"
    cat deploy/debian/copyright >"$root/usr/share/doc/roundsman/copyright"
    install -D -m 644 deploy/systemd/roundsman.service "$root/usr/lib/systemd/system/roundsman.service"
    install -d -m 755 "$root/etc/roundsman"
    mkdir -p "$root/DEBIAN"
    install -m 755 deploy/debian/postinst deploy/debian/prerm deploy/debian/postrm "$root/DEBIAN"
    cat >"$root/DEBIAN/control" <<CONTROL
Package: roundsman
Version: $version
Architecture: $architecture
Maintainer: roundsman maintainers <maintainers@roundsman.invalid>
Installed-Size: $(du --summarize --block-size=1024 --apparent-size "$root" | cut -f 1)
Depends: libc6 (>= $(libc)), ca-certificates
Section: net
Priority: optional
Description: continuous verification of every tenant behind one shared edge
 roundsman verifies DNS, certificates, pages and apps of every tenant behind a
 wildcard, as a CI gate and on schedule, and says why one is broken: one root
 cause, so many tenants. It opens incidents, tells people, exports metrics and
 traces, and repairs what is safe, where that is allowed.
CONTROL
    find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb --root-owner-group --build "$root" "$out/$name" >/dev/null
    echo "$name"
}

materials() {
    if ! cargo cyclonedx --version >/dev/null 2>&1; then
        echo "no bill of materials: cargo install cargo-cyclonedx" >&2
        return 0
    fi
    local name="roundsman-$version.cdx.json"
    cargo cyclonedx --format json --override-filename bom --quiet
    mv bom.json "$out/$name"
    find checks alerts fuzz tests/lab -maxdepth 1 -name bom.json -delete
    echo "$name"
}

{
    archive
    if command -v dpkg-deb >/dev/null; then
        debian
    else
        echo "no Debian package: dpkg-deb is not installed" >&2
    fi
    materials
} >"$work/files"
cd "$out"
xargs sha256sum <"$work/files" >SHA256SUMS
cat SHA256SUMS
