# The console's shell and tools, and what service scripts run. Debian's configuration of the static program, without the
# applets that this system answers for otherwise or that have no place on it.
fetch_source busybox
make_musl_compiler
cd src/busybox
make -s defconfig >"$work/configure.log" 2>&1 </dev/null
set_option() { sed -i "s/^\(# \)\?CONFIG_$1[= ].*/CONFIG_$1=$2/" .config; }
for option in $(sed -e 's/#.*//' "$here/busybox/off"); do
    sed -i "s/^CONFIG_$option=.*/# CONFIG_$option is not set/" .config
done
set_option STATIC n
set_option PIE n
set_option EXTRA_CFLAGS '""'
yes '' | make -s oldconfig >>"$work/configure.log" 2>&1
compile CC="$CC" HOSTCC=gcc-14 SKIP_STRIP=y KBUILD_VERBOSE=0 CFLAGS_busybox="$LDFLAGS" busybox
install_program busybox
./busybox --list >"$work/applets"
while read -r applet; do
    case $applet in busybox | init | linuxrc) continue ;; esac
    ln -s busybox "$out/usr/bin/$applet"
done <"$work/applets"
