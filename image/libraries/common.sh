# Sourced by the recipes, after the one of image/packages: how a library is compiled that the program links.

# As the program is compiled, and as Debian's libraries against stacks that grow over their guard page. No tables for
# unwinding: nothing throws through C. Sources are named relative to the work directory, so its name reaches no object.
CC=gcc-14
CFLAGS="-Os -fPIE -fno-plt -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=3 -DNDEBUG"
CFLAGS+=" -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections"
export CC CFLAGS
