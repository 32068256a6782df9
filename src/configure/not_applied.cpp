// Keys of the table that nothing here makes true, and why: nothing is left out in silence.
#include <array>

#include "base/strings.h"
#include "configure/apply.h"
#include "machine/path.h"

namespace diatom::configure {
namespace {

constexpr std::string_view kVersion = "is not applied by this version";

struct Missing {
    std::string_view path;  // "*": every member
    std::string_view why = kVersion;
};
constexpr std::array kMissing{
    Missing{"kernel_arguments", "is not applied by this version: they stand in the boot loader's entry"},
    Missing{"users.*.sudo", "is not applied: there is no sudo here; who may be root logs in as root, by key"},
    Missing{"users.*.password_expired",
            "is written down, but no log in of this machine asks for a new password: give a new hash"},
    Missing{"ssh.host_keys"},
};

void look(const Value& value, const machine::Path& path, std::string_view rest, std::string_view why,
          std::vector<std::string>& found) {
    if (rest.empty()) {
        const bool off = value.type() == Value::Type::boolean && !value.boolean();
        if (!value.is_null() && !off) found.push_back(value.error(path.text(), why).error().what());
        return;
    }
    const auto halves = cut(rest, '.');
    const auto key = halves ? halves->first : rest;
    const auto below = halves ? halves->second : std::string_view();
    if (key != "*") {
        if (const auto* member = value.find(key)) look(*member, path / key, below, why, found);
        return;
    }
    for (const auto& [name, member] : value.members()) look(member, path / name, below, why, found);
}

}  // namespace

std::vector<std::string> not_applied(const Value& machine) {
    std::vector<std::string> found;
    for (const auto& [path, why] : kMissing) look(machine, {}, path, why, found);
    return found;
}

}  // namespace diatom::configure
