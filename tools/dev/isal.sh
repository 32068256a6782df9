#!/usr/bin/env bash
# Builds the igzip and CRC parts of Debian's libisal source as a static library and prints its directory:
#   DIR/libisal.a, DIR/include/isa-l/*.h
# Debian ships the library shared only. Runs inside the build root; what is built once is kept in the cache by version,
# compiler and this script.
set -euo pipefail

script=$(realpath "${BASH_SOURCE[0]}")
# shellcheck source=tools/dev/common.sh
. "$(dirname "$script")/common.sh"
read -r source version < <(dpkg-query -W -f '${source:Package} ${source:Version}\n' libisal-dev)
dir=/cache/isal/$version-$({ cat "$script"; gcc-14 --version; nasm --version; } | sha256sum | cut -c1-12)

say() { echo "isal: $*"; }

# Addresses of the source's files with the checksums of the signed index, one "URL FILE SIZE SHA256:SUM" a line.
source_files() {
    apt-get source --print-uris "$source=$version" 2>/dev/null | sed -n "s/^'\(.*\)' /\1 /p"
}

# The .dsc is not needed: the index signs each file of the source by itself.
download() {
    local url file sum
    if [ -z "$(source_files)" ]; then
        apt-get update -qq
    fi
    source_files >files
    if ! grep -q '\.orig\.tar' files; then
        say "the mirror has no source of $source $version: refresh the build root (./dev clean --all) and try again"
        return 1
    fi
    while read -r url file _ sum; do
        case $file in
        *.dsc) ;;
        *) /usr/lib/apt/apt-helper -o APT::Sandbox::User=root download-file "$url" "$file" "$sum" ;;
        esac
    done <files
}

build() {
    local patch
    cd "$1"
    say "building $source $version"
    download
    mkdir source
    tar -xf ./*.orig.tar.* -C source --strip-components=1
    tar -xf ./*.debian.tar.*
    if [ -e debian/patches/series ]; then
        while read -r patch _; do
            case $patch in '' | '#'*) continue ;; esac
            patch -d source -p1 -s --no-backup-if-mismatch <"debian/patches/$patch"
        done <debian/patches/series
    fi
    # No debug sections and a deterministic archive: the same bytes on every machine.
    make -C source -f Makefile.unx -j "${DIATOM_JOBS:-$(nproc)}" units='igzip crc' lib CC=gcc-14 \
        DEBUG= DEBUG_nasm= CFLAGS_gcc-14='-fPIE -ffunction-sections -fdata-sections' ARFLAGS_='crD $@' >build.log 2>&1 || {
        tail -20 build.log
        return 1
    }
    mkdir -p result/include/isa-l
    cp source/include/{igzip_lib,crc,crc64}.h result/include/isa-l/
    cp source/bin/isa-l.a result/libisal.a
    cp source/LICENSE result/LICENSE
}

build_once "$dir" libisal.a build
echo "$dir"
