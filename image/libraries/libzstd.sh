# zstd without the formats from before its first version (no registry may serve them), dictionaries, and the strategies
# above the one of level 3, the only level that is asked for. For speed: every layer in zstd goes through it.
fetch_source libzstd
cd src/libzstd/lib
CFLAGS=${CFLAGS/-Os/-O2}
compile libzstd.a ZSTD_LEGACY_SUPPORT=0 ZSTD_LIB_DICTBUILDER=0 ZSTD_LIB_DEPRECATED=0 ZSTD_LIB_EXCLUDE_COMPRESSORS_GREEDY_AND_UP=1
install -D -m 644 -t "$out/lib" libzstd.a
install -D -m 644 -t "$out/include" zstd.h zstd_errors.h
