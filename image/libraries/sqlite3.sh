# SQLite without what src/db never says to it. Tables, indexes, foreign keys (which are triggers), WAL and the checks of
# integrity stay; statements are the program's own, so the limits on them stay as they are.
fetch_source sqlite3
options=(
    # As Debian: deleted rows are overwritten, for they may have held secrets.
    SQLITE_SECURE_DELETE SQLITE_THREADSAFE=1 SQLITE_LIKE_DOESNT_MATCH_BLOBS
    # What its configure script would find on Linux; without these it waits in whole seconds, and calls fsync for fdatasync.
    HAVE_FDATASYNC=1 HAVE_USLEEP=1 HAVE_PREAD=1 HAVE_PWRITE=1 HAVE_STRCHRNUL=1 HAVE_GMTIME_R=1 HAVE_LOCALTIME_R=1
    SQLITE_DQS=0 SQLITE_DEFAULT_MEMSTATUS=0 SQLITE_UNTESTABLE
    SQLITE_OMIT_ANALYZE SQLITE_OMIT_AUTHORIZATION SQLITE_OMIT_AUTOVACUUM
    SQLITE_OMIT_COMPILEOPTION_DIAGS SQLITE_OMIT_COMPLETE SQLITE_OMIT_CTE SQLITE_OMIT_DATETIME_FUNCS
    SQLITE_OMIT_DECLTYPE SQLITE_OMIT_DEPRECATED SQLITE_OMIT_DESERIALIZE SQLITE_OMIT_EXPLAIN
    SQLITE_OMIT_GENERATED_COLUMNS SQLITE_OMIT_GET_TABLE SQLITE_OMIT_HEX_INTEGER SQLITE_OMIT_INCRBLOB
    SQLITE_OMIT_INTROSPECTION_PRAGMAS SQLITE_OMIT_JSON SQLITE_OMIT_LOAD_EXTENSION SQLITE_OMIT_LOCALTIME
    SQLITE_OMIT_PROGRESS_CALLBACK SQLITE_OMIT_REINDEX SQLITE_OMIT_SHARED_CACHE SQLITE_OMIT_TCL_VARIABLE
    SQLITE_OMIT_TRACE SQLITE_OMIT_UTF16 SQLITE_OMIT_VIEW SQLITE_OMIT_WINDOWFUNC)
options=("${options[@]/#/-D}")
mkdir build
cd build
# One file out of its source: its parser, too, is made without what is left out.
compile -f "$work/src/sqlite3/main.mk" TOP="$work/src/sqlite3" BCC="gcc-14 -w" TCC=gcc-14 OPTS="${options[*]}" sqlite3.c
# shellcheck disable=SC2086
$CC $CFLAGS "${options[@]}" -c sqlite3.c
ar crD libsqlite3.a sqlite3.o
install -D -m 644 -t "$out/lib" libsqlite3.a
install -D -m 644 -t "$out/include" sqlite3.h
