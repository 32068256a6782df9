# Sourced by ./dev: makes the build root (a Debian 13 tree with some of sid's clients, once per package list) and enters it.
# Sets nothing but functions; uses $repo and $cache.

build_root_suite=trixie
build_root_packages="$repo/tools/dev/buildroot.packages"
# Clients that the tests drive in sid's version too: they lie under /opt/sid, beside those of the suite.
build_root_sid_packages=docker-cli,docker-compose

build_root_dir() {
    local key
    key=$( (sed 's/#.*//' "$build_root_packages"; echo "$build_root_suite" "$build_root_sid_packages"; uname -m) | sha256sum | cut -c1-16)
    echo "$cache/buildroot/$key"
}

# The mirror that this machine's own apt uses for Debian, whatever its suite.
debian_mirror() {
    if [ -n "${DIATOM_MIRROR:-}" ]; then
        echo "$DIATOM_MIRROR"
        return
    fi
    if ! command -v apt-get >/dev/null; then
        echo "dev: this machine has no apt: set DIATOM_MIRROR to the URL of a Debian mirror" >&2
        return 1
    fi
    local mirror
    mirror=$(apt-get indextargets --format '$(SITE) $(ORIGIN) $(CODENAME)' 'Created-By: Packages' |
        awk '$2 == "Debian" && $3 !~ /security/ { print $1; exit }')
    if [ -z "$mirror" ]; then
        echo "dev: apt on this machine lists no Debian mirror: set DIATOM_MIRROR to the URL of one" >&2
        return 1
    fi
    echo "$mirror"
}

make_partial_root() {
    local partial=$1 mirror=$2
    # Check-Valid-Until: mirrors that serve a snapshot are dated. dpkg without fsync: an interrupted root is remade.
    local -a options=(--quiet --mode=root --format=directory
        --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"'
        --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*'
        --dpkgopt='path-exclude=/usr/share/locale/*')
    mmdebstrap "${options[@]}" --variant=apt \
        --include="$(sed 's/#.*//' "$build_root_packages" | xargs | tr ' ' ',')" \
        "$build_root_suite" "$partial" \
        "deb $mirror $build_root_suite main" "deb $mirror $build_root_suite-updates main" &&
        mmdebstrap "${options[@]}" --variant=extract --include="$build_root_sid_packages" \
            sid "$partial.sid" "deb $mirror sid main" &&
        mv "$partial.sid/usr" "$partial/opt/sid" &&
        rm -rf --one-file-system "$partial.sid"
}

ensure_build_root() {
    local root mirror partial
    root=$(build_root_dir)
    if [ -e "$root/.complete" ]; then return; fi
    if ! command -v mmdebstrap >/dev/null; then
        if ! command -v apt-get >/dev/null; then
            echo "dev: mmdebstrap is missing and this machine has no apt: install mmdebstrap and set DIATOM_MIRROR" >&2
            return 1
        fi
        echo "dev: installing mmdebstrap"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y mmdebstrap debian-archive-keyring >/dev/null
    fi
    mirror=$(debian_mirror)
    mkdir -p "$cache/buildroot"
    exec 8>"$cache/buildroot/.lock"
    flock 8
    if [ -e "$root/.complete" ]; then
        exec 8>&-
        return
    fi
    partial="$root.partial"
    rm -rf --one-file-system "$partial" "$partial.sid"
    echo "dev: making the build root ($(grep -c '^[a-z]' "$build_root_packages") packages and what they need; once per machine)"
    if ! make_partial_root "$partial" "$mirror" >"$cache/buildroot/log" 2>&1; then
        tail -20 "$cache/buildroot/log" >&2
        echo "dev: the build root could not be made (whole log: $cache/buildroot/log)" >&2
        return 1
    fi
    echo "deb-src $mirror $build_root_suite main" >"$partial/etc/apt/sources.list.d/source.list"
    touch "$partial/.complete"
    mv "$partial" "$root"
    exec 8>&-
}

# Where git keeps what a worktree belongs to: the worktree's own .git is a file with that path. Nothing for a clone.
worktree_repository() {
    [ ! -f "$repo/.git" ] || git -c safe.directory="$repo" -C "$repo" rev-parse --path-format=absolute --git-common-dir
}

# Runs a command inside the build root, in a mount namespace of its own: the source at /src, the cache at /cache, and of a
# worktree the repository where it says that it is.
enter_build_root() {
    local root repository
    root=$(build_root_dir)
    repository=$(worktree_repository)
    mkdir -p "$root/src" "$root/cache" "$root$repository" "$repo/build"
    # shellcheck disable=SC2016
    exec unshare --mount --propagation private bash -euc '
        root=$1 repo=$2 cache=$3 authorities=$4 repository=$5
        shift 5
        mount --bind "$root" "$root"
        mount --bind "$repo" "$root/src"
        mount --bind "$cache" "$root/cache"
        [ -z "$repository" ] || mount --bind -o ro "$repository" "$root$repository"
        for d in dev proc sys; do mount --rbind "/$d" "$root/$d"; done
        mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
        mount -t tmpfs -o mode=755 tmpfs "$root/run"
        [ ! -e /etc/resolv.conf ] || cat /etc/resolv.conf >"$root/etc/resolv.conf"
        # Whom the host trusts, for downloads: tools/dev/validation.sh.
        [ ! -e "$authorities" ] || cat "$authorities" >"$root/etc/ssl/host.crt"
        # Not chroot alone: the kernel lets nobody in a chroot make a user namespace, and / has to be a mount.
        cd "$root"
        pivot_root . .
        /bin/busybox umount -l .
        unset LD_LIBRARY_PATH LD_PRELOAD PYTHONHOME PYTHONPATH
        exec env -i HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 CI="${CI:-}" GOPROXY="${GOPROXY:-}" \
            PATH=/usr/lib/ccache:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            CCACHE_DIR=/cache/ccache CCACHE_SLOPPINESS=pch_defines,time_macros \
            DIATOM_JOBS="${DIATOM_JOBS:-$(nproc)}" DIATOM_HOST_REPO="$repo" \
            chroot . /bin/sh -c "cd /src && exec \"\$@\"" sh "$@"
    ' bash "$root" "$repo" "$cache" "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$repository" "$@"
}
