# Time. Without NTS (gnutls and nettle: 4 MB), the editline of chronyc and reverse DNS; authentication by MD5 and SHA
# keys stays out with nettle.
fetch_source chrony
make_musl_compiler
cd src/chrony
./configure --prefix=/usr --sysconfdir=/etc/chrony --localstatedir=/var --with-chronyrundir=/run/chrony \
    --disable-nts --disable-sechash --without-nettle --without-nss --without-tomcrypt --without-gnutls \
    --without-editline --disable-readline --without-libcap --without-seccomp --disable-refclock-rtc \
    --host-system=Linux --host-release=6 --host-machine="$(uname -m)" >"$work/configure.log" 2>&1 ||
    { cat "$work/configure.log" >&2; die "configure failed"; }
compile chronyd chronyc
install_program chronyd
install_program chronyc
