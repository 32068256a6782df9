# DHCP for IPv4 and IPv6. Without OpenSSL (6 MB in Debian's build, used for an HMAC that it has itself), without udev
# (interfaces are waited for by the network service) and without privilege separation: its container confines it.
fetch_source dhcpcd
make_musl_compiler
cd src/dhcpcd
configure --libexecdir=/usr/lib/dhcpcd --dbdir=/var/lib/dhcpcd --rundir=/run/dhcpcd --datadir=/usr/share \
    --without-openssl --without-udev --without-dev --disable-privsep --disable-debug
compile -C src dhcpcd
install_program src/dhcpcd
