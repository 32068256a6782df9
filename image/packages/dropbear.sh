# SSH: the server, its keys, and scp. OpenSSH would need OpenSSL (2 MB). Debian's libraries of it, which are bundled here,
# and neither zlib nor records of logins, which have no file on this system.
fetch_source dropbear
make_musl_compiler
cd src/dropbear
cat >localoptions.h <<'OPTIONS'
#define DROPBEAR_DSS 0
#define DROPBEAR_3DES 0
#define DROPBEAR_SHA1_HMAC 0
#define DROPBEAR_DH_GROUP14_SHA1 0
#define DROPBEAR_RSA_SHA1 0
#define DROPBEAR_X11FWD 0
#define INETD_MODE 0
#define DO_MOTD 0
#define DROPBEAR_SFTPSERVER 0
#define DEFAULT_PATH "/usr/bin:/bin"
#define DEFAULT_ROOT_PATH "/usr/sbin:/usr/bin:/sbin:/bin"
OPTIONS
configure --disable-zlib --disable-pam --disable-lastlog --disable-utmp --disable-utmpx --disable-wtmp --disable-wtmpx \
    --disable-pututline --disable-pututxline --disable-loginfunc --enable-bundled-libtom --disable-harden
compile MULTI=1 PROGRAMS='dropbear dropbearkey scp'
install_program dropbearmulti
for name in dropbear dropbearkey scp; do ln -s dropbearmulti "$out/usr/bin/$name"; done
