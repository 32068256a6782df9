// Keys of the table that nothing here makes true, and why: nothing is left out in silence.
#include "base/strings.h"
#include "configure/apply.h"
#include "machine/path.h"

namespace diatom::configure {
namespace {

constexpr std::string_view kNoSudo =
    "counts on a console of an image that has sudo (console.image): the machine's own root has no program that makes "
    "anybody root, so who may be root logs in as root, by key";

// A path's "*" is every member.
void look(const Value& value, const machine::Path& path, std::string_view rest, std::string_view why,
          std::vector<std::string>& found) {
    if (rest.empty()) {
        const bool off =
            (value.type() == Value::Type::boolean && !value.boolean()) || (value.is_list() && value.items().empty());
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
    // A console of an image is shown the rules.
    if (!machine.at("console").has("image")) look(machine, {}, "users.*.sudo", kNoSudo, found);
    return found;
}

}  // namespace diatom::configure
