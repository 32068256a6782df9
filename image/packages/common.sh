# Sourced by the recipes: fetching Debian sources and compiling them into small static programs.
# A recipe runs in an empty directory of its own and installs into $out (a tree that becomes part of the root file
# system). $work is that directory, $jobs the parallelism, $here this folder.

export LC_ALL=C SOURCE_DATE_EPOCH=1 ZERO_AR_DATE=1
musl_arch=$(uname -m)-linux-musl

die() {
    echo "packages: $*" >&2
    exit 1
}

mirror=$(sed -n 's/^deb \(http[^ ]*\) .*/\1/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list | head -1)

# Debian's source of a package, Debian's patches applied, in $work/src/NAME. sources.lock names the files and their
# digests; once the mirror has dropped that version, apt gives the one that it has instead (signed, other bytes).
fetch_source() {
    mkdir -p "$work/src/files"
    if fetch_locked "$1"; then
        unpack_source "$1"
    else
        echo "packages: the mirror no longer has the locked source of $1: taking its present version" >&2
        fetch_present "$1"
    fi
}

fetch_locked() {
    local name version folder file digest
    while read -r name version folder file digest; do
        [ "$name" = "$1" ] || continue
        curl -fsSL --retry 3 -o "$work/src/files/$file" "$mirror/$folder/${file//+/%2b}" || return 1
        echo "$digest  $work/src/files/$file" | sha256sum -c --quiet >&2 || die "$file is not what sources.lock names"
        echo "$version" >"$out.version"
    done <"$here/sources.lock"
    [ -e "$out.version" ] || die "sources.lock does not name $1"
}

# What dpkg-source does with format 3.0 (quilt).
unpack_source() {
    local tree=$work/src/$1 patch
    mkdir -p "$tree"
    tar -C "$tree" --strip-components=1 -xf "$work/src/files"/*.orig.tar.*
    tar -C "$tree" -xf "$work/src/files"/*.debian.tar.*
    if [ -e "$tree/debian/patches/series" ]; then
        sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$tree/debian/patches/series" | while read -r patch _; do
            patch -s -d "$tree" -p1 <"$tree/debian/patches/$patch" || die "$1: $patch does not apply"
        done
    fi
}

fetch_present() {
    (
        cd "$work/src"
        apt-get update -qq >"$work/fetch.log" 2>&1 || true
        apt-get source -qq --only-source "$1" >>"$work/fetch.log" 2>&1 ||
            { cat "$work/fetch.log" >&2; die "the source of $1 could not be fetched"; }
        sed -n 's/^Version: //p' ./*.dsc | head -1 >"$out.version"
        rm -rf files
        mv ./*/ "$1"
    )
}

# A C compiler that makes static-pie programs on musl: about 60 KB of library in each, where glibc takes 800.
make_musl_compiler() {
    local root=$work/musl lib=/usr/lib/$musl_arch inc=/usr/include/$musl_arch
    mkdir -p "$root/kernel"
    # The kernel's headers only, out of the directory where glibc's stand too.
    ln -s /usr/include/linux /usr/include/asm-generic /usr/include/mtd /usr/include/scsi "$root/kernel/"
    ln -s "/usr/include/$(uname -m)-linux-gnu/asm" "$root/kernel/asm"
    cat >"$root/specs" <<SPECS
%rename cpp_options old_cpp_options

*cpp_options:
-nostdinc -isystem $inc -isystem include%s -isystem $root/kernel %(old_cpp_options)

*cc1:
%(cc1_cpu) -nostdinc -isystem $inc -isystem include%s -isystem $root/kernel

*link_libgcc:
-L$lib -L .%s

*libgcc:
libgcc.a%s

*startfile:
$lib/rcrt1.o $lib/crti.o crtbeginS.o%s

*endfile:
crtendS.o%s $lib/crtn.o

*link:
%{!r:-static -pie --no-dynamic-linker -z text -z relro -z now} -nostdlib

*esp_link:


*esp_options:


*esp_cpp_options:


SPECS
    cat >"$root/cc" <<CC
#!/bin/sh
# -rdynamic has no meaning in a static program, and these specs do not know it.
for argument; do
    shift
    [ "\$argument" = -rdynamic ] || set -- "\$@" "\$argument"
done
exec gcc-14 -specs $root/specs "\$@"
CC
    chmod +x "$root/cc"
    CC=$root/cc
    # Sections nobody refers to go; the work directory's name must not reach the program.
    CFLAGS="-Os -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=0 -fno-asynchronous-unwind-tables -ffunction-sections
        -fdata-sections -ffile-prefix-map=$work=."
    LDFLAGS="-Wl,--gc-sections -Wl,--build-id=none -s"
    CFLAGS=$(echo $CFLAGS)
    export CC CFLAGS LDFLAGS
}

# Configure scripts take `--build`, so that they never guess from the machine's name.
configure() {
    ./configure --build="$(uname -m)-linux-gnu" --host="$(uname -m)-linux-gnu" --prefix=/usr --sysconfdir=/etc "$@" \
        >"$work/configure.log" 2>&1 || { tail -30 "$work/configure.log" >&2; die "configure failed"; }
}

compile() {
    make -j"$jobs" "$@" >"$work/build.log" 2>&1 || { tail -40 "$work/build.log" >&2; die "the build failed (log: $work/build.log)"; }
}

install_program() {
    install -D -m 755 "$1" "$out/usr/bin/${2:-${1##*/}}"
    strip --strip-all "$out/usr/bin/${2:-${1##*/}}"
}
