// The databases of users and groups that an image brings, against what a client asks for: three parts, divided by zero
// bytes: "user[:group]", /etc/passwd, /etc/group.
#include <fcntl.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "runtime/runtime.h"
#include "sys/file.h"
#include "tests/support/temp_dir.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace diatom;
    static const test::TempDir place;
    constexpr std::uint32_t kMostId = 2147483647;
    const auto parts = split({reinterpret_cast<const char*>(data), size}, '\0');
    if (parts.size() < 3) return 0;
    if (!sys::make_dirs(place / "etc") || !sys::write_file(place / "etc/passwd", parts[1]) ||
        !sys::write_file(place / "etc/group", parts[2]))
        __builtin_trap();
    const auto root = sys::open_path(place.path(), O_RDONLY | O_DIRECTORY);
    const std::string wanted(parts[0]);
    const auto user = runtime::resolve_user(*root, wanted, {"adm"});
    const auto alone = runtime::resolve_user(*root, wanted, {});
    if (user && !alone) __builtin_trap();
    if (!alone && alone.error().what().empty()) __builtin_trap();
    if (!alone) return 0;
    if (alone->uid > kMostId || alone->gid > kMostId) __builtin_trap();
    if (!std::ranges::contains(alone->additional_gids, alone->gid)) __builtin_trap();
    // A number is that number, whatever the image calls so.
    const auto name = std::string_view(wanted).substr(0, wanted.find(':'));
    if (const auto number = parse_uint(name); number && alone->uid != *number) __builtin_trap();
    return 0;
}
