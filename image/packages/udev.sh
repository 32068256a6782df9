# Device names, links and properties: systemd's udev alone, as one static program. On glibc: it does not compile on musl.
# Everything optional is off: no modules to load (kmod), no hwdb, no policy modules; blkid stays, for /dev/disk/by-*.
fetch_source systemd

# Named on the link line, but nothing of it is used; Debian has it shared only.
mkdir "$work/lib"
ar cr "$work/lib/libmount.a"

cd src/systemd
# A static program that looks up users is warned about, for those who have more than files in nsswitch.conf.
sed -i "s/'-Wl,--fatal-warnings',//" meson.build
flags="-Os -fPIE -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -ffile-prefix-map=$work=."
CC=gcc-14 meson setup build --auto-features=disabled --buildtype=plain --prefer-static \
    -Dmode=release -Dlink-udev-shared=false -Dblkid=enabled -Dsysvinit-path= -Dsysvrcnd-path= -Dinitrd=false -Dhibernate=false \
    -Dstandalone-binaries=false -Dstatic-libudev=false -Dtests=false -Dman=disabled \
    -Dc_args="$flags" -Dc_link_args="-static-pie -L$work/lib -Wl,--gc-sections -Wl,--build-id=none" \
    -Dnobody-user=nobody -Dnobody-group=nogroup -Dversion-tag=257 >"$work/configure.log" 2>&1 ||
    { tail -30 "$work/configure.log" >&2; die "configure failed"; }
rules="50-udev-default 60-block 60-drm 60-persistent-storage 60-persistent-storage-tape 60-serial"
generated="50-udev-default 60-persistent-storage"
# shellcheck disable=SC2046
ninja -j"$jobs" -C build udevadm $(printf 'rules.d/%s.rules ' $generated) >"$work/build.log" 2>&1 ||
    { tail -40 "$work/build.log" >&2; die "the build failed"; }
install_program build/udevadm
mkdir -p "$out/usr/lib/systemd" "$out/usr/lib/udev/rules.d"
ln -s ../../bin/udevadm "$out/usr/lib/systemd/systemd-udevd"

# The rules for storage, terminals and permissions. What asks hwdb or a helper program that is not here goes.
for rule in $rules; do
    from=rules.d/$rule.rules
    [ -e "$from" ] || from=build/$from
    [ -e "$from" ] || continue
    # Continued lines joined; comments, questions to hwdb and helper programs, and what then does nothing, left out.
    sed -e ':join' -e '/\\$/{N;s/\\\n[[:space:]]*//;b join' -e '}' "$from" |
        sed -e '/^#/d' -e 's/, *IMPORT{builtin}="hwdb[^"]*"//g' -e '/IMPORT{program}=/d' -e '/[^=!]=[^=]/!d' \
            >"$out/usr/lib/udev/rules.d/$rule.rules"
done
