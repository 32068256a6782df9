#include "engine/seccomp_file.h"

#include <sys/utsname.h>

#include <algorithm>

#include "base/json.h"
#include "base/strings.h"

namespace diatom::engine {
namespace {

#if defined(__x86_64__)
constexpr const char *kArchitecture = "amd64", *kNative = "SCMP_ARCH_X86_64";
#elif defined(__aarch64__)
constexpr const char *kArchitecture = "arm64", *kNative = "SCMP_ARCH_AARCH64";
#else
#error "no seccomp architecture for this one"
#endif

// "4.8" of "4.8.0-rc1": version and patch level.
std::pair<std::uint64_t, std::uint64_t> kernel_version(std::string_view text) {
    const auto number = [](std::string_view part) {
        const auto end = part.find_first_not_of("0123456789");
        return parse_uint(part.substr(0, end)).value_or(0);
    };
    const auto parts = split(text, '.');
    return {number(parts[0]), parts.size() > 1 ? number(parts[1]) : 0};
}

struct Condition {
    std::vector<std::string> architectures, capabilities;
    std::string kernel;
};

Result<Condition> decode_condition(const Json& object) {
    return Condition{.architectures = TRY(json_strings(object, "arches")),
                     .capabilities = TRY(json_strings(object, "caps")),
                     .kernel = TRY(json_string(object, "minKernel"))};
}

bool includes(const Condition& wanted, const SeccompTarget& target) {
    const auto has = [&](const auto& capability) { return std::ranges::contains(target.capabilities, capability); };
    if (!wanted.architectures.empty() && !std::ranges::contains(wanted.architectures, target.architecture))
        return false;
    if (!std::ranges::all_of(wanted.capabilities, has)) return false;
    return wanted.kernel.empty() || kernel_version(target.kernel) >= kernel_version(wanted.kernel);
}

bool excludes(const Condition& unwanted, const SeccompTarget& target) {
    const auto has = [&](const auto& capability) { return std::ranges::contains(target.capabilities, capability); };
    return std::ranges::contains(unwanted.architectures, target.architecture) ||
           std::ranges::any_of(unwanted.capabilities, has) ||
           (!unwanted.kernel.empty() && kernel_version(target.kernel) >= kernel_version(unwanted.kernel));
}

Result<std::vector<runtime::SeccompArg>> decode_args(const Json& rule) {
    std::vector<runtime::SeccompArg> args;
    for (const auto& item : json_member(rule, "args")) {
        const auto number = [&](const char* key) -> Result<std::uint64_t> {
            const Json& value = json_member(item, key);
            if (value.is_null()) return std::uint64_t{0};
            if (!value.is_number_unsigned()) return fail(Kind::invalid, "args: \"{}\" must be a number", key);
            return value.get<std::uint64_t>();
        };
        const auto index = TRY(number("index"));
        if (index > 5) return fail(Kind::invalid, "args: a system call has six arguments, not {}", index + 1);
        args.push_back({.index = static_cast<unsigned>(index),
                        .value = TRY(number("value")),
                        .value_two = TRY(number("valueTwo")),
                        .op = TRY(json_string(item, "op"))});
    }
    return args;
}

Result<runtime::SeccompRule> decode_rule(const Json& item) {
    runtime::SeccompRule rule{.names = TRY(json_strings(item, "names")), .action = TRY(json_string(item, "action"))};
    if (const auto name = TRY(json_string(item, "name")); !name.empty()) {
        if (!rule.names.empty())
            return fail(Kind::invalid, "both 'name' and 'names' are specified: use either of them");
        rule.names = {name};
    }
    if (rule.names.empty()) return fail(Kind::invalid, "a rule names no system call");
    if (!json_member(item, "errnoRet").is_null())
        rule.errno_value = static_cast<unsigned>(TRY(json_int(item, "errnoRet")));
    rule.args = TRY(decode_args(item), "{}", rule.names.front());
    return rule;
}

Result<std::vector<std::string>> decode_architectures(const Json& document) {
    auto architectures = TRY(json_strings(document, "architectures"));
    const Json& map = json_member(document, "archMap");
    if (map.empty()) return architectures;
    if (!architectures.empty())
        return fail(Kind::invalid, "both 'architectures' and 'archMap' are specified: use either of them");
    for (const auto& item : map) {
        if (TRY(json_string(item, "architecture")) != kNative) continue;
        architectures = TRY(json_strings(item, "subArchitectures"));
        architectures.insert(architectures.begin(), kNative);
        break;
    }
    return architectures;
}

Result<runtime::Seccomp> decode(const Json& document, const SeccompTarget& target) {
    if (!document.is_object()) return fail(Kind::invalid, "it must be a JSON object");
    runtime::Seccomp seccomp{.default_action = TRY(json_string(document, "defaultAction"))};
    if (seccomp.default_action.empty()) return fail(Kind::invalid, "\"defaultAction\" is missing");
    if (!TRY(json_string(document, "listenerPath")).empty())
        return fail(Kind::unsupported, "\"listenerPath\": there is no agent that would be asked");
    if (!json_member(document, "defaultErrnoRet").is_null())
        seccomp.default_errno = static_cast<unsigned>(TRY(json_int(document, "defaultErrnoRet")));
    seccomp.architectures = TRY(decode_architectures(document));
    seccomp.flags = TRY(json_strings(document, "flags"));
    for (const auto& item : json_member(document, "syscalls")) {
        if (!item.is_object()) return fail(Kind::invalid, "\"syscalls\" must list objects");
        auto rule = TRY(decode_rule(item));
        const bool applies = includes(TRY(decode_condition(json_member(item, "includes"))), target) &&
                             !excludes(TRY(decode_condition(json_member(item, "excludes"))), target);
        if (applies) seccomp.rules.push_back(std::move(rule));
    }
    return seccomp;
}

}  // namespace

SeccompTarget SeccompTarget::host(std::vector<std::string> capabilities) {
    struct utsname name{};
    ::uname(&name);
    return {.architecture = kArchitecture, .kernel = name.release, .capabilities = std::move(capabilities)};
}

Result<runtime::Seccomp> decode_seccomp_file(std::string_view text, const SeccompTarget& target) {
    return TRY(decode(TRY(parse_json(text, "seccomp profile")), target), "Decoding seccomp profile failed");
}

}  // namespace diatom::engine
