#include "ignition/schema.h"

#include <algorithm>

#include "ignition/schema_parts.h"

namespace diatom::ignition {
namespace schema {
namespace {

constexpr std::array kHeaderKeys{Key{"name", &kText}, Key{"value", &kText}};
constexpr Type kHeader{.form = Form::object, .keys = kHeaderKeys};
constexpr Type kHeaders{.form = Form::list, .item = &kHeader, .same = Same::key, .key = "name"};
constexpr std::array kVerificationKeys{Key{"hash", &kText}};
constexpr Type kVerification{.form = Form::object, .keys = kVerificationKeys};

constexpr std::array kReferenceKeys{
    Key{"source", &kText},
    Key{"compression", &kText, 1},
    Key{"httpHeaders", &kHeaders, 1},
    Key{"verification", &kVerification},
    Key{.name = "inline", .type = &kText, .only = Only::butane},
    Key{.name = "local", .type = &kText, .only = Only::butane},
};
constexpr Type kReference{.form = Form::object, .keys = kReferenceKeys};
constexpr Type kReferences{.form = Form::list, .item = &kReference, .same = Same::key, .key = "source"};

constexpr std::array kResourceKeys{
    Key{"source", &kText},
    Key{"compression", &kText},
    Key{"httpHeaders", &kHeaders, 1},
    Key{"verification", &kVerification},
    Key{.name = "inline", .type = &kText, .only = Only::butane},
    Key{.name = "local", .type = &kText, .only = Only::butane},
};

constexpr std::array kConfigKeys{Key{"merge", &kReferences}, Key{"replace", &kReference}};
constexpr Type kConfig{.form = Form::object, .keys = kConfigKeys};
constexpr std::array kTimeoutKeys{Key{"httpResponseHeaders", &kNumber}, Key{"httpTotal", &kNumber}};
constexpr Type kTimeouts{.form = Form::object, .keys = kTimeoutKeys};
constexpr std::array kTlsKeys{Key{"certificateAuthorities", &kReferences}};
constexpr Type kTls{.form = Form::object, .keys = kTlsKeys};
constexpr std::array kSecurityKeys{Key{"tls", &kTls}};
constexpr Type kSecurity{.form = Form::object, .keys = kSecurityKeys};
constexpr std::array kProxyKeys{Key{"httpProxy", &kText}, Key{"httpsProxy", &kText}, Key{"noProxy", &kTexts}};
constexpr Type kProxy{.form = Form::object, .keys = kProxyKeys};
constexpr std::array kIgnitionKeys{
    Key{"version", &kText},      Key{"config", &kConfig},  Key{"timeouts", &kTimeouts},
    Key{"security", &kSecurity}, Key{"proxy", &kProxy, 1},
};
constexpr Type kIgnition{.form = Form::object, .keys = kIgnitionKeys};

constexpr std::array kUserKeys{
    Key{"name", &kText},
    Key{"passwordHash", &kText},
    Key{"sshAuthorizedKeys", &kTexts},
    Key{.name = "sshAuthorizedKeysLocal", .type = &kTexts, .only = Only::butane},
    Key{"uid", &kNumber},
    Key{"gecos", &kText},
    Key{"homeDir", &kText},
    Key{"noCreateHome", &kFlag},
    Key{"primaryGroup", &kText},
    Key{"groups", &kTexts},
    Key{"noUserGroup", &kFlag},
    Key{"noLogInit", &kFlag},
    Key{"shell", &kText},
    Key{"shouldExist", &kFlag, 2},
    Key{"system", &kFlag},
};
constexpr Type kUser{.form = Form::object, .keys = kUserKeys};
constexpr Type kUsers{.form = Form::list, .item = &kUser, .same = Same::key, .key = "name"};
constexpr std::array kGroupKeys{
    Key{"name", &kText},           Key{"gid", &kNumber},  Key{"passwordHash", &kText},
    Key{"shouldExist", &kFlag, 2}, Key{"system", &kFlag},
};
constexpr Type kGroup{.form = Form::object, .keys = kGroupKeys};
constexpr Type kGroups{.form = Form::list, .item = &kGroup, .same = Same::key, .key = "name"};
constexpr std::array kPasswdKeys{Key{"users", &kUsers}, Key{"groups", &kGroups}};
constexpr Type kPasswd{.form = Form::object, .keys = kPasswdKeys};

constexpr std::array kDropinKeys{
    Key{"name", &kText},
    Key{"contents", &kText},
    Key{.name = "contentsLocal", .type = &kText, .only = Only::butane},
};
constexpr Type kDropin{.form = Form::object, .keys = kDropinKeys};
constexpr Type kDropins{.form = Form::list, .item = &kDropin, .same = Same::key, .key = "name"};
constexpr std::array kUnitKeys{
    Key{"name", &kText},
    Key{"enabled", &kFlag},
    Key{"mask", &kFlag},
    Key{"contents", &kText},
    Key{.name = "contentsLocal", .type = &kText, .only = Only::butane},
    Key{"dropins", &kDropins},
};
constexpr Type kUnit{.form = Form::object, .keys = kUnitKeys};
constexpr Type kUnits{.form = Form::list, .item = &kUnit, .same = Same::key, .key = "name"};
constexpr std::array kSystemdKeys{Key{"units", &kUnits}};
constexpr Type kSystemd{.form = Form::object, .keys = kSystemdKeys};

constexpr std::array kKernelKeys{
    Key{.name = "shouldExist", .type = &kTexts, .family = "argument"},
    Key{.name = "shouldNotExist", .type = &kTexts, .family = "argument"},
};
constexpr Type kKernelArguments{.form = Form::object, .keys = kKernelKeys};

constexpr std::array kDocumentKeys{
    Key{"ignition", &kIgnition},
    Key{"storage", &kStorage},
    Key{"systemd", &kSystemd},
    Key{"passwd", &kPasswd},
    Key{"kernelArguments", &kKernelArguments, 3},
    Key{.name = "variant", .type = &kText, .only = Only::butane},
    Key{.name = "version", .type = &kText, .only = Only::butane},
    Key{.name = "bootDevice", .type = &kAnything, .only = Only::butane},
    Key{.name = "grub", .type = &kAnything, .only = Only::butane},
};
constexpr Type kDocument{.form = Form::object, .keys = kDocumentKeys};

}  // namespace

constinit const Type kResource{.form = Form::object, .keys = kResourceKeys};

}  // namespace schema

const Type& config_type() noexcept { return schema::kDocument; }

std::string butane_name(const Key& key) {
    if (!key.butane.empty()) return std::string(key.butane);
    std::string name;
    for (const char c : key.name) {
        const bool capital = c >= 'A' && c <= 'Z';
        if (capital) name += '_';
        name += capital ? static_cast<char>(c + ('a' - 'A')) : c;
    }
    return name;
}

const Key* find_key(const Type& type, std::string_view name, bool butane) {
    const auto found = std::ranges::find_if(type.keys, [&](const Key& key) {
        return butane ? butane_name(key) == name : key.only == Only::neither && key.name == name;
    });
    return found == type.keys.end() ? nullptr : &*found;
}

std::string identity(const Type& list, const Value& entry) {
    switch (list.same) {
        case Same::never: return {};
        case Same::value: return entry.text();
        case Same::key: return entry.text_of(list.key);
        case Same::partition: {
            if (const auto number = entry.integer_of("number")) return std::format("number {}", number);
            return entry.has("label") ? std::format("label {}", entry.text_of("label")) : std::string();
        }
    }
    return {};
}

}  // namespace diatom::ignition
