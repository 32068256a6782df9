#include <algorithm>

#include "base/strings.h"
#include "ignition/access.h"
#include "ignition/ignition.h"
#include "ignition/translate_parts.h"
#include "ignition/units.h"
#include "machine/check.h"

namespace diatom::ignition {

Value marked(Value value, const Value& from) {
    value.set_mark(from.mark());
    return value;
}

void copy_keys(const Value& from, std::span<const Rename> names, Value& to) {
    for (const auto& [theirs, ours] : names) {
        const auto* value = from.find(theirs);
        if (value != nullptr && !(value->is_text() && value->text().empty())) to.set(ours, *value);
    }
}

namespace {

void translate_arguments(const Value& config, Value& machine) {
    static constexpr std::array kNames{Rename{"shouldExist", "add"}, Rename{"shouldNotExist", "remove"}};
    const auto& arguments = config.at("kernelArguments");
    auto kernel = marked(Value::map(), arguments);
    copy_keys(arguments, kNames, kernel);
    if (!kernel.members().empty()) machine.set("kernel_arguments", std::move(kernel));
}

// What the machine's own table says of it: names that are too long, keys that are none.
void check_machine(const Value& machine, Report& report) {
    for (const auto& problem : machine::check(machine)) report.problems.push_back(problem.text);
}

}  // namespace

Translation to_machine(const Config& config, const Fetch& fetch) {
    Translation result{.machine = Value::map(), .config = config.document, .report = config.report};
    if (!config.ok()) return result;
    auto machine = Value::map();
    machine.set_mark(config.document.mark());
    AuthorityCache cache;
    auto access = access_of(config.document, fetch, cache);
    if (!access) {
        result.report.problem(config.document.at("ignition"), Path() / "ignition" / "security" / "tls",
                              access.error().what());
        return result;
    }
    translate_passwd(config.document.at("passwd"), machine, result.report);
    translate_files(config.document.at("storage"), {*access, fetch}, machine, result.report);
    translate_disks(config.document.at("storage"), machine, result.report);
    translate_arguments(config.document, machine);
    translate_units(config.document, machine, result.report);
    if (result.ok()) check_machine(machine, result.report);
    if (result.ok()) result.machine = std::move(machine);
    return result;
}

Translation translate(std::string_view text, const std::string& file, const Fetch& fetch) {
    auto config = looks_like_ignition(text) ? read_ignition(text, file) : read_butane(text, file);
    return to_machine(resolve(std::move(config), fetch), fetch);
}

}  // namespace diatom::ignition
