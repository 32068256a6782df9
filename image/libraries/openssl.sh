# What the program needs of OpenSSL: TLS 1.2 and 1.3 with what Go's clients and servers of it offer, X.509 certificates, PEM
# and PKCS#8, digests. As Debian builds it, it is twice the bytes.
fetch_source openssl
cd src/openssl
patch -s -p1 <"$here/openssl/relative-crldp.patch"
# Left out: what no peer of ours asks for (finite field Diffie-Hellman, which Docker never had, is among it), and modules
# and a configuration file, which the machine does not have.
without=(shared module legacy engine dso autoload-config apps docs tests unit-test
    ssl3 ssl3-method tls1 tls1-method tls1_1 tls1_1-method dtls quic
    psk srp srtp nextprotoneg ssl-trace tls-deprecated-ec integrity-only-ciphers
    comp async multiblock thread-pool tfo ui-console filenames rdrand
    http ocsp cmp cms ct ts rfc3779
    dh dsa ec2m sm2 ml-dsa slh-dsa
    aria bf camellia cast des idea rc2 rc4 rc5 seed sm4 gost ocb siv
    argon2 blake2 cmac md4 mdc2 rmd160 scrypt siphash sm3 whirlpool)
./Configure "linux-$(uname -m)" --prefix=/usr --openssldir=/usr/lib/ssl --libdir=lib enable-ec_nistp_64_gcc_128 \
    "${without[@]/#/no-}" >"$work/configure.log" 2>&1 || { cat "$work/configure.log" >&2; die "configure failed"; }
compile build_libs
install -D -m 644 -t "$out/lib" libcrypto.a libssl.a
install -D -m 644 -t "$out/include/openssl" include/openssl/*.h
